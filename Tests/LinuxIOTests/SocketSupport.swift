import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

/// A folder for sockets, removed with all that is in it at the end.
struct SocketFolder: ~Copyable {
  let path: String

  init() throws { path = try #require(makeTemporaryFolder()) }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  func address(_ name: String) -> SocketAddress { .unix(path: "\(path)/\(name)") }

  /// All that is in it.
  var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  func mode(of name: String) -> UInt32? {
    var status = stat()
    return lstat("\(path)/\(name)", &status) == 0 ? status.st_mode : nil
  }

  /// A socket file without anybody behind it, as after a crash.
  func makeStaleSocket(_ name: String) throws {
    let socket = try ListeningSocket(address(name))
    try #require(link("\(path)/\(name)", "\(path)/kept") == 0)
    _ = consume socket
    try #require(rename("\(path)/kept", "\(path)/\(name)") == 0)
  }
}

/// Waits until the descriptor is ready, at most 60 s.
func isReady(_ fd: CInt, _ events: CInt = POLLIN) -> Bool {
  var entry = pollfd(fd: fd, events: CShort(events), revents: 0)
  return poll(&entry, 1, 60_000) == 1
}

/// What was accepted.
struct Connection: ~Copyable {
  let socket: StreamSocket
  let peer: Peer
}

/// The next connection, which must come within 60 s.
func connection(of listener: borrowing ListeningSocket) throws -> Connection {
  try #require(isReady(listener.descriptor))
  switch listener.accept() {
  case .connection(let socket, let peer): return Connection(socket: socket, peer: peer)
  case .wouldBlock: throw Unexpected.nobody
  case .exhausted(let error): throw error
  case .failed(let error): throw error
  }
}

enum Unexpected: Error { case nobody }

/// How accept went, without the connection.
func summary(_ acceptance: consuming ListeningSocket.Acceptance) -> String {
  switch acceptance {
  case .connection(_, let peer): "connection of \(peer)"
  case .wouldBlock: "nobody"
  case .exhausted(let error): "exhausted: \(error)"
  case .failed(let error): "failed: \(error)"
  }
}

/// What fails when somebody listens.
func failure(
  _ address: SocketAddress, rights: SocketFileRights = SocketFileRights(), allowsRemote: Bool = false
) -> SocketError? {
  do throws(SocketError) {
    _ = try ListeningSocket(address, rights: rights, allowsRemote: allowsRemote).descriptor
    return nil
  } catch {
    return error
  }
}

/// What fails when somebody connects.
func failureToConnect(_ address: SocketAddress, timeout: Nanoseconds = .seconds(60)) -> SocketError? {
  do throws(SocketError) {
    _ = try StreamSocket.connect(to: address, timeout: timeout).descriptor
    return nil
  } catch {
    return error
  }
}
