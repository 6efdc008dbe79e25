import Glibc
import TestSupport
import Testing

/// `prefork serve --config` on a file in a folder of its own; `DIR` in the file stands for that folder.
final class ConfiguredServer {
  let session: Session
  let folder: String

  init(_ text: String, seconds: Double = 240, sourceLocation: SourceLocation = #_sourceLocation) throws {
    guard let folder = makeTemporaryFolder() else { throw ShellFailure(operation: "mkdtemp", code: errno) }
    self.folder = folder
    try Self.write(text, in: folder)
    session = try Session(
      "exec prefork serve --config \(folder)/pools.yaml", seconds: seconds, sourceLocation: sourceLocation)
    let sockets = text.ranges(of: "unix:DIR/").count - text.ranges(of: "metrics-listen").count - 1
    session.wait(for: "all to listen") { [session] in session.errorText.ranges(of: "listening on ").count >= sockets }
    session.wait(for: "workers") { [session] in !session.workers.isEmpty }
  }

  deinit {
    for name in ["pools.yaml", "a", "b", "c", "x", "control", "go"] { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  var file: String { folder + "/pools.yaml" }

  func write(_ text: String) {
    do { try Self.write(text, in: folder) } catch { Issue.record(error) }
  }

  private static func write(_ text: String, in folder: String) throws {
    guard let stream = fopen(folder + "/new", "w") else { throw ShellFailure(operation: "fopen", code: errno) }
    fputs(text.replacing("DIR", with: folder) + "\n", stream)
    fclose(stream)
    rename(folder + "/new", folder + "/pools.yaml")
  }

  func control(_ command: String, _ rest: String = "") throws -> ShellResult {
    try shell("prefork \(command) \(folder)/control \(rest)")
  }

  func connect(_ socket: String) throws -> LineClient { try LineClient("\(folder)/\(socket)") }

  /// The answer to one job over a connection of its own.
  func ask(_ socket: String, _ job: String) throws -> String { try connect(socket).ask(job) }

  /// Ends it, with a check that no socket is left.
  func stop() -> ShellResult {
    session.signal(SIGTERM)
    let result = session.finish()
    for name in ["a", "b", "c", "x", "control"] { #expect(access("\(folder)/\(name)", F_OK) != 0, "\(name) is left") }
    return result
  }
}

/// A client that sends lines and reads lines, and waits two minutes for one at most.
final class LineClient {
  private let descriptor: CInt

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    var patience = timeval(tv_sec: 120, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let descriptor = descriptor
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    if result != 0 { throw ShellFailure(operation: "connect", code: errno) }
  }

  deinit { close(descriptor) }

  func send(_ job: String) {
    let bytes = Array((job + "\n").utf8)
    #expect(Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count)
  }

  func line() -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while recv(descriptor, &byte, 1, 0) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func ask(_ job: String) -> String {
    send(job)
    return line()
  }
}
