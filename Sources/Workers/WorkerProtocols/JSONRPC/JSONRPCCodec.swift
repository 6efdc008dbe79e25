import JSON
import WireFormats

/// Requests and responses of one worker.
struct JSONRPCCodec: WorkerCodec {
  let terms: JSONRPCProtocol
  private var decoder: MessageDecoder
  /// Requests that are no jobs: how many were sent.
  private var requests = 0
  /// The id of the probe or the reset that is not answered; empty if there is none.
  private var openRequest = ""
  /// Jobs that the worker was asked to give up, and has not answered.
  private var cancelled: Set<UInt64> = []
  /// The message that is being written; kept for its room.
  private var message: [UInt8] = []
  /// What is being sent and received in batches.
  var batch = JSONRPCBatch()

  init(_ terms: JSONRPCProtocol, maximumReplySize: Int) {
    self.terms = terms
    let (size, isTooLarge) = maximumReplySize.multipliedReportingOverflow(by: terms.batch ?? 1)
    decoder = MessageDecoder(terms.messageFraming, maximumReplySize: isTooLarge ? .max : size)
  }

  // MARK: To the worker

  mutating func encode(_ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void) {
    let terms = terms
    if batch.append(job.bytes, id: id, terms) { return }
    send(to: write) { terms.append(job.bytes, id: id, to: &$0) }
  }

  mutating func encode(_ request: WorkerRequest, to write: (UnsafeRawBufferPointer) -> Void) -> Bool {
    switch request {
    case .check(let text): ask(String(decoding: text, as: UTF8.self), to: write)
    case .cancel(let id):
      cancelled.insert(id)
      send(to: write) { message in
        message += JSONWriter.object { request in
          request.member("jsonrpc", "2.0")
          request.member("method", "cancel")
          request.member("params", object: { $0.member("id", id) })
        }
      }
    case .stop: send(to: write) { $0.append(#"{"jsonrpc":"2.0","method":"stop"}"#) }
    }
    return true
  }

  mutating func encode(initial message: UnsafeRawBufferPointer, to write: (UnsafeRawBufferPointer) -> Void) -> Bool {
    let text = message.bytes
    guard let request = try? JSONRPCMessage(text), let method = request.method else { return false }
    guard request.id != nil else {
      send(to: write) { $0.append(contentsOf: message) }
      return true
    }
    let id = openNextRequest()
    send(to: write) { message in
      message.append(#"{"jsonrpc":"2.0""#)
      message.appendMember("id", id)
      message.appendMember("method", json: text.extracting(method.range))
      if let params = request.params { message.appendMember("params", json: text.extracting(params.range)) }
      message.append("}")
    }
    return true
  }

  private mutating func openNextRequest() -> String {
    requests += 1
    openRequest = "check-\(requests)"
    return openRequest
  }

  private mutating func ask(_ method: String, to write: (UnsafeRawBufferPointer) -> Void) {
    let id = openNextRequest()
    send(to: write) { message in
      message += JSONWriter.object { request in
        request.member("jsonrpc", "2.0")
        request.member("id", id)
        request.member("method", method)
      }
    }
  }

  private mutating func send(to write: (UnsafeRawBufferPointer) -> Void, _ body: (inout [UInt8]) -> Void) {
    message.removeAll(keepingCapacity: true)
    body(&message)
    terms.messageFraming.write(message, to: write)
  }

  // MARK: From the worker

  mutating func decode(_ bytes: RawSpan) -> WorkerMessage {
    if let rest = batch.rest { return nextOfArray(bytes, rest) }
    switch decoder.next(in: bytes) {
    case .frame(let payload, let consumed):
      do throws(JSONError) {
        if terms.batch != nil, bytes.byteIfAny(at: bytes.endOfSpace(from: payload.lowerBound)) == UInt8(ascii: "[") {
          _ = try JSONScanner.check(bytes.extracting(payload))
          return nextOfArray(bytes, .init(next: payload.lowerBound, end: consumed))
        }
        return try interpret(bytes.extracting(payload), at: payload.lowerBound, consumed: consumed)
      } catch {
        return .violation("not JSON: \(error)")
      }
    case .needMore(let consumed): return decoder.isSkipping ? .oversize : .needMore(consumed: consumed)
    case .oversize: return .oversize
    case .violation(let reason): return .violation(reason)
    }
  }

  /// `start`: where the text stands among the bytes.
  mutating func interpret(
    _ text: RawSpan, at start: Int, consumed: Int
  ) throws(JSONError) -> WorkerMessage {
    guard let message = try JSONRPCMessage(text) else { return .violation("a message must be a JSON object") }
    if let method = message.method {
      guard method.isString else { return .violation("\"method\" is not a string") }
      guard let id = message.id else {
        return .notice(notice(method.string(in: text), message.params, text), consumed: consumed)
      }
      return .response(terms.messageFraming.framed(message.refusal(id, text)), consumed: consumed)
    }
    let answer: WorkerAnswer
    switch message.response(in: text) {
    case .result(let result): answer = result.answer(in: text, at: start)
    case .error(let failure): answer = .failed(failure)
    case .malformed(let reason): return .violation(reason)
    }
    return named(message.id, answer, text, at: start, consumed: consumed)
  }

  private mutating func named(
    _ id: JSONValue?, _ answer: WorkerAnswer, _ text: RawSpan, at start: Int, consumed: Int
  ) -> WorkerMessage {
    guard let id, id.kind != .null else {
      // A worker that could not read a request cannot name it either.
      guard case .failed = answer else { return .violation("a response without an \"id\"") }
      return .answer(id: nil, answer, consumed: consumed)
    }
    if !openRequest.isEmpty, id.isString, id.says(openRequest, in: text) {
      openRequest = ""
      switch answer {
      case .failed(let failure): return .failure(failure, consumed: consumed)
      case .done(let payload): return .reply(payload: payload, consumed: consumed)
      case .decoded, .cancelled: return .reply(payload: 0..<0, consumed: consumed)
      }
    }
    guard let number: UInt64 = id.integer(in: text) else {
      return .violation("a response to no request of ours: its \"id\" is \(id.shown(in: text))")
    }
    batch.answered(number)
    if cancelled.remove(number) != nil, case .failed = answer {
      return .answer(id: number, .cancelled, consumed: consumed)
    }
    return .answer(id: number, answer, consumed: consumed)
  }

  private func notice(_ method: String, _ params: JSONValue?, _ text: RawSpan) -> WorkerNotice {
    switch method {
    case "ready": return .ready
    case "retire": return .retire
    case "progress", "log":
      guard let params, params.kind == .object, let members = try? JSONObject(text, params.range) else {
        return .ignored
      }
      return method == "log" ? .log(members) : .progress(members)
    default: return .ignored
    }
  }
}

extension JSONRPCProtocol.MessageFraming {
  /// Writes the message with what stands around it.
  func write(_ message: [UInt8], to write: (UnsafeRawBufferPointer) -> Void) {
    if self == .contentLength { Array("Content-Length: \(message.count)\r\n\r\n".utf8).withUnsafeBytes(write) }
    message.withUnsafeBytes(write)
    if self == .newline { [UInt8(0x0A)].withUnsafeBytes(write) }
  }

  func framed(_ message: [UInt8]) -> [UInt8] {
    var framed: [UInt8] = []
    write(message) { framed += $0 }
    return framed
  }
}
