import CMicrohttpd
import Glibc
import LinuxIO
import Metrics
import Time

/// Serves `/metrics`, `/healthz` and `/readyz` by HTTP, on the thread of its owner's loop.
///
/// HTTP is libmicrohttpd's, run without threads: its epoll descriptor is watched by the owner's loop. What only the
/// owner knows it is asked: a request that needs it stands still until it is answered.
///
///     try loop.add(server.descriptor, token: …, readable: true, writable: false)
///     // when that is ready, or `server.deadline(at:)` has passed:
///     server.run()
///     while let question = server.nextQuestion() {
///       switch question {
///       case .metrics(let format): server.answer(metrics: metricsText(of: pools, process, as: format))
///       case .readiness: server.answer(notReady: isReady ? nil : "2 of 4 workers are ready")
///       }
///     }
public struct MetricsServer: ~Copyable {
  /// How much clients may take.
  public struct Limits: Sendable {
    /// Connections at the same time; more wait, unaccepted, until one ends.
    public var connections: Int = 64
    /// Connections of one IP address at the same time; further ones are closed. Unix sockets have none.
    public var connectionsPerAddress: Int = 16
    /// A connection without traffic for this time, in seconds, is closed.
    public var timeout: Int = 10
    /// Bytes of memory for the headers of one connection, both ways; a request with more is refused (431).
    public var memoryPerConnection: Int = 8192

    /// The usual ones.
    public init() {}
  }

  /// What only the owner knows.
  public enum Question: Equatable, Sendable {
    /// The metrics, in this format: `answer(metrics:)`.
    case metrics(MetricsFormat)
    /// Whether jobs can be served: `answer(notReady:)`.
    case readiness
  }

  private let inbox: UnsafeMutablePointer<RequestInbox>
  private let daemon: OpaquePointer
  private let listener: FileDescriptor
  private let mostConnections: CUnsignedInt
  /// To be watched for reading.
  public let descriptor: CInt

  /// Begins to serve on a stream socket (TCP or Unix) that is bound and listens; it is made non-blocking.
  ///
  /// Throws if libmicrohttpd is not installed, or does not like the socket.
  public init(on listener: consuming FileDescriptor, limits: Limits = Limits()) throws(MetricsServerError) {
    // The library would take anything, and serve nobody.
    var listens: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    if getsockopt(listener.rawValue, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 {
      throw .start(SystemError("serve metrics"))
    }
    if listens == 0 { throw .start(SystemError("serve metrics", EINVAL)) }
    var library = prefork_http_library()
    if let reason = prefork_http_load(&library) { throw .library(String(cString: reason)) }
    let inbox = UnsafeMutablePointer<RequestInbox>.allocate(capacity: 1)
    inbox.initialize(to: RequestInbox(library))
    var numbers = prefork_http_limits(
      connections: CUnsignedInt(limits.connections),
      connections_per_address: CUnsignedInt(limits.connectionsPerAddress),
      timeout_seconds: CUnsignedInt(limits.timeout), memory_per_connection: limits.memoryPerConnection)
    // A copy, because a start that fails may or may not close what it was given.
    let copy = fcntl(listener.rawValue, F_DUPFD_CLOEXEC, 0)
    let daemon = copy < 0 ? nil : prefork_http_start(&library, copy, &numbers, requestCame, inbox)
    guard let daemon else {
      let code = errno
      inbox.deinitialize(count: 1)
      inbox.deallocate()
      throw .start(SystemError("serve metrics", code))
    }
    self.inbox = inbox
    self.daemon = daemon
    self.listener = listener
    mostConnections = numbers.connections
    descriptor = prefork_http_epoll(&library, daemon)
  }

  /// Closes the socket and all connections.
  deinit {
    // A daemon that is stopped while a request stands still aborts the process.
    while inbox.pointee.take() != nil {}
    inbox.pointee.library.stop(daemon)
    inbox.deinitialize(count: 1)
    inbox.deallocate()
  }

  /// Serves what has come, and closes what was silent for too long; never waits. To be called when `descriptor` is
  /// ready and when the deadline has passed; after that, the questions are to be answered.
  public mutating func run() {
    inbox.pointee.hasAnswered = false
    let wasFull = isFull
    _ = inbox.pointee.library.run(daemon)
    // While there is no room, the library does not watch the socket; that it should again it sees only when it is next
    // run.
    inbox.pointee.hasRoomAgain = wasFull && !isFull
  }

  private var isFull: Bool { prefork_http_connections(&inbox.pointee.library, daemon) >= mostConnections }

  /// When `run` must be called though `descriptor` is not ready, by CLOCK_MONOTONIC; nil for never.
  public func deadline(at now: Instant) -> Instant? {
    if inbox.pointee.hasWork { return now }
    var milliseconds: CUnsignedLongLong = 0
    guard inbox.pointee.library.timeout(daemon, &milliseconds) == .YES else { return nil }
    return now + .milliseconds(milliseconds)
  }

  /// The next request that waits for its answer. One that was not answered since the last call gets an error (500).
  public mutating func nextQuestion() -> Question? {
    if let question = inbox.pointee.take() { return question }
    // Neither the library's descriptor nor its timeout reports a connection that goes on (0.9.75): the answers are
    // sent here. What this brings in is for the next turn, so that no client can keep the owner in this one.
    if inbox.pointee.hasAnswered { run() }
    return nil
  }

  /// Answers `.metrics` with their text.
  public mutating func answer(metrics text: [UInt8]) {
    guard case .metrics(let format)? = inbox.pointee.question else { return }
    inbox.pointee.answer(Reply(status: MHD_HTTP_OK, type: format.contentType, body: text, varies: true))
  }

  /// Answers `.readiness`: 200 for nil, or 503 and why jobs cannot be served, in one line.
  public mutating func answer(notReady reason: String?) {
    guard inbox.pointee.question == .readiness else { return }
    guard let reason else { return inbox.pointee.answer(Reply(MHD_HTTP_OK, "ready")) }
    inbox.pointee.answer(Reply(MHD_HTTP_SERVICE_UNAVAILABLE, reason))
  }
}

/// Why metrics cannot be served.
public enum MetricsServerError: Error, CustomStringConvertible {
  /// The library cannot be loaded, for this reason.
  case library(String)
  /// It could not begin.
  case start(SystemError)

  /// In words.
  public var description: String {
    switch self {
    case .library(let reason): "cannot serve metrics: \(reason) (Debian: libmicrohttpd12)"
    case .start(let error): "\(error)"
    }
  }
}
