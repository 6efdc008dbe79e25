import JSON

extension WorkerAnswer {
  /// What the result of a tool is as an answer to its job.
  static func toolResult(_ result: JSONValue, in text: RawSpan) -> WorkerAnswer {
    do throws(JSONObjectError) { return try answer(JSONObject(text, result.range)) } catch {
      return .failed(ReplyFailure(message: "the server's result cannot be used: \(error)"))
    }
  }

  private static func answer(_ result: JSONObject) throws(JSONObjectError) -> WorkerAnswer {
    // From 2026-07-28 on a result can also be a request for more input.
    if let type = try result.textIfAny("resultType"), type != "complete" {
      let message = "the tool wants more (\"resultType\" is \"\(type)\"), which prefork cannot give"
      return .failed(ReplyFailure(message: message))
    }
    let hasFailed = try result.flagIfAny("isError") ?? false
    let structured = result.jsonIfAny("structuredContent")
    let reply = try texts(of: result) ?? structured
    guard let reply else { throw .missing("content") }
    guard hasFailed else { return .decoded(reply) }
    return .failed(ReplyFailure(message: String(decoding: reply, as: UTF8.self), data: structured))
  }

  /// The content as one text, or as JSON if some of it is not text; nil if there is none.
  private static func texts(of result: JSONObject) throws(JSONObjectError) -> [UInt8]? {
    let parts = try result.objectsIfAny("content") { part throws(JSONObjectError) in
      try part.text("type") == "text" ? try part.text("text") : nil
    }
    guard let parts else { return nil }
    if parts.isEmpty, result.jsonIfAny("structuredContent") != nil { return nil }
    let texts = parts.compactMap(\.self)
    guard texts.count == parts.count else { return result.jsonIfAny("content") }
    return Array(texts.joined(separator: "\n").utf8)
  }
}

extension WorkerNotice {
  /// A line of a server's log: `{"level": …, "logger": …, "data": any}`. Many put the text into a member of `data`.
  static func loggingMessage(_ members: JSONObject) -> WorkerNotice {
    guard let data = members.jsonIfAny("data") else { return .ignored }
    let level = (try? members.textIfAny("level")) ?? nil
    let logger = (try? members.textIfAny("logger")) ?? nil
    let object = (try? members.objectIfAny("data")) ?? nil
    let inside = (try? object?.textIfAny("msg") ?? object?.textIfAny("message")) ?? nil
    let text = inside ?? (try? members.textIfAny("data")) ?? String(decoding: data, as: UTF8.self)
    return .log(level.flatMap(LogLevel.init(name:)) ?? .info, logger.map { "\($0): \(text)" } ?? text)
  }
}
