import Glibc
import TestSupport
import Testing
import Time

@testable import LinuxIO

/// One read or write and what it can answer: real pipes for what is easy to provoke, injected errno for the rest.
@Suite struct ReadWriteTests {
  init() { prepareSignals() }

  @Test("a read gives what is there, even if more was asked for")
  func partialRead() throws {
    let pipe = try Pipe()
    put("abc", into: pipe.writeEnd)
    var queue = ByteQueue()
    let result = queue.fill(from: pipe.readEnd, atMost: 100)
    #expect(result == .bytes(3))
    #expect(queue.text == "abc")
  }

  @Test("a read takes no more than it may")
  func boundedRead() throws {
    let pipe = try Pipe()
    put("abcdef", into: pipe.writeEnd)
    var queue = ByteQueue()
    let first = queue.fill(from: pipe.readEnd, atMost: 4)
    let second = queue.fill(from: pipe.readEnd, atMost: 4)
    #expect(first == .bytes(4))
    #expect(second == .bytes(2))
    #expect(queue.text == "abcdef")
  }

  @Test("an empty pipe would block, a closed one is at its end")
  func emptyAndClosed() throws {
    var pipe = try Pipe()
    try makeNonBlocking(pipe.readEnd)
    var queue = ByteQueue()
    let empty = queue.fill(from: pipe.readEnd)
    #expect(empty == .wouldBlock)
    _ = pipe.takeWriteEnd()
    let closed = queue.fill(from: pipe.readEnd)
    #expect(closed == .endOfFile)
  }

  @Test("a write larger than the pipe goes in pieces, and arrives whole and in order")
  func writeLargerThanThePipe() throws {
    let pipe = try Pipe()
    try makeNonBlocking(pipe.writeEnd)
    try makeNonBlocking(pipe.readEnd)
    let message = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    var outgoing = ByteQueue()
    outgoing.append(message)
    var incoming = ByteQueue()
    var blocked = 0
    while incoming.count < message.count {
      while outgoing.count > 0, outgoing.drain(to: pipe.writeEnd) != .wouldBlock {}
      if outgoing.count > 0 { blocked += 1 }
      let result = incoming.fill(from: pipe.readEnd, atMost: 50_000)
      guard case .bytes(let count) = result, count <= 50_000 else {
        Issue.record("\(result) after \(incoming.count) bytes")
        return
      }
    }
    #expect(blocked > 0)
    #expect(outgoing.count == 0)
    #expect(incoming.bytes == message)
  }

  @Test("an interrupted call is made again, as often as it takes")
  func interrupted() throws {
    let pipe = try Pipe()
    let writes = FaultPlan(.write, [EINTR, EINTR])
    let reads = FaultPlan(.read, [EINTR, EINTR, EINTR])
    FaultPlan.$current.withValue(writes) {
      var outgoing = queue(holding: "abc")
      let result = outgoing.drain(to: pipe.writeEnd)
      #expect(result == .bytes(3))
    }
    FaultPlan.$current.withValue(reads) {
      var incoming = ByteQueue()
      let result = incoming.fill(from: pipe.readEnd)
      #expect(result == .bytes(3))
    }
    #expect(writes.isSpent && reads.isSpent)
  }

  @Test(
    "a failed write keeps every byte for the next one",
    arguments: [
      (EAGAIN, WriteResult.wouldBlock), (EPIPE, .closed), (EIO, .failed(SystemError("write", EIO))),
      (ENOSPC, .failed(SystemError("write", ENOSPC))),
    ])
  func failedWrite(code: CInt, expected: WriteResult) throws {
    let pipe = try Pipe()
    FaultPlan.$current.withValue(FaultPlan(.write, [code])) {
      var outgoing = queue(holding: "abc")
      let failed = outgoing.drain(to: pipe.writeEnd)
      #expect(failed == expected)
      #expect(outgoing.text == "abc")
      let next = outgoing.drain(to: pipe.writeEnd)
      #expect(next == .bytes(3))
    }
  }

  @Test(
    "a failed read adds nothing",
    arguments: [(EAGAIN, ReadResult.wouldBlock), (EIO, .failed(SystemError("read", EIO)))])
  func failedRead(code: CInt, expected: ReadResult) throws {
    let pipe = try Pipe()
    put("abc", into: pipe.writeEnd)
    FaultPlan.$current.withValue(FaultPlan(.read, [code])) {
      var incoming = queue(holding: "x")
      let failed = incoming.fill(from: pipe.readEnd)
      #expect(failed == expected)
      #expect(incoming.text == "x")
      let next = incoming.fill(from: pipe.readEnd)
      #expect(next == .bytes(3))
      #expect(incoming.text == "xabc")
    }
  }

  @Test("writing to nobody is an answer, not a signal")
  func nobodyReads() throws {
    var pipe = try Pipe()
    _ = pipe.takeReadEnd()
    var outgoing = queue(holding: "abc")
    let result = outgoing.drain(to: pipe.writeEnd)
    #expect(result == .closed)
    #expect(outgoing.text == "abc")
  }

  @Test("what was never read can be counted from the writing end, also after the reader is gone")
  func unread() throws {
    var pipe = try Pipe()
    put("abcdef", into: pipe.writeEnd)
    _ = take(from: pipe.readEnd, 2)
    #expect(unreadBytes(ofPipe: pipe.writeEnd) == 4)
    _ = pipe.takeReadEnd()
    #expect(unreadBytes(ofPipe: pipe.writeEnd) == 4)
    #expect(unreadBytes(ofPipe: -1) == 0)
  }
}
