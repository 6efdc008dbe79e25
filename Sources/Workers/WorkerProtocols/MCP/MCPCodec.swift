import JSON
import Time
import WireFormats

/// Requests and responses of one MCP server.
struct MCPCodec: WorkerCodec {
  /// Late answers to this many jobs that were given up are recognized.
  private static let mostGivenUp = 1000
  /// A message of the handshake may be this large, whatever the limit of replies is.
  private static let handshakeSize = 32768

  private let terms: MCPProtocol
  private var decoder: MessageDecoder
  private var handshake: MCPHandshake
  /// The requests of jobs that are not answered.
  private var calls: [UInt64] = []
  /// Those of them that the server was asked to give up.
  private var cancelled: Set<UInt64> = []
  /// Requests that were given up without an answer, which may still come; the oldest first.
  private var givenUp: [UInt64] = []
  /// Requests that are no jobs: how many were sent.
  private var checks = 0
  /// The id of the probe or the reset that is not answered; empty if there is none.
  private var openCheck = ""
  /// The message that is being written; kept for its room.
  private var message: [UInt8] = []

  init(_ terms: MCPProtocol, maximumReplySize: Int) {
    self.terms = terms
    decoder = MessageDecoder(.newline, maximumReplySize: max(maximumReplySize, Self.handshakeSize))
    handshake = MCPHandshake(tool: terms.tool, known: terms.known)
  }

  /// Before the handshake nothing is sent that depends on it.
  private var generation: MCPGeneration { handshake.generation ?? .session }

  // MARK: To the worker

  mutating func continueGreeting(
    atAge age: Nanoseconds, to write: (UnsafeRawBufferPointer) -> Void
  ) -> Nanoseconds? {
    message.removeAll(keepingCapacity: true)
    let wait = handshake.begin(atAge: age, to: &message)
    if !message.isEmpty { message.withUnsafeBytes(write) }
    return wait
  }

  mutating func encode(_ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void) {
    let call = id + MCPHandshake.idLimit
    let terms = terms
    calls.append(call)
    message.removeAll(keepingCapacity: true)
    MCPRequest.append("tools/call", .number(call), generation, progressToken: call, to: &message) { parameters in
      parameters.appendMember("name", terms.tool ?? "")
      parameters.appendName("arguments")
      guard let argument = terms.argument else { return parameters.appendLine(job.bytes) }
      parameters.append("{")
      _ = parameters.appendString(argument.utf8.span.bytes)
      parameters.append(":")
      _ = parameters.appendString(job.bytes)
      parameters.append("}")
    }
    message.withUnsafeBytes(write)
  }

  mutating func encode(_ request: WorkerRequest, to write: (UnsafeRawBufferPointer) -> Void) -> Bool {
    message.removeAll(keepingCapacity: true)
    switch request {
    case .check(let text):
      checks += 1
      openCheck = "check-\(checks)"
      ask(String(decoding: text, as: UTF8.self), openCheck)
    case .cancel(let id):
      let call = id + MCPHandshake.idLimit
      cancelled.insert(call)
      MCPRequest.appendNotification("notifications/cancelled", to: &message) { parameters in
        parameters.appendMember("requestId", call)
        parameters.appendMember("reason", "prefork does not wait for it any more")
      }
      ask("ping", "\(Self.cancelPrefix)\(call)")
    // The end of its input means that.
    case .stop: return false
    }
    message.withUnsafeBytes(write)
    return true
  }

  private static let cancelPrefix = "cancelled-"

  /// A request without parameters. The new generation has no `ping`; a server describes itself instead.
  private mutating func ask(_ method: String, _ id: String) {
    let isPing = method == "ping" && generation == .stateless
    MCPRequest.append(isPing ? "server/discover" : method, .text(id), generation, to: &message)
  }

  // MARK: From the worker

  mutating func decode(_ bytes: RawSpan) -> WorkerMessage {
    switch decoder.next(in: bytes) {
    case .frame(let payload, let consumed):
      do throws(JSONError) { return try interpret(bytes.extracting(payload), consumed: consumed) } catch {
        return .violation("not JSON: \(error)")
      }
    case .needMore(let consumed): return decoder.isSkipping ? .oversize : .needMore(consumed: consumed)
    case .oversize: return .oversize
    case .violation(let reason): return .violation(reason)
    }
  }

