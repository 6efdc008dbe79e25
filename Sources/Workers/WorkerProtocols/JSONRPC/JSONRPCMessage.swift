import JSON

/// The members of a message that mean something. The text stays where it is.
struct JSONRPCMessage {
  private(set) var id: JSONValue?
  private(set) var method: JSONValue?
  private(set) var params: JSONValue?
  private(set) var result: JSONValue?
  private(set) var error: JSONValue?

  /// Nil if the text is JSON, but no object.
  init?(_ text: RawSpan) throws(JSONError) {
    let isObject = try JSONScanner.readObject(in: text) { member in
      member.name.withText(of: text) { name in
        switch name.byteCount {
        case 2 where name.equals("id"): id = member.value
        case 5 where name.equals("error"): error = member.value.kind == .null ? nil : member.value
        case 6 where name.equals("method"): method = member.value
        case 6 where name.equals("params"): params = member.value
        case 6 where name.equals("result"): result = member.value
        default: break
        }
      }
    }
    if isObject {
      // Some write both, the one that does not count as null.
      if error != nil, let result, result.kind == .null { self.result = nil }
      return
    }
    _ = try JSONScanner.check(text)
    return nil
  }

  /// What a message without a method answers.
  enum Response {
    case result(JSONValue)
    case error(ReplyFailure)
    case malformed(String)
  }

  /// What this message answers, if it has no method.
  func response(in text: RawSpan) -> Response {
    switch (result, error) {
    case (let result?, nil): return .result(result)
    case (nil, let error?):
      guard let failure = ReplyFailure(error, in: text) else {
        return .malformed("\"error\" is not an object with a \"message\"")
      }
      return .error(failure)
    case (nil, nil): return .malformed("a response needs \"result\" or \"error\"")
    case (_?, _?): return .malformed("a response has \"result\" or \"error\", and not both")
    }
  }

  /// The answer to a request, of which none is served: method not found.
  func refusal(_ id: JSONValue, _ text: RawSpan) -> [UInt8] {
    var response = Array(#"{"jsonrpc":"2.0""#.utf8)
    response.appendMember("id", json: text.extracting(id.range))
    response.appendName("error")
    response += JSONWriter.object { error in
      error.member("code", -32601)
      error.member("message", "method not found: prefork serves no requests of workers")
    }
    response.append("}")
    return response
  }
}

extension JSONValue {
  /// The reply that this value is: the text of a string, any other value as it stands. `start`: where `text` stands
  /// among the bytes from the worker.
  func answer(in text: RawSpan, at start: Int) -> WorkerAnswer {
    let place = (range.lowerBound + start)..<(range.upperBound + start)
    switch kind {
    case .string(hasEscapes: false): return .done((place.lowerBound + 1)..<(place.upperBound - 1))
    case .string(hasEscapes: true):
      var decoded: [UInt8] = []
      appendText(of: text, to: &decoded)
      return .decoded(decoded)
    case .object, .array, .number, .yes, .no, .null: return .done(place)
    }
  }

  /// The value as it stands, cut off if it is long.
  func shown(in text: RawSpan) -> String {
    let most = 40
    var bytes: [UInt8] = []
    bytes.append(text.extracting(range.lowerBound..<min(range.upperBound, range.lowerBound + most)))
    return String(decoding: bytes, as: UTF8.self) + (range.count > most ? "…" : "")
  }
}

extension ReplyFailure {
  /// An error object; nil if it is none.
  init?(_ error: JSONValue, in text: RawSpan) {
    guard error.kind == .object, let members = try? JSONObject(text, error.range),
      let message = try? members.text("message")
    else { return nil }
    self.init(message: message, code: (try? members.numberIfAny("code")) ?? nil, data: members.jsonIfAny("data"))
  }
}

extension WorkerNotice {
  /// `{"id": n, "done": x, "total": y, "message": …}`
  static func progress(_ members: JSONObject) -> WorkerNotice {
    guard let progress = JobProgress(members, done: "done") else { return .ignored }
    return .progress(id: (try? members.numberIfAny("id")) ?? nil, progress)
  }

  /// `{"level": …, "message": …}`
  static func log(_ members: JSONObject) -> WorkerNotice {
    guard let message = (try? members.textIfAny("message")) ?? nil else { return .ignored }
    let level = (try? members.textIfAny("level")) ?? nil
    return .log(level.flatMap(LogLevel.init(name:)) ?? .info, message)
  }
}

extension JobProgress {
  /// Reads it from an object that names what is done so; nil if it does not.
  init?(_ members: JSONObject, done name: String) {
    guard let done = members.doubleIfAny(name), done >= 0 else { return nil }
    let message = (try? members.textIfAny("message")) ?? nil
    self.init(done: done, total: members.doubleIfAny("total"), message: message ?? "")
  }
}

extension LogLevel {
  /// The level of this name, as syslog, Python and Node write them, in any case; nil if there is none.
  init?(name: String) {
    switch name.lowercased() {
    case "emerg", "fatal", "panic": self = .emergency
    case "crit": self = .critical
    case "err": self = .error
    case "warn": self = .warning
    case "information": self = .info
    case "trace", "verbose": self = .debug
    case let name:
      guard let level = LogLevel(rawValue: name) else { return nil }
      self = level
    }
  }
}
