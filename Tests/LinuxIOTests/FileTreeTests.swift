import Glibc
import TestSupport
import Testing

@testable import LinuxIO

/// Small files and folders of this machine.
@Suite struct FileTreeTests {
  let files = RealFileTree()

  /// A new folder, gone after `body` if that leaves nothing in it.
  func withFolder(_ body: (_ path: String) throws -> Void) throws {
    let folder = try #require(makeTemporaryFolder())
    defer { rmdir(folder) }
    try body(folder)
  }

  @Test("a file is read to its end, whatever its size, and no further than wanted")
  func reading() throws {
    for size in [0, 1, 4095, 4096, 4097, 100_000] {
      let file = try scratchFile(String(repeating: "x", count: size))
      let path = "/proc/self/fd/\(file.rawValue)"
      #expect(try contents(of: path, atMost: 1 << 20).count == size)
      #expect(try contents(of: path, atMost: 5000).count == min(size, 5000))
      #expect(try files.text(of: path).utf8.count == size)
    }
  }

  @Test("writing needs a file that is there")
  func writing() throws {
    let file = try scratchFile("old text")
    try files.write("new", to: "/proc/self/fd/\(file.rawValue)")
    #expect(
      try files.text(of: "/proc/self/fd/\(file.rawValue)") == "new text",
      "as in a folder of the kernel's: no truncation")
    try withFolder { folder in
      #expect(throws: SystemError("open \(folder)/x", ENOENT)) { try files.write("x", to: "\(folder)/x") }
      #expect(throws: SystemError("open \(folder)/x", ENOENT)) { try files.text(of: "\(folder)/x") }
    }
    #expect(throws: SystemError("write /dev/full", ENOSPC)) { try files.write("x", to: "/dev/full") }
  }

  @Test("folders are made, listed and removed")
  func folders() throws {
    try withFolder { folder in
      for name in ["b", "a"] { try files.makeFolder("\(folder)/\(name)") }
      try files.makeFolder("\(folder)/a/deep")
      #expect(files.folders(in: folder) == ["a", "b"])
      #expect(throws: SystemError("mkdir \(folder)/a", EEXIST)) { try files.makeFolder("\(folder)/a") }
      #expect(throws: SystemError("rmdir \(folder)/a", ENOTEMPTY)) { try files.removeFolder("\(folder)/a") }
      #expect(files.isWritable(folder))
      for name in ["a/deep", "a", "b"] { try files.removeFolder("\(folder)/\(name)") }
      #expect(files.folders(in: folder) == [])
      #expect(!files.isWritable("\(folder)/a"))
      #expect(files.folders(in: "\(folder)/a") == [])
    }
  }
}
