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

  @Test("the options tables of the README are those that the declarations give")
  func optionsTables() {
    var rest = Self.readme[...]
    let serve = Command(name: "serve", summary: "", groups: ServeOptions.ownGroups)
    for command in [RunOptions.command, serve, SubmitOptions.command] {
      let table = markdownTable(for: command)
      let parts = rest.split(separator: table, omittingEmptySubsequences: false)
      #expect(parts.count == 2, "the README must hold this, once:\n\(table)")
      rest = parts.joined(separator: "\n")[...]
    }
    #expect(!rest.contains("| group | option |"), "the README holds another table of options")
  }

  @Test("the README names every exit status that run and submit can end with")
  func exitStatuses() {
    for status in RunOptions.command.exitStatuses + SubmitOptions.command.exitStatuses {
      #expect(Self.readme.contains("| \(status.status) |"), "\(status)")
    }
  }

  @Test("the README says how check can end, and every line of its reports is one that check can write")
  func check() throws {
    let sections = Self.readme.split(separator: "\n## ")
    let section = try #require(sections.first { $0.hasPrefix("Check a worker first") })
    let promise = try #require(section.split(separator: "Exit status: ").last)
    let statuses = promise.split { !$0.isNumber }.compactMap { Int32($0) }
    #expect(Set(statuses) == Set(CheckOptions.command.exitStatuses.map(\.status)))
    let buffered = "-t 500ms -- python3 -c 'for job in open(0): print(len(job))'"
    let good = "--job 'greek small letter alpha' -- workers/examples/unicode_search.py"
    let reports = try [good, buffered].map { try shell("prefork check \($0)").output }.joined(separator: "\n")
    // Figures differ from one run to the next, and advice comes and goes with them.
    let shape = { (line: Substring) in line.replacing(#/(under )?[0-9.]+( m?s| MB)?/#, with: "#") }
    let written = Set(reports.split(separator: "\n").map(shape))
    let report = section.split(separator: "\n").filter { $0.firstMatch(of: #/^[a-z ]{10} [^ ]|^(not )?ok: /#) != nil }
    #expect(report.count >= 12)
    for line in report { #expect(written.contains(shape(line)), "\(line)") }
  }

  @Test(
    "every configuration file of the README is one that serve takes, apart from programs and folders of another machine"
  )
  func configurationFiles() throws {
    let blocks = Self.readme.split(separator: "```yaml\n", omittingEmptySubsequences: false).dropFirst()
      .compactMap { $0.split(separator: "```").first }
    let files = blocks.filter { $0.contains("pools:") || $0.contains("command:") }
    #expect(!files.isEmpty)
    for block in files {
      let result = try withFile(String(block)) { try shell("prefork serve --check-config --config \($0)") }
      let mistakes = result.errors.split(separator: "\n").filter {
        !$0.contains(": cannot start ") && !$0.contains(": the folder ") && !$0.contains(" is ok: ")
      }
      #expect(mistakes.isEmpty && [0, 78].contains(result.status), "\(result.errors)")
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
