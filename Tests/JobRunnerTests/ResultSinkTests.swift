import LinuxIO
import Testing

@testable import JobRunner

/// Where results leave us.
@Suite struct ResultSinkTests {
  @Test("what comes after the reader has gone never passes for written: the joblog must not call it ok")
  func afterTheReader() throws {
    let pipe = try Pipe()
    var sink = ResultSink(InheritedOutput(pipe.writeEnd), framing: .lines)
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
}
