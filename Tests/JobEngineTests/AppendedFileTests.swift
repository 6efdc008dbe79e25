import Glibc
import LinuxIO
import TestSupport
import Testing

@testable import JobEngine

/// Files that lines are appended to.
@Suite struct AppendedFileTests {
  private func withFile(_ text: String, _ body: (_ path: String) throws -> Void) throws {
    let (descriptor, path) = makeTemporaryFile()
    let file = FileDescriptor(owning: descriptor)
    defer {
      unlink(path)
      unlink(path + ".1")
    }
    try #require(write(file.rawValue, text, text.utf8.count) == text.utf8.count)
    try body(path)
  }

  private func text(of path: String) throws -> String {
    let file = try FileDescriptor.open(path, flags: O_RDONLY)
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(file.rawValue, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  @Test("a torn last line never swallows what comes next: it is counted, and ended when something comes")
  func tornLine() throws {
    try withFile("whole\ntorn") { path in
      var file = try AppendedFile(path: path)
      #expect(file.unendedBytes == 4 && file.flush() == nil)
      #expect(try text(of: path) == "whole\ntorn", "without a new line there is nothing to protect")
      file.append(Array("one\n".utf8))
      file.append(Array("two\n".utf8))
      #expect(file.flush() == nil)
      #expect(try text(of: path) == "whole\ntorn\none\ntwo\n")
    }
  }

  @Test("a file whose last line is whole is only appended to")
  func wholeLine() throws {
    try withFile("whole\n") { path in
      var file = try AppendedFile(path: path)
      file.append(Array("one\n".utf8))
      #expect(file.flush() == nil && file.unendedBytes == 0)
      #expect(try text(of: path) == "whole\none\n")
    }
  }

  @Test("opened again, it goes on in the file that has its name now; nothing is lost")
  func reopened() throws {
    try withFile("") { path in
      var file = try AppendedFile(path: path)
      file.append(Array("one\n".utf8))
      rename(path, path + ".1")
      try file.reopen(path: path)
      file.append(Array("two\n".utf8))
      #expect(file.flush() == nil)
      #expect(try text(of: path + ".1") == "one\n")
      #expect(try text(of: path) == "two\n")
      rename(path, path + ".1")
      #expect(throws: SystemError.self) { try file.reopen(path: path + "/no") }
      file.append(Array("three\n".utf8))
      #expect(file.flush() == nil)
      #expect(try text(of: path + ".1") == "two\nthree\n", "where there is no new one, the old one is used on")
    }
  }
}
