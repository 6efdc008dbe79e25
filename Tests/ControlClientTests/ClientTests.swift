import ControlProtocol
import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import ControlClient

/// The client against sockets of all kinds, in a folder that is removed.
@Suite struct ClientTests {
  @Test("addresses are paths, with or without unix:")
  func addresses() {
    #expect(ControlAddress("unix:/run/x")?.path == "/run/x")
    #expect(ControlAddress("x.sock")?.path == "x.sock")
    for text in ["", "unix:", "tcp:127.0.0.1:80", "a\0b"] { #expect(ControlAddress(text) == nil) }
  }

  @Test("the address of the job socket leads to the control socket beside it")
  func jobSocket() throws {
    try Folder.with { folder in
      _ = try folder.listen("x.sock")
      #expect(ControlAddress(folder.path + "/x.sock")!.resolved == folder.path + "/x.sock")
      _ = try folder.listen("x.sock.control")
      #expect(ControlAddress(folder.path + "/x.sock")!.resolved == folder.path + "/x.sock.control")
      #expect(ControlAddress(folder.path + "/x.sock.control")!.resolved == folder.path + "/x.sock.control")
    }
  }

  @Test("what is not there, no socket, left behind or too long is told apart")
  func unreachable() throws {
    try Folder.with { folder in
      #expect(error(at: folder.path + "/none") == .noSocket(folder.path + "/none"))
      #expect(error(at: folder.path + "/none/none") == .noSocket(folder.path + "/none/none"))
      close(open(folder.path + "/file", O_CREAT | O_WRONLY, 0o600))
      #expect(error(at: folder.path + "/file") == .notASocket(folder.path + "/file"))
      _ = try folder.listen("left")  // and closed again
      #expect(error(at: folder.path + "/left") == .nobodyListens(folder.path + "/left"))
      let long = folder.path + "/" + String(repeating: "x", count: 108)
      #expect(error(at: long) == .system(SystemError("connect to \(long)", ENAMETOOLONG)))
    }
  }

  @Test("a server that never answers is not waited for for ever")
  func silence() throws {
    try Folder.with { folder in
      let listener = try folder.listen("silent")
      #expect(error(at: folder.path + "/silent") == .noAnswer(folder.path + "/silent", after: 50_000_000))
      #expect(listener.rawValue >= 0)  // and keeps it open until here
    }
  }

  @Test("an answer may come in pieces; a closed connection is told")
  func pieces() throws {
    try Folder.with { folder in
      let listener = try folder.listen("pieces")
      var client = try ControlClient(connectingTo: ControlAddress(folder.path + "/pieces")!)
      let peer = FileDescriptor(owning: accept(listener.rawValue, nil, nil))
      let request = ControlRequest.metrics
      try client.send(request)
      for piece in [#"{"parameters""#, #":{"text":"a"}}"# + "\0" + "{", "}\0" + "x"] {
        #expect(try client.takeAnswer(to: request) == nil)
        _ = write(peer.rawValue, piece, piece.utf8.count)
        #expect(try client.read())
        if piece.contains("\0{") {
          #expect(try client.takeAnswer(to: request) == ControlAnswer(.metrics("a"), continues: false))
        }
      }
      #expect(throws: ControlClientError.malformed(#""text" is missing"#)) { try client.takeAnswer(to: request) }
      shutdown(peer.rawValue, CInt(SHUT_RDWR))
      #expect(try client.nextAnswer(to: request) == nil)
      #expect(throws: ControlClientError.closed(folder.path + "/pieces")) { try client.send(request) }
    }
  }

  /// What goes wrong when a pool is asked there.
  private func error(at path: String) -> ControlClientError? {
    do throws(ControlClientError) {
      var client = try ControlClient(connectingTo: ControlAddress(path)!, patience: 50_000_000)
      _ = try client.ask(.metrics)
      return nil
    } catch {
      return error
    }
  }
}

/// A temporary folder for sockets.
struct Folder {
  let path: String

  static func with(_ body: (Folder) throws -> Void) throws {
    let folder = Folder(path: try #require(makeTemporaryFolder()))
    defer {
      for name in ["x.sock", "x.sock.control", "file", "left", "silent", "pieces"] { unlink(folder.path + "/" + name) }
      rmdir(folder.path)
    }
    try body(folder)
  }

  func listen(_ name: String) throws -> FileDescriptor {
    let listener = FileDescriptor(owning: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array("\(path)/\(name)".utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(result == 0 && Glibc.listen(listener.rawValue, 1) == 0)
    return listener
  }
}