  private mutating func interpret(_ text: RawSpan, consumed: Int) throws(JSONError) -> WorkerMessage {
    guard let message = try JSONRPCMessage(text) else { return .violation("a message must be a JSON object") }
    if let method = message.method {
      guard method.isString else { return .violation("\"method\" is not a string") }
      let name = method.string(in: text)
      guard let id = message.id else { return .notice(notice(name, message.params, text), consumed: consumed) }
      return .response(name == "ping" ? pong(id, text) : message.refusal(id, text) + [0x0A], consumed: consumed)
    }
    let response = message.response(in: text)
    if case .malformed(let reason) = response { return .violation(reason) }
    guard let id = message.id, id.kind != .null else { return unnamed(response, text, consumed: consumed) }
    if id.isString { return answered(id.string(in: text), response, consumed: consumed) }
    guard let number: UInt64 = id.integer(in: text) else { return stray(id, text) }
    if number < MCPHandshake.idLimit { return step(handshake.received(number, response, text), consumed) }
    return answered(number, response, text, consumed: consumed) ?? stray(id, text)
  }

  private func stray(_ id: JSONValue, _ text: RawSpan) -> WorkerMessage {
    .violation("a response to no request of ours: its \"id\" is \(id.shown(in: text))")
  }

  /// A server that could not read a request cannot name it either.
  private mutating func unnamed(
    _ response: JSONRPCMessage.Response, _ text: RawSpan, consumed: Int
  ) -> WorkerMessage {
    guard case .error(let failure) = response else { return .violation("a response without an \"id\"") }
    if handshake.generation == nil { return step(handshake.received(nil, response, text), consumed) }
    if calls.count == 1 { cancelled.remove(calls.removeFirst()) }
    return .answer(id: nil, .failed(failure), consumed: consumed)
  }

  /// The answer to a job; nil if there is none with this id.
  private mutating func answered(
    _ call: UInt64, _ response: JSONRPCMessage.Response, _ text: RawSpan, consumed: Int
  ) -> WorkerMessage? {
    guard let place = calls.firstIndex(of: call) else {
      guard let place = givenUp.firstIndex(of: call) else { return nil }
      givenUp.remove(at: place)
      return .notice(.ignored, consumed: consumed)
    }
    calls.remove(at: place)
    let wasCancelled = cancelled.remove(call) != nil
    let answer: WorkerAnswer
    switch response {
    case .result(let result): answer = .toolResult(result, in: text)
    case .error(let failure): answer = .failed(failure)
    case .malformed(let reason): return .violation(reason)
    }
    let id = call - MCPHandshake.idLimit
    if wasCancelled, case .failed = answer { return .answer(id: id, .cancelled, consumed: consumed) }
    return .answer(id: id, answer, consumed: consumed)
  }

  /// The answer to a probe or a reset, or to the request behind a cancellation.
  private mutating func answered(
    _ id: String, _ response: JSONRPCMessage.Response, consumed: Int
  ) -> WorkerMessage {
    if !openCheck.isEmpty, id == openCheck {
      openCheck = ""
      guard case .error(let failure) = response else { return .reply(payload: 0..<0, consumed: consumed) }
      return .failure(failure, consumed: consumed)
    }
    guard id.hasPrefix(Self.cancelPrefix), let call = UInt64(id.dropFirst(Self.cancelPrefix.count)) else {
      return .violation("a response to no request of ours: its \"id\" is \"\(id)\"")
    }
    // It may have answered the job before.
    guard cancelled.remove(call) != nil, let place = calls.firstIndex(of: call) else {
      return .notice(.ignored, consumed: consumed)
    }
    calls.remove(at: place)
    givenUp.append(call)
    if givenUp.count > Self.mostGivenUp { givenUp.removeFirst() }
    return .answer(id: call - MCPHandshake.idLimit, .cancelled, consumed: consumed)
  }

  private func step(_ step: MCPHandshake.Step, _ consumed: Int) -> WorkerMessage {
    switch step {
    case .send(let bytes): .response(bytes, consumed: consumed)
    case .ready: .notice(.ready, consumed: consumed)
    case .tools(let tools): .notice(.tools(tools), consumed: consumed)
    case .unfit(let reason): .unfit(reason)
    case .violation(let reason): .violation(reason)
    case .nothing: .notice(.ignored, consumed: consumed)
    }
  }

  private func pong(_ id: JSONValue, _ text: RawSpan) -> [UInt8] {
    var response = Array(#"{"jsonrpc":"2.0""#.utf8)
    response.appendMember("id", json: text.extracting(id.range))
    response.append(",\"result\":{}}\n")
    return response
  }

  private func notice(_ method: String, _ params: JSONValue?, _ text: RawSpan) -> WorkerNotice {
    guard let params, params.kind == .object, let members = try? JSONObject(text, params.range) else {
      return .ignored
    }
    switch method {
    case "notifications/message": return .loggingMessage(members)
    case "notifications/progress":
      guard let token = (try? members.numberIfAny("progressToken") as UInt64?) ?? nil,
        token > MCPHandshake.idLimit, let progress = JobProgress(members, done: "progress")
      else { return .ignored }
      return .progress(id: token - MCPHandshake.idLimit, progress)
    default: return .ignored
    }
  }
}
