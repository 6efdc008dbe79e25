import CTestSupport
import Glibc
import TestSupport
import Testing

@testable import LinuxIO

/// Files of ours: which they are, what stands at their end, how they are replaced.
@Suite struct FileTests {
  private func withFolder(_ body: (_ folder: String) throws -> Void) throws {
    let folder = try #require(makeTemporaryFolder())
    defer {
      for name in names(in: folder) { unlink("\(folder)/\(name)") }
      rmdir(folder)
    }
    try body(folder)
  }

  private func make(_ path: String, _ text: String = "") throws {
    let file = try FileDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC)
    put(text, into: file.rawValue)
  }

  private func text(of path: String) throws -> String {
    let file = try FileDescriptor.open(path, flags: O_RDONLY)
    return take(from: file.rawValue)
  }

  @Test(
    "what stands behind the last delimiter is counted, however long it is",
    arguments: [("", 0), ("a\n", 0), ("a", 1), ("a\nbc", 2), ("\n", 0), ("\n\0\0\0", 3)])
  func unended(text: String, count: Int) throws {
    let file = try scratchFile(text)
    #expect(unendedBytes(of: file.rawValue, delimiter: UInt8(ascii: "\n")) == count)
    let long = try scratchFile(text + "\n" + String(repeating: "x", count: 200_000))
    #expect(unendedBytes(of: long.rawValue, delimiter: UInt8(ascii: "\n")) == 200_000)
    let pipe = try Pipe()
    #expect(unendedBytes(of: pipe.readEnd, delimiter: 0) == nil, "a pipe has no end to look at")
  }

  @Test("only an output that is appended to has something before ours")
  func appendedOutput() throws {
    try withFolder { folder throws in
      try make("\(folder)/out", "torn")
      let anew = try FileDescriptor.open("\(folder)/out", flags: O_WRONLY)
      #expect(InheritedOutput(anew.rawValue).unendedBytes(delimiter: 0x0A) == 0)
      let appended = try FileDescriptor.open("\(folder)/out", flags: O_WRONLY | O_APPEND)
      #expect(InheritedOutput(appended.rawValue).unendedBytes(delimiter: 0x0A) == 4)
    }
  }

  @Test("one file is one file by whatever name, also before it exists; devices and pipes are shared")
  func identity() throws {
    try withFolder { folder throws in
      try make("\(folder)/a")
      #expect(link("\(folder)/a", "\(folder)/hard") == 0 && symlink("a", "\(folder)/soft") == 0)
      #expect(symlink("\(folder)/later", "\(folder)/dangling") == 0 && symlink("loop", "\(folder)/loop") == 0)
      let file = try #require(FileIdentity(path: "\(folder)/a"))
      for name in ["hard", "soft", "./a"] { #expect(FileIdentity(path: "\(folder)/\(name)") == file) }
      let opened = try FileDescriptor.open("\(folder)/a", flags: O_RDONLY)
      #expect(FileIdentity(descriptor: opened.rawValue) == file)
      let later = try #require(FileIdentity(path: "\(folder)/later"))
      #expect(later != file && FileIdentity(path: "\(folder)/dangling") == later)
      #expect(FileIdentity(path: "\(folder)/other") != later)
      #expect(FileIdentity(path: "\(folder)/loop") == nil && FileIdentity(path: "/dev/null") == nil)
      let pipe = try Pipe()
      #expect(FileIdentity(path: "\(folder)/no/such") == nil && FileIdentity(descriptor: pipe.readEnd) == nil)
    }
  }

  @Test("a file is replaced as a whole, or not at all, and nothing else is left")
  func replaced() throws {
    try withFolder { folder throws in
      try make("\(folder)/page", "old")
      let file = try ReplacedFile(path: "\(folder)/page")
      #expect(names(in: folder) == ["page"])
      #expect(try text(of: "\(folder)/page") == "old", "to look whether it can be written changes nothing")
      let fault = FaultPlan(.write, [ENOSPC])
      #expect(throws: SystemError("write \(folder)/page", ENOSPC)) {
        try FaultPlan.$current.withValue(fault) { try file.write(Array("new".utf8)) }
      }
      #expect(names(in: folder) == ["page"])
      #expect(try text(of: "\(folder)/page") == "old")
      try file.write(Array("new".utf8))
      #expect(names(in: folder) == ["page"])
      #expect(try text(of: "\(folder)/page") == "new")
      #expect(throws: SystemError("open \(folder)", EISDIR)) { try ReplacedFile(path: folder) }
      #expect(throws: SystemError.self) { try ReplacedFile(path: "\(folder)/no/page") }
    }
  }

  @Test("a lock ends with its process, whatever children have inherited the file; its holder can be named")
  func lockOfAProcess() throws {
    try withFolder { folder throws in
      let path = "\(folder)/log"
      #expect(lockHolder(of: path) == nil)
      let ready = try Pipe()
      // A process that locks the file, starts a child that keeps it open for long, and is killed.
      let holder = start_lock_holder(path, ready.writeEnd)
      defer { kill(-holder, SIGKILL) }
      #expect(take(from: ready.readEnd, 1) == "l")
      #expect(lockHolder(of: path) == holder)
      kill(holder, SIGKILL)
      // Not reaped yet: that is how soon the next run may come.
      let file = try ExclusiveFile(path: path)
      waitpid(holder, nil, 0)
      #expect(names(in: folder) == ["log"])
      _ = consume file
    }
  }
}
