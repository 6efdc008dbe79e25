import EventLoop
import Glibc
import LinuxIO
import Metrics
import MetricsServer
import TestSupport
import Testing
import Time

let millisecond: Nanoseconds = 1_000_000

extension MetricsServer.Limits {
  /// With more time for silent clients than any machine stalls, for tests of something else.
  static var patient: MetricsServer.Limits {
    var limits = MetricsServer.Limits()
    limits.timeout = 600
    return limits
  }
}

/// A server, its loop and what it answers, on this thread: nothing runs but while `serve` is called.
struct ServedMetrics: ~Copyable {
  private var loop: EventLoop
  var server: MetricsServer
  let address: Address
  var notReady: String?
  var body = Array("# EOF\n".utf8)
  /// Questions that it was asked.
  private(set) var asked: [MetricsServer.Question] = []

  init(_ address: Address = .ip4, limits: MetricsServer.Limits = .patient, descriptor: CInt? = nil) throws {
    let listener = try address.listen()
    let bound = address.bound(to: listener)
    var owned = listener
    if let descriptor {
      owned = fcntl(listener, F_DUPFD_CLOEXEC, descriptor)
      close(listener)
    }
    let server = try MetricsServer(on: FileDescriptor(owning: owned), limits: limits)
    var loop = try EventLoop()
    try loop.add(server.descriptor, token: 1, readable: true, writable: false)
    self.address = bound
    self.server = server
    self.loop = loop
  }

  /// Serves until `isDone`, or for so long; returns whether it was done in time.
  @discardableResult
  mutating func serve(for limit: Nanoseconds = 60_000 * millisecond, until isDone: () -> Bool) throws -> Bool {
    let end = monotonicNow() + limit
    var events: [LoopEvent] = []
    while !isDone() {
      if monotonicNow() >= end { return false }
      events.removeAll()
      // What the test does between turns is no standstill of the loop.
      loop.countTime()
      let now = loop.now()
      // Clients are looked at every 2 ms; the server itself is woken only by its descriptor and its deadline.
      try loop.setAlarm(at: min(server.deadline(at: now) ?? .distantFuture, now + 2 * millisecond))
      let due = server.deadline(at: now)
      try loop.wait(into: &events)
      let isReady = events.contains { if case .ready = $0 { true } else { false } }
      if isReady || due.map({ $0 <= loop.now() }) ?? false { turn() }
    }
    return true
  }

  private mutating func turn() {
    server.run()
    while let question = server.nextQuestion() {
      asked.append(question)
      switch question {
      case .metrics: server.answer(metrics: body)
      case .readiness: server.answer(notReady: notReady)
      }
    }
  }

  /// One request on a connection of its own, and all that comes back until the server closes it.
  mutating func ask(_ request: String) throws -> String {
    let client = try Client(address)
    client.send(request)
    try serve { client.isClosed }
    return client.text
  }

  /// A request for `path` that ends the connection.
  mutating func get(_ path: String, method: String = "GET", headers: String = "") throws -> String {
    try ask("\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(headers)\r\n")
  }
}

/// Where a server listens.
enum Address {
  case ip4, ip6
  case port4(UInt16), port6(UInt16)
  case unix(String)

  func listen() throws -> CInt {
    let descriptor = makeSocket()
    if case .unix(let path) = self { unlink(path) }
    let bound = withAddress { bind(descriptor, $0, $1) }
    try #require(bound == 0 && Glibc.listen(descriptor, 512) == 0, "errno \(errno)")
    return descriptor
  }

  func bound(to listener: CInt) -> Address {
    var storage = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    _ = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
    }
    // The port is at the same place in both.
    return switch self {
    case .ip4, .port4: .port4(storage.sin6_port.byteSwapped)
    case .ip6, .port6: .port6(storage.sin6_port.byteSwapped)
    case .unix: self
    }
  }

  func makeSocket() -> CInt {
    let family =
      switch self {
      case .ip4, .port4: AF_INET
      case .ip6, .port6: AF_INET6
      case .unix: AF_UNIX
      }
    return socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
  }

  func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    func call<Value>(_ value: Value) -> CInt {
      withUnsafePointer(to: value) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Value>.size)) }
      }
    }
    switch self {
    case .ip4: return Address.port4(0).withAddress(body)
    case .ip6: return Address.port6(0).withAddress(body)
    case .port4(let port):
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.byteSwapped
      address.sin_addr.s_addr = UInt32(0x7F00_0001).byteSwapped
      return call(address)
    case .port6(let port):
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.byteSwapped
      address.sin6_addr = in6addr_loopback
      return call(address)
    case .unix(let path):
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      return call(address)
    }
  }
}

/// A client that only looks at what is there.
final class Client {
  let descriptor: CInt
  private var received: [UInt8] = []
  private var hasEnded = false

  init(_ address: Address) throws {
    descriptor = address.makeSocket()
    let connected = address.withAddress { connect(descriptor, $0, $1) }
    try #require(connected == 0, "errno \(errno)")
  }

  deinit { close(descriptor) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
  }

  private func look() {
    var block = [UInt8](repeating: 0, count: 65536)
    while !hasEnded {
      let count = recv(descriptor, &block, block.count, CInt(MSG_DONTWAIT))
      if count < 0, errno == EAGAIN { return }
      if count <= 0 { hasEnded = true } else { received += block[..<count] }
    }
  }

  var isClosed: Bool {
    look()
    return hasEnded
  }

  var text: String {
    look()
    return String(decoding: received, as: UTF8.self)
  }

  /// How many answers have come, by their status lines.
  var answers: Int { text.split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false).count - 1 }
}

extension String {
  /// The status of an answer: `200`.
  var status: String { String(dropFirst(9).prefix(3)) }
  /// What stands behind the headers.
  var content: String {
    let bytes = Array(utf8)
    let end = bytes.indices.first { bytes[$0...].starts(with: "\r\n\r\n".utf8) }
    return end.map { String(decoding: bytes[($0 + 4)...], as: UTF8.self) } ?? ""
  }
}
