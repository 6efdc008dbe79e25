import Glibc
import TestSupport
import Testing

/// `prefork serve` in a folder of its own, for one test. `$DIR` in its options and its worker is that folder; its first
/// job socket is `$DIR/s`.
final class Server {
  let session: Session
  let folder: String
  private let place: SourceLocation
  private var clients: [Client] = []

  /// Starts it, and waits until it listens. After `seconds` it is killed, and the test fails.
  init(
    _ options: String = "", worker: String = "cat", listen: String = "--listen unix:$DIR/s", prelude: String = "",
    seconds: Double = 240, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    guard let folder = makeTemporaryFolder() else { throw ShellFailure(operation: "mkdtemp", code: errno) }
    self.folder = folder
    place = sourceLocation
    let line = "DIR=\(folder); export DIR; \(prelude)\nexec prefork serve \(listen) \(options) -- \(worker)"
    session = try Session(line, seconds: seconds, sourceLocation: sourceLocation)
    session.waitForError("listening on ")
  }

  deinit {
    for name in entries { unlink(folder + "/" + name) }
    rmdir(folder)
  }

  var socket: String { folder + "/s" }

  /// What stands in the folder.
  var entries: [String] { names(in: folder) }

  /// The lines that a worker has left in a file of the folder.
  func lines(of name: String) -> [String] {
    ((try? contents(of: folder + "/" + name)) ?? "").split(separator: "\n").map(String.init)
  }

  /// Makes an empty file in the folder, for which workers wait.
  func touch(_ name: String) { close(open(folder + "/" + name, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)) }

  /// A client of its first job socket.
  func connect() throws -> Client {
    let client = try Client(unix: socket, sourceLocation: place)
    clients.append(client)
    return client
  }

  /// The port that was chosen for `tcp:127.0.0.1:0`.
  var port: UInt16 {
    let before = session.errorText.split(separator: "tcp:127.0.0.1:").dropFirst().first ?? ""
    return UInt16(before.prefix { $0.isNumber }) ?? 0
  }

  /// Runs `prefork COMMAND ADDRESS REST` against it.
  func control(_ command: String, _ rest: String = "") throws -> ShellResult {
    try shell("prefork \(command) \(socket) \(rest)", sourceLocation: place)
  }

  /// The value of a sample of its metrics; nil if there is none that begins like this.
  func metric(_ name: String) throws -> Double? {
    let line = try control("metrics").lines.first { $0.hasPrefix(name) }
    return line?.split(separator: " ").last.flatMap { Double($0) }
  }

  /// Waits until the condition holds, which nothing tells us.
  func wait(for what: String, until condition: () throws -> Bool) {
    session.wait(for: what) { (try? condition()) ?? false }
  }

  /// Its memory, in bytes.
  var residentBytes: Int { memory("VmRSS", of: session.pid) }

  /// Its clients leave, then it is told to stop; checks that nothing of it is left: no process, no file of a socket.
  @discardableResult
  func stop() -> ShellResult {
    for client in clients { client.close() }
    session.signal(SIGTERM)
    return finish()
  }

  /// Waits for its end, with the same checks.
  func finish() -> ShellResult {
    let result = session.finish()
    let sockets = entries.filter { $0.hasPrefix("s") && !$0.hasPrefix("seen") }
    #expect(sockets == [], "left behind", sourceLocation: place)
    return result
  }
}

/// One client of a job socket. Whatever waits, waits for two minutes at most, and then the test fails.
final class Client {
  private(set) var descriptor: CInt
  private let place: SourceLocation
  private var received: [UInt8] = []
  private var taken = 0
  private(set) var isOver = false
  private let patience = 120.0

  init(unix path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    place = sourceLocation
    descriptor = try Self.connect(AF_UNIX, &address, socklen_t(MemoryLayout<sockaddr_un>.size))
  }

  /// Connects to a port of this machine.
  init(port: UInt16, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    place = sourceLocation
    descriptor = try Self.connect(AF_INET, &address, socklen_t(MemoryLayout<sockaddr_in>.size))
  }

