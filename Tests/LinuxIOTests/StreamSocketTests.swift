import Glibc
import TestSupport
import Testing
import Time

@testable import LinuxIO

/// Connections: both directions, and how they end.
@Suite struct StreamSocketTests {
  @Test("who has sent all still gets every answer", arguments: [false, true])
  func halfClose(overTCP: Bool) throws {
    let folder = try SocketFolder()
    let listener = try ListeningSocket(overTCP ? .tcp(host: "127.0.0.1", port: 0) : folder.address("a"))
    let client = try StreamSocket.connect(to: listener.address, timeout: .seconds(60))
    let accepted = try connection(of: listener)
    var sent = queue(holding: "hello\n")
    var received = ByteQueue()
    #expect(accepted.socket.read(into: &received) == .wouldBlock)
    #expect(client.write(from: &sent) == .bytes(6) && sent.isEmpty)
    client.shutdownWrite()
    #expect(isReady(accepted.socket.descriptor))
    #expect(accepted.socket.read(into: &received) == .bytes(6))
    #expect(isReady(accepted.socket.descriptor))
    #expect(accepted.socket.read(into: &received) == .endOfFile)
    #expect(accepted.socket.write(from: &received) == .bytes(6))
    var answer = ByteQueue()
    #expect(isReady(client.descriptor))
    #expect(client.read(into: &answer) == .bytes(6))
    #expect(answer.text == "hello\n")
  }

  @Test("one who does not read makes nobody wait; one who is gone is told from one who has finished")
  func gone() throws {
    let folder = try SocketFolder()
    let listener = try ListeningSocket(folder.address("a"))
    let client = try StreamSocket.connect(to: listener.address, timeout: .seconds(60))
    let accepted = try connection(of: listener)
    var sent = ByteQueue()
    sent.append([UInt8](repeating: 7, count: 4 << 20))
    while case .bytes = accepted.socket.write(from: &sent) {}
    #expect(accepted.socket.write(from: &sent) == .wouldBlock && sent.count > 0)
    _ = consume client
    #expect(accepted.socket.write(from: &sent) == .closed)
    var received = ByteQueue()
    guard case .failed(let error) = accepted.socket.read(into: &received) else {
      Issue.record("it was not told that the client left with answers unread")
      return
    }
    #expect(error.isDisconnection)
  }

  @Test("who cannot connect is told what to try")
  func failures() throws {
    let folder = try SocketFolder()
    let missing = folder.address("a")
    #expect(
      failureToConnect(missing)?.description == "cannot connect to \(missing): No such file or directory (ENOENT)")
    #expect(failureToConnect(missing)?.hint == "is the server running, and is this the path it was started with?")
    let nobody = SocketAddress.tcp(host: "127.0.0.1", port: 1)
    #expect(failureToConnect(nobody)?.hint == "nobody listens there: is the server running?")
    #expect(failureToConnect(.tcp(host: "127.0.0.1", port: 0)) == .noPort(.tcp(host: "127.0.0.1", port: 0)))
    guard case .unresolved = failureToConnect(.tcp(host: "no such host", port: 1)) else {
      Issue.record("a host that cannot be was found")
      return
    }
  }

  @Test("a server that takes nobody is waited for until the deadline, over unix as over TCP", arguments: [false, true])
  func deadline(overTCP: Bool) throws {
    let folder = try SocketFolder()
    let listener = try ListeningSocket(overTCP ? .tcp(host: "127.0.0.1", port: 0) : folder.address("a"))
    try #require(listen(listener.descriptor, 0) == 0)
    var error: SocketError?
    let start = monotonicNow()
    // The queue takes one or two more than it was told.
    var waiting: [FileDescriptor.Shared] = []
    for _ in 0..<4 where error == nil {
      do throws(SocketError) {
        waiting.append(
          FileDescriptor.Shared(try StreamSocket.connect(to: listener.address, timeout: .milliseconds(300))))
      } catch let failure {
        error = failure
      }
    }
    #expect(error == .timedOut(listener.address, after: .milliseconds(300)))
    #expect(monotonicNow() - start > 300_000_000)
    #expect(waiting.count >= 1)
  }
}

extension FileDescriptor {
  /// A connection that can stand in an array.
  final class Shared: Sendable {
    let socket: StreamSocket
    init(_ socket: consuming StreamSocket) { self.socket = socket }
  }
}
