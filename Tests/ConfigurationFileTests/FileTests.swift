import CommandLineKit
import Glibc
import TestSupport
import Testing
import Time

@testable import ConfigurationFile

/// Files as they are found on a disk.
@Suite struct FileTests {
  private func withFile(_ text: [UInt8], _ body: (_ path: String) throws -> Void) throws {
    let file = makeTemporaryFile()
    try #require(file.descriptor >= 0)
    defer {
      close(file.descriptor)
      unlink(file.path)
    }
    try #require(text.withUnsafeBytes { write(file.descriptor, $0.baseAddress, $0.count) } == text.count)
    try body(file.path)
  }

  /// What is said of a file that cannot be used; nil if it can.
  private func error(_ path: String) throws -> ConfigurationError? {
    let commandLine = try Sample.commandLine()
    do throws(ConfigurationError) {
      _ = try loadConfiguration(path, for: Sample.serve, commandLine: commandLine)
      return nil
    } catch {
      return error
    }
  }

  @Test("a file is read, and its mistakes bear its name")
  func aFile() throws {
    try withFile(Array("command: [cat]\nworkers: 7\n".utf8)) { path in
      let read = try loadConfiguration(path, for: Sample.serve, commandLine: try Sample.commandLine())
      #expect(read.pools[0].arguments[Sample.workers] == 7...7)
    }
    try withFile(Array("command: [cat]\nworkers: soon\n".utf8)) { path in
      let message = try error(path)?.message(of: "prefork") ?? ""
      #expect(message.hasPrefix("prefork: \(path):2:10: \"workers\": \"soon\" is not a whole number"))
      #expect(message.hasSuffix("\n"))
    }
  }

  @Test("a file that is not there, or is none, is unreadable, which is not the same as wrong")
  func unreadable() throws {
    let folder = try #require(makeTemporaryFolder())
    defer { rmdir(folder) }
    let gone = "No such file or directory (ENOENT)"
    #expect(try error("\(folder)/x") == .unreadable(path: "\(folder)/x", reason: gone))
    #expect(try error("\(folder)/x")?.message(of: "prefork") == "prefork: \(folder)/x: \(gone)\n")
    #expect(try error("\(folder)/x\n")?.message(of: "prefork") == "prefork: \"\(folder)/x\\n\": \(gone)\n")
    let reason = "is no regular file, which could be read again on reload"
    for path in [folder, "/dev/null", "/dev/zero"] {
      #expect(try error(path) == .unreadable(path: path, reason: reason))
    }
    let fifo = "\(folder)/fifo"
    try #require(mkfifo(fifo, 0o600) == 0)
    defer { unlink(fifo) }
    #expect(try error(fifo) == .unreadable(path: fifo, reason: reason), "and nobody waited for its writer")
  }

  @Test("a file that may not be read is unreadable", .enabled(if: geteuid() != 0, "root may read everything"))
  func noPermission() throws {
    try withFile(Array("command: cat".utf8)) { path in
      chmod(path, 0)
      let refusal = try error(path)
      #expect(refusal == .unreadable(path: path, reason: "Permission denied (EACCES)"))
    }
  }

  @Test("a file may have 1 MiB and not a byte more")
  func largest() throws {
    let head = Array("command: cat\n".utf8)
    let padding = { (size: Int) in head + [UInt8](repeating: UInt8(ascii: "#"), count: size - head.count) }
    try withFile(padding(1 << 20)) { path in
      let refusal = try error(path)
      #expect(refusal == nil)
    }
    try withFile(padding(1 << 20 + 1)) { path in
      let mistake = SettingMistake(at: FilePlace(line: 2, column: (1 << 20) - 12), "the file goes on beyond 1 MiB")
      let refusal = try error(path)
      #expect(refusal == .mistakes(path: path, [mistake], others: 0))
    }
  }
}
