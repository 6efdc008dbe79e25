import CommandLineKit
import Glibc
import Testing

@testable import prefork

/// The README promises what the program does: it is held to the declaration.
@Suite struct ReadmeTests {
  static var readme: String {
    let path = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/README.md"
    guard let stream = fopen(path, "r") else { return "" }
    defer { fclose(stream) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, stream)], as: UTF8.self)
  }

  @Test("the options table of the README is the one that the declaration gives")
  func optionsTable() {
    let table = markdownTable(for: RunOptions.command)
    let parts = Self.readme.split(separator: table, omittingEmptySubsequences: false)
    #expect(parts.count == 2, "the README must hold this, once:\n\(table)")
    for part in parts { #expect(!part.contains("| group | option |"), "the README holds another table of options") }
  }

  @Test("the README names every exit status that run can end with")
  func exitStatuses() {
    for status in RunOptions.command.exitStatuses {
      #expect(Self.readme.contains("| \(status.status) |"), "\(status)")
    }
  }

  @Test("the README's first screen shows the two commands")
  func twoCommands() {
    let firstScreen = Self.readme.split(separator: "\n", omittingEmptySubsequences: false).prefix(40).joined(
      separator: "\n")
    #expect(firstScreen.contains("make run"))
    #expect(firstScreen.contains("make test"))
  }
}
