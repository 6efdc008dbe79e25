import Glibc
import TestSupport
import Testing
import Time

@testable import LinuxIO

/// stdout as it comes from the shell.
@Suite struct InheritedOutputTests {
  init() { prepareSignals() }

  /// Writes until it would block or all is gone; the bytes written, and the last answer.
  private func fill(_ output: inout InheritedOutput, _ size: Int) -> (written: Int, last: WriteResult) {
    var buffer = ByteQueue()
    buffer.append([UInt8](repeating: 7, count: size))
    while true {
      let result = output.write(from: &buffer)
      guard case .bytes = result, !buffer.isEmpty else { return (size - buffer.count, result) }
    }
  }

  @Test("a full pipe makes nobody wait, and is not changed for those who share it")
  func pipe() throws {
    let pipe = try Pipe()
    var output = InheritedOutput(pipe.writeEnd)
    #expect(output.kind == .pipe && !output.isAlwaysReady)
    #expect(output.descriptor != pipe.writeEnd)
    let (written, last) = fill(&output, 2_000_000)
    #expect(last == .wouldBlock)
    #expect(written == unreadBytes(ofPipe: pipe.readEnd))
    #expect(!isNonBlocking(pipe.writeEnd))
  }

  @Test("a pipe that may not be reopened makes nobody wait either")
  func pipeThatCannotBeReopened() throws {
    try FaultPlan.$current.withValue(FaultPlan(.open, [EACCES])) {
      let pipe = try Pipe()
      var output = InheritedOutput(pipe.writeEnd)
      #expect(output.descriptor == pipe.writeEnd)
      let (written, last) = fill(&output, 2_000_000)
      #expect(last == .wouldBlock)
      #expect(written == unreadBytes(ofPipe: pipe.readEnd))
      #expect(!isNonBlocking(pipe.writeEnd))
    }
  }

  @Test("a pipe that nobody reads is closed, if its reader goes before or after we look", arguments: [true, false])
  func nobodyReads(before: Bool) throws {
    var pipe = try Pipe()
    if before { _ = pipe.takeReadEnd() }
    var output = InheritedOutput(pipe.writeEnd)
    if !before { _ = pipe.takeReadEnd() }
    let (written, last) = fill(&output, 100)
    #expect(last == .closed)
    #expect(written == 0)
  }

  @Test("a terminal is known as one, and its flags stay")
  func terminal() throws {
    let terminal = try Pair.terminal()
    var output = InheritedOutput(terminal.ours.rawValue)
    #expect(output.kind == .terminal)
    var buffer = queue(holding: "hello")
    let result = output.write(from: &buffer)
    #expect(result == .bytes(5))
    #expect(take(from: terminal.theirs.rawValue) == "hello")
    #expect(!isNonBlocking(terminal.ours.rawValue))
  }

  @Test("a terminal knows its width when somebody has told it; nothing else has one")
  func width() throws {
    let terminal = try Pair.terminal()
    #expect(terminalColumns(of: terminal.ours.rawValue) == nil)
    var size = winsize(ws_row: 24, ws_col: 132, ws_xpixel: 0, ws_ypixel: 0)
    try #require(ioctl(terminal.theirs.rawValue, UInt(TIOCSWINSZ), &size) == 0)
    #expect(terminalColumns(of: terminal.ours.rawValue) == 132)
    #expect(isInForeground(of: terminal.ours.rawValue), "it is nobody's")
    let pipe = try Pipe()
    #expect(terminalColumns(of: pipe.writeEnd) == nil)
  }

  @Test("a file is written where the shell left it, and so are those who come next")
  func file() throws {
    let file = try scratchFile("0123456789")
    lseek(file.rawValue, 4, SEEK_SET)
    var output = InheritedOutput(file.rawValue)
    #expect(output.kind == .file && output.isAlwaysReady)
    var buffer = queue(holding: "ab")
    let result = output.write(from: &buffer)
    #expect(result == .bytes(2))
    #expect(lseek(file.rawValue, 0, SEEK_CUR) == 6)
    lseek(file.rawValue, 0, SEEK_SET)
    #expect(take(from: file.rawValue) == "0123ab6789")
  }

  @Test("a full socket makes nobody wait, and a closed one is closed")
  func socket() throws {
    let sockets = try Pair.sockets()
    var output = InheritedOutput(sockets.ours.rawValue)
    #expect(output.kind == .socket && !output.isAlwaysReady)
    let (written, last) = fill(&output, 10_000_000)
    #expect(last == .wouldBlock)
    #expect(written > 0)
    #expect(!isNonBlocking(sockets.ours.rawValue))
    shutdown(sockets.theirs.rawValue, CInt(SHUT_RD))
    let (_, end) = fill(&output, 100)
    #expect(end == .closed)
  }

  @Test("a full disk is an error that names itself, and loses nothing")
  func full() throws {
    let full = try FileDescriptor.open("/dev/full", flags: O_WRONLY)
    var output = InheritedOutput(full.rawValue)
    var buffer = queue(holding: "abc")
    let result = output.write(from: &buffer)
    #expect(result == .failed(SystemError("write", ENOSPC)))
    #expect(buffer.text == "abc")
  }

  @Test("a closed one cannot be written, whatever stands on its number now")
  func closed() throws {
    let pipe = try Pipe()
    var output = InheritedOutput(pipe.writeEnd, wasClosed: true)
    var buffer = queue(holding: "abc")
    let result = output.write(from: &buffer)
    #expect(output.kind == .closed && output.isAlwaysReady)
    #expect(result == .failed(SystemError("write", EBADF)))
    #expect(unreadBytes(ofPipe: pipe.readEnd) == 0)
  }
}
