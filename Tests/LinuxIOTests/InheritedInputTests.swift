import Glibc
import TestSupport
import Testing
import Time

@testable import LinuxIO

/// stdin as it comes from the shell. The flag O_NONBLOCK belongs to all who share it, so it must never change.
@Suite struct InheritedInputTests {
  @Test("a pipe is opened once more, and read without blocking and without touching what others share")
  func pipe() throws {
    var pipe = try Pipe()
    var input = InheritedInput(pipe.readEnd)
    var buffer = ByteQueue()
    #expect(input.kind == .pipe)
    let length = input.remainingBytes
    #expect(length == nil)
    #expect(input.isAlwaysReady == false)
    #expect(input.descriptor != pipe.readEnd)
    #expect(isNonBlocking(input.descriptor))
    let empty = input.read(into: &buffer, atMost: 100)
    put("abc", into: pipe.writeEnd)
    let some = input.read(into: &buffer, atMost: 100)
    _ = pipe.takeWriteEnd()
    let end = input.read(into: &buffer, atMost: 100)
    #expect(empty == .wouldBlock && some == .bytes(3) && end == .endOfFile)
    #expect(buffer.text == "abc")
    #expect(!isNonBlocking(pipe.readEnd))
  }

  @Test("a pipe that may not be reopened, after dropping privileges, is read only when something is there")
  func pipeThatCannotBeReopened() throws {
    try FaultPlan.$current.withValue(FaultPlan(.open, [EACCES])) {
      var pipe = try Pipe()
      var input = InheritedInput(pipe.readEnd)
      var buffer = ByteQueue()
      #expect(input.descriptor == pipe.readEnd)
      let empty = input.read(into: &buffer, atMost: 100)
      put("abc", into: pipe.writeEnd)
      let some = input.read(into: &buffer, atMost: 100)
      _ = pipe.takeWriteEnd()
      let end = input.read(into: &buffer, atMost: 100)
      #expect(empty == .wouldBlock && some == .bytes(3) && end == .endOfFile)
      #expect(!isNonBlocking(pipe.readEnd))
    }
  }

  @Test("a terminal is opened once more, too")
  func terminal() throws {
    let terminal = try Pair.terminal()
    var input = InheritedInput(terminal.ours.rawValue)
    var buffer = ByteQueue()
    #expect(input.kind == .terminal)
    #expect(input.isAlwaysReady == false)
    #expect(input.descriptor != terminal.ours.rawValue)
    let empty = input.read(into: &buffer, atMost: 100)
    put("line\n", into: terminal.theirs.rawValue)
    let some = input.read(into: &buffer, atMost: 100)
    #expect(empty == .wouldBlock && some == .bytes(5))
    #expect(buffer.text == "line\n")
    #expect(!isNonBlocking(terminal.ours.rawValue))
  }

  @Test("a regular file is read from where the shell left it, and leaves its offset for whoever comes next")
  func file() throws {
    let file = try scratchFile("0123456789")
    lseek(file.rawValue, 4, SEEK_SET)
    var input = InheritedInput(file.rawValue)
    var buffer = ByteQueue()
    #expect(input.kind == .file)
    #expect(input.isAlwaysReady == true)
    #expect(input.descriptor == file.rawValue)
    let before = input.remainingBytes
    let some = input.read(into: &buffer, atMost: 3)
    #expect(some == .bytes(3))
    #expect(lseek(file.rawValue, 0, SEEK_CUR) == 7)
    let after = input.remainingBytes
    #expect(before == 6 && after == 3)
    lseek(file.rawValue, 100, SEEK_SET)
    let beyond = input.remainingBytes
    #expect(beyond == 0)
    lseek(file.rawValue, 7, SEEK_SET)
    let rest = input.read(into: &buffer, atMost: 100)
    let end = input.read(into: &buffer, atMost: 100)
    #expect(rest == .bytes(3) && end == .endOfFile)
    #expect(buffer.text == "456789")
  }

  @Test("a socket cannot be reopened: it is read only when something is there")
  func socket() throws {
    let sockets = try Pair.sockets()
    var input = InheritedInput(sockets.ours.rawValue)
    var buffer = ByteQueue()
    #expect(input.kind == .socket)
    #expect(input.isAlwaysReady == false)
    let empty = input.read(into: &buffer, atMost: 100)
    put("abc", into: sockets.theirs.rawValue)
    let some = input.read(into: &buffer, atMost: 100)
    shutdown(sockets.theirs.rawValue, CInt(SHUT_WR))
    let end = input.read(into: &buffer, atMost: 100)
    #expect(empty == .wouldBlock && some == .bytes(3) && end == .endOfFile)
    #expect(!isNonBlocking(sockets.ours.rawValue))
  }

  @Test("/dev/null is always ready, and at its end")
  func null() throws {
    let null = try FileDescriptor.open("/dev/null", flags: O_RDONLY)
    var input = InheritedInput(null.rawValue)
    var buffer = ByteQueue()
    #expect(input.kind == .device && input.isAlwaysReady)
    let end = input.read(into: &buffer, atMost: 100)
    #expect(end == .endOfFile)
  }

  @Test("a directory fails with EISDIR")
  func directory() throws {
    let directory = try FileDescriptor.open("/", flags: O_RDONLY)
    var input = InheritedInput(directory.rawValue)
    var buffer = ByteQueue()
    #expect(input.kind == .directory && input.isAlwaysReady)
    let failure = input.read(into: &buffer, atMost: 100)
    #expect(failure == .failed(SystemError("read", EISDIR)))
  }

  @Test("a closed one is at its end, whatever stands on its number now")
  func closed() throws {
    let pipe = try Pipe()
    put("abc", into: pipe.writeEnd)
    var marked = InheritedInput(pipe.readEnd, wasClosed: true)
    var missing = InheritedInput(9999)
    var buffer = ByteQueue()
    #expect(marked.kind == .closed && missing.kind == .closed)
    #expect(marked.isAlwaysReady && missing.isAlwaysReady)
    let first = marked.read(into: &buffer, atMost: 100)
    let second = missing.read(into: &buffer, atMost: 100)
    #expect(first == .endOfFile && second == .endOfFile)
    #expect(buffer.count == 0)
  }
}
