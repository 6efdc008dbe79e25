import Glibc
import Testing

@testable import LinuxIO

/// Our stdin may be a socket that others read, too: what epoll has seen can be gone when we read.
@Suite struct SharedSocketTests {
  @Test func theSocketOfOthersIsReadWithoutBlockingAndItsFlagIsLeftAlone() throws {
    var ends: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let ours = FileDescriptor(owning: ends[0])
    let theirs = FileDescriptor(owning: ends[1])
    var input = InheritedInput(ours.rawValue)
    var queue = ByteQueue()
    #expect(input.kind == .socket)
    #expect(input.read(into: &queue, atMost: 100) == .wouldBlock)
    #expect(write(theirs.rawValue, "abc", 3) == 3)
    #expect(input.read(into: &queue, atMost: 100) == .bytes(3))
    #expect(queue.count == 3)
    shutdown(theirs.rawValue, CInt(SHUT_WR))
    #expect(input.read(into: &queue, atMost: 100) == .endOfFile)
    #expect(fcntl(ours.rawValue, F_GETFL) & O_NONBLOCK == 0)
  }

  @Test func anOutputWhoseReaderIsGoneIsClosed() throws {
    var ends: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let ours = FileDescriptor(owning: ends[0])
    let theirs = FileDescriptor(owning: ends[1])
    var output = InheritedOutput(ours.rawValue)
    var queue = ByteQueue()
    queue.append(7)
    #expect(output.write(from: &queue) == .bytes(1))
    close(theirs.release())
    queue.append(7)
    #expect(output.write(from: &queue) == .closed)
  }
}