  deinit { close() }

  private static func connect<Address>(_ family: CInt, _ address: inout Address, _ size: socklen_t) throws -> CInt {
    let descriptor = Glibc.socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, size) }
    }
    guard result == 0 else {
      let code = errno
      Glibc.close(descriptor)
      throw ShellFailure(operation: "connect", code: code)
    }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
  }

  // MARK: Talking

  func send(_ text: String) { send(Array(text.utf8)) }

  /// Sends all of it, and reads meanwhile what is answered.
  func send(_ bytes: [UInt8]) {
    var sent = 0
    let deadline = monotonicTime() + UInt64(patience * 1e9)
    while sent < bytes.count {
      guard monotonicTime() < deadline else { return fail("\(bytes.count - sent) bytes are not taken") }
      let count = sendOnce(bytes[sent...])
      if count > 0 { sent += count } else if count < 0 { return }
      if count == 0 { wait(CShort(POLLIN | POLLOUT), 50) }
      readOnce()
    }
  }

  /// Sends as much as is taken without reading an answer, until nothing moved for half a second; how much that was.
  func sendWithoutReading(_ bytes: [UInt8]) -> Int {
    var sent = 0
    while sent < bytes.count {
      let count = sendOnce(bytes[sent...])
      if count < 0 { break }
      if count == 0, !wait(CShort(POLLOUT), 500) { break }
      sent += count
    }
    return sent
  }

  /// Closes the sending side: no more jobs come.
  func endInput() { shutdown(descriptor, CInt(SHUT_WR)) }

  /// Goes away.
  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// The next answer without its end; nil when the server has closed.
  func next(_ end: Character = "\n") -> String? {
    let deadline = monotonicTime() + UInt64(patience * 1e9)
    while true {
      if let place = received[taken...].firstIndex(of: end.asciiValue ?? 0) {
        defer { taken = place + 1 }
        return String(decoding: received[taken..<place], as: UTF8.self)
      }
      if isOver { return nil }
      guard monotonicTime() < deadline else {
        fail("no answer")
        return nil
      }
      wait(CShort(POLLIN), 50)
      readOnce()
    }
  }

  /// So many answers.
  func next(_ count: Int) -> [String] { (0..<count).compactMap { _ in next() } }

  /// Everything that comes until the server closes, as long as something comes.
  func rest() -> String {
    var (deadline, before) = (monotonicTime() + UInt64(patience * 1e9), received.count)
    while !isOver {
      if received.count > before { (deadline, before) = (monotonicTime() + UInt64(patience * 1e9), received.count) }
      guard monotonicTime() < deadline else {
        fail("the server does not close")
        break
      }
      wait(CShort(POLLIN), 50)
      readOnce()
    }
    defer { taken = received.count }
    return String(decoding: received[taken...], as: UTF8.self)
  }

  /// Whether nothing comes within so many seconds.
  func isSilent(for seconds: Double) -> Bool {
    wait(CShort(POLLIN), CInt(seconds * 1000))
    readOnce()
    return taken == received.count && !isOver
  }

  // MARK: Bytes

  /// 0 when it would block, less when nobody reads any more.
  private func sendOnce(_ bytes: ArraySlice<UInt8>) -> Int {
    let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
    return count < 0 && errno == EAGAIN ? 0 : count
  }

  @discardableResult
  private func wait(_ events: CShort, _ milliseconds: CInt) -> Bool {
    var entry = pollfd(fd: descriptor, events: events, revents: 0)
    return poll(&entry, 1, milliseconds) > 0
  }

  private func readOnce() {
    var block = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &block, block.count, CInt(MSG_DONTWAIT))
    if count > 0 { received += block[..<count] } else if count == 0 || errno != EAGAIN { isOver = true }
  }

  private func fail(_ what: String) {
    let text = String(decoding: received.suffix(200), as: UTF8.self)
    Issue.record("\(what) within \(patience) s; the last that came: \(text.debugDescription)", sourceLocation: place)
  }
}
