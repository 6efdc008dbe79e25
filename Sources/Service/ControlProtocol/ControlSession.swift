import JSON

/// What the service reports of itself in `GetInfo`.
public struct ServiceInfo: Equatable, Sendable {
  /// Such as `0.1.0`.
  public var version: String
  /// Where people find out more.
  public var url: String

  /// This version.
  public init(version: String, url: String) {
    self.version = version
    self.url = url
  }
}

/// The server's side of one control connection, without its socket: bytes in, requests out; replies in, bytes out.
///
/// The life of a connection: while it `wantsInput`, `receive` what was read, then take requests from `nextRequest`
/// until it is nil. Each one is answered, at once or later, by `reply` or `refuse`, before the next one comes out.
/// Write `output`, report that with `removeOutput`, and ask for requests again: with much unread output there are none.
/// Close when `isOver`.
///
/// What Varlink itself asks, and what is wrong with a call, is answered in here. What is no Varlink at all ends the
/// session with `failure`. Whatever a client sends, a session holds a few MiB at most besides one reply.
public struct ControlSession: Sendable {
  /// How many bytes of input may wait: calls are short, and those behind one that takes time wait here.
  public static let inputLimit = 1 << 20
  /// With this many bytes of output unread no further call is looked at.
  public static let outputLimit = 1 << 20

  private let service: ServiceInfo
  private var splitter = MessageSplitter(limit: inputLimit)
  /// The call that is being answered, and what it asks for.
  private var current: (call: Call, request: ControlRequest)?
  private var hasInputEnded = false
  /// Why the bytes of the client could not be understood; the connection is to be closed once `output` is written.
  public private(set) var failure: WireError?
  /// What is to be written to the client.
  public private(set) var output: [UInt8] = []

  /// A connection on which nothing was sent yet.
  public init(service: ServiceInfo) { self.service = service }

  /// Takes bytes from the client.
  public mutating func receive(_ bytes: RawSpan) {
    guard failure == nil else { return }
    do throws(WireError) { try splitter.append(bytes) } catch { fail(error) }
  }

  /// Whether there is any use in reading from the client: not while calls that came early wait for the one under way,
  /// or for the client to read. A driver that reads on nevertheless ends the session when `inputLimit` is full.
  public var wantsInput: Bool {
    guard failure == nil, !hasInputEnded else { return false }
    let isHeldUp = current != nil || output.count >= Self.outputLimit
    return !isHeldUp || splitter.count < Self.inputLimit / 2
  }

  /// The client sends no more. It may still read: calls that are complete are answered, and a `Watch` goes on.
  public mutating func endInput() { hasInputEnded = true }

  /// What the client wants next; nil when it wants nothing, the last request is not answered, or it does not read.
  public mutating func nextRequest() -> ControlRequest? {
    while failure == nil, current == nil, output.count < Self.outputLimit, let message = splitter.next() {
      do throws(WireError) {
        if let request = try understand(message) { return request }
      } catch {
        fail(error)
      }
    }
    if hasInputEnded, current == nil, output.count < Self.outputLimit, failure == nil, splitter.count > 0 {
      fail(.cutOff)
    }
    return nil
  }

  /// Answers the request that is under way. That ends it, but for a `watch`, which ends with `refuse` or the
  /// connection, and `accepted` to a client that waits for `done`. After a `failure` nobody hears it.
  public mutating func reply(_ reply: ControlReply) {
    guard failure == nil else { return }
    guard let (call, request) = current else { preconditionFailure("no request is under way") }
    var continues = false
    switch request {
    case .watch: continues = !call.isOneway
    case .drain(_, let waits), .stop(_, let waits): continues = waits && reply == .accepted && !call.isOneway
    case .status, .scale, .recycle, .metrics, .cancelJob, .jobs, .reload: break
    }
    if !call.isOneway { output += reply.message(continues: continues) }
    if !continues { current = nil }
  }

  /// Ends the request that is under way with an error. After a `failure` nobody hears it.
  public mutating func refuse(_ error: ControlError) {
    guard failure == nil else { return }
    guard let (call, _) = current else { preconditionFailure("no request is under way") }
    current = nil
    answer(call, error.message)
  }

  /// The first `count` bytes of `output` are written.
  public mutating func removeOutput(_ count: Int) {
    if count < output.count { output.removeFirst(count) } else { output = [] }
  }

  /// The request that waits for its answer, or for more of them.
  public var request: ControlRequest? { current?.request }

  /// Whether nothing will come any more: the connection can be closed.
  public var isOver: Bool {
    output.isEmpty && (failure != nil || hasInputEnded && current == nil && splitter.count == 0)
  }

  private mutating func fail(_ error: WireError) {
    failure = error
    current = nil
    splitter = MessageSplitter(limit: Self.inputLimit)
  }

  /// What a message asks of the pool; nil if it was answered here.
  private mutating func understand(_ message: [UInt8]) throws(WireError) -> ControlRequest? {
    let call = try Call(message)
    do throws(ControlError) {
      let (interface, method) = try Self.parts(of: call.method)
      if call.wantsUpgrade { throw .methodNotImplemented(call.method) }
      if interface == PoolInterface.serviceName {
        answer(call, try serviceAnswer(to: call, method: method))
        return nil
      }
      let request = try ControlRequest(call, method: method)
      current = (call, request)
      return request
    } catch {
      answer(call, error.message)
      return nil
    }
  }

  private static func parts(of name: String) throws(ControlError) -> (interface: String, method: String) {
    guard let dot = name.lastIndex(of: ".") else { throw .methodNotFound(name) }
    let interface = String(name[..<dot])
    guard [PoolInterface.name, PoolInterface.serviceName].contains(interface) else {
      throw .interfaceNotFound(interface)
    }
    return (interface, String(name[name.index(after: dot)...]))
  }

  private mutating func answer(_ call: Call, _ message: [UInt8]) {
    if !call.isOneway { output += message }
  }

  private func serviceAnswer(to call: Call, method: String) throws(ControlError) -> [UInt8] {
    let parameters = Parameters(call.parameters)
    switch method {
    case "GetInfo":
      try parameters.allow()
      return Self.message { writer in
        writer.member("vendor", "prefork")
        writer.member("product", "prefork")
        writer.member("version", service.version)
        writer.member("url", service.url)
        writer.member("interfaces", [PoolInterface.serviceName, PoolInterface.name]) { $0.element($1) }
      }
    case "GetInterfaceDescription":
      try parameters.allow("interface")
      guard let interface = try parameters.text("interface") else { throw .invalidParameter("interface") }
      let descriptions = [
        PoolInterface.name: PoolInterface.description, PoolInterface.serviceName: PoolInterface.serviceDescription,
      ]
      guard let description = descriptions[interface] else { throw .interfaceNotFound(interface) }
      return Self.message { $0.member("description", description) }
    default: throw .methodNotFound("\(PoolInterface.serviceName).\(method)")
    }
  }

  private static func message(_ parameters: (inout JSONWriter) -> Void) -> [UInt8] {
    JSONWriter.object { $0.member("parameters", object: parameters) } + [0]
  }
}
