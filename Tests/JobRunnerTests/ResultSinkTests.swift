import LinuxIO
import Testing

@testable import JobRunner

/// Where results leave us.
@Suite struct ResultSinkTests {
  @Test("what comes after the reader has gone never passes for written: the joblog must not call it ok")
  func afterTheReader() throws {
    let pipe = try Pipe()
    var sink = ResultSink(InheritedOutput(pipe.writeEnd), format: .framed(.lines))
    sink.appendLine(Array("one\n".utf8))
    sink.flush()
    #expect(sink.appendedBytes == 4 && sink.writtenBytes == 4)
    sink.readerWentAway()
    sink.appendLine(Array("two\n".utf8))
    #expect(sink.writtenBytes < sink.appendedBytes)
    let afterTwo = sink.appendedBytes
    sink.appendEmpty()
    sink.flush()
    #expect(sink.writtenBytes == 4 && sink.appendedBytes > afterTwo)
  }

  @Test("a large result is written at once, behind what was gathered before it, as far as the reader takes it")
  func largeResults() throws {
    let pipe = try Pipe()
    try makeNonBlocking(pipe.writeEnd)
    var sink = ResultSink(InheritedOutput(pipe.writeEnd), format: .framed(.lines))
    let large = [UInt8](repeating: 0x61, count: 40_000)
    Array("one".utf8).withUnsafeBytes { sink.append($0) }
    #expect(sink.waitingBytes == 4)
    large.withUnsafeBytes { sink.append($0) }
    #expect(sink.isEmpty && sink.writtenBytes == 40_005)
    large.withUnsafeBytes { sink.append($0) }
    #expect(sink.isBlocked && sink.appendedBytes == 80_006 && sink.writtenBytes < 80_006)
    var read = ByteQueue()
    while read.count < 80_006 {
      _ = read.fill(from: pipe.readEnd)
      sink.flush()
    }
    #expect(sink.isEmpty && sink.writtenBytes == 80_006)
    let all = read.withUnsafeBytes { Array($0) }
    #expect(all == Array("one\n".utf8) + large + [0x0A] + large + [0x0A])
  }
}
