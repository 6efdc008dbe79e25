import TestSupport
import Testing
import Time

@testable import CommandLineKit

/// Settings of a file without a file: sections are built by hand, and whatever format they come from is none of our
/// business.
@Suite struct SettingsTests {
  static let file = Option.optional("file", .text(placeholder: "FILE", example: "x"), unset: "none", help: "settings")
  static let port = Option("port", .integer(in: 1...9, example: 3), default: "1", help: "of the process")
  static let host = Option.optional(
    "host", .text(placeholder: "HOST", example: "here"), unset: "none", help: "of it, too")
  static let command = Command(
    name: "serve", summary: "serve",
    groups: [
      OptionGroup("all", [file, port, host]),
      OptionGroup(
        "pool", [Sample.count, Sample.color, Sample.tag, Sample.sorted, Sample.loudness, Sample.dry, Sample.wait]),
    ],
    requirements: [
      Requirement(port, needs: host), Requirement(Sample.dry, needs: Sample.wait),
      Requirement(Sample.color, "red", needs: Sample.dry) { $0 == .red },
      Requirement(Sample.count, needs: host),
    ],
    settingsFile: SettingsFile(file, process: [port, host]),
    operands: .commandLine(program: "PROGRAM", argument: "ARG"))
  static let tool = Tool(name: "tool", version: "1", summary: "t", discussion: [], commands: [command])

  static func parse(_ words: String...) throws -> ParsedArguments {
    guard case .command(let parsed) = try tool.parse(["serve"] + words) else { throw Sample.NotACommand() }
    return parsed
  }

  /// A section, one entry per line from line 1 on: the name at column 1, the value at column 10.
  static func section(_ entries: KeyValuePairs<String, SettingNode.Content>) -> [SettingEntry] {
    entries.enumerated().map { line, entry in
      SettingEntry(
        entry.key, at: FilePlace(line: line + 1, column: 1),
        SettingNode(entry.value, at: FilePlace(line: line + 1, column: 10)))
    }
  }

  static func read(
    _ entries: KeyValuePairs<String, SettingNode.Content>, into mistakes: inout MistakeList,
    scopes: Set<SettingScope> = [.pool]
  ) -> Settings {
    SettingsReader(command).settings(from: section(entries), scopes: scopes, section: " in s", into: &mistakes)
  }

  static func read(_ entries: KeyValuePairs<String, SettingNode.Content>) -> Settings {
    var mistakes = MistakeList()
    let settings = read(entries, into: &mistakes)
    #expect(mistakes.first == [])
    return settings
  }

  static func list(_ texts: String...) -> SettingNode.Content {
    .list(texts.enumerated().map { SettingNode(.text($1), at: FilePlace(line: 1, column: 10 + $0)) })
  }

  @Test("an option comes as a whole from the strongest that speaks of it: the command line, then layer by layer")
  func strength() throws {
    let strong = Self.read(["count": .text("4"), "tag": Self.list("a", "b"), "unsorted": .text("true")])
    let weak = Self.read(["count": .text("5"), "tag": Self.list("c"), "color": .text("blue"), "sorted": .text("true")])
    let none = try Self.parse("--file=x").filled(from: [strong, weak])
    #expect(none[Sample.count] == 4)
    #expect(none[Sample.tag] == ["a", "b"])
    #expect(none[Sample.color] == .blue)
    #expect(!none[Sample.sorted])
    #expect(none[Sample.wait] == nil)
    let some = try Self.parse("--file=x", "--count=6", "--tag=z", "--sorted").filled(from: [strong, weak])
    #expect(some[Sample.count] == 6)
    #expect(some[Sample.tag] == ["z"])
    #expect(some[Sample.sorted])
    #expect(some.place(of: Sample.count) == nil)
    #expect(some.place(of: Sample.color) == FilePlace(line: 3, column: 10))
  }

  @Test("false takes a switch back, and an empty list a list: then the option stands at its default")
  func takingBack() throws {
    let weak = Self.read([
      "dry": .text("true"), "unsorted": .text("true"), "tag": Self.list("a"), "loud": .text("true"),
    ])
    let strong = Self.read([
      "dry": .text("false"), "unsorted": .text("false"), "tag": .list([]), "quiet": .text("false"),
    ])
    let parsed = try Self.parse("--file=x").filled(from: [strong, weak])
    #expect(!parsed[Sample.dry] && !parsed.has(Sample.dry))
    #expect(parsed[Sample.sorted])
    #expect(parsed[Sample.tag] == [])
    #expect(parsed[Sample.loudness] == .normal)
    let both = Self.read(["unsorted": .text("false"), "sorted": .text("true")])
    #expect(try Self.parse("--file=x").filled(from: [both])[Sample.sorted])
  }

  @Test("with a file the program and what an option needs may be missing on the command line; without one they may not")
  func lenience() throws {
    #expect(try Self.parse("--file=x", "--dry").operands == [])
    #expect(try Self.parse("--file=x", "--", "cat").operands == ["cat"])
    #expect(throws: UsageError.self) { try Self.parse("--dry", "--", "cat") }
    #expect(throws: UsageError.self) { try Self.parse() }
    #expect(throws: UsageError.self) { try Self.parse("--file=x", "--", "") }
  }

  @Test("help, man page and the hint for a forgotten program show the form with a file")
  func forms() {
    #expect(
      help(for: Self.command, of: Self.tool).contains(
        """
        Usage: tool serve [options] -- PROGRAM [ARG...]
               tool serve [options] --file FILE

        """))
    #expect(manPage(for: Self.tool).contains("\\fBtool\\fR serve [options] \\-\\-file FILE\n"))
    do throws(UsageError) {
      _ = try Self.tool.parse(["serve"])
    } catch {
      #expect(
        error.message == """
          tool: no PROGRAM given
          hint: the form is `tool serve [options] -- PROGRAM [ARG...]` or `tool serve [options] --file FILE`

          """)
    }
  }

  @Test("what cannot be understood is told at the place where it stands")
  func mistakes() {
    var mistakes = MistakeList()
    let settings = Self.read(
      [
        "conut": .text("4"), "c": .text("4"), "--tag": .text("x"), "port": .text("3"), "file": .text("y"),
        "count": .text("99"),
        "color": Self.list("red"), "tag": .section([]), "dry": .text("yes"), "loud": .text("true"),
        "quiet": .text("true"),
        "sorted": .text("false"), "zzz": .text(""),
      ], into: &mistakes)
    let told = mistakes.first.map { "\($0.place!.line):\($0.place!.column) \($0.sentence)" }
    #expect(
      told == [
        #"1:1 unknown key "conut" in s; did you mean "count"?"#, #"2:1 unknown key "c" in s; did you mean "count"?"#,
        #"3:1 unknown key "--tag" in s; did you mean "tag"?"#,
        #"4:1 "port" is for the whole process: it belongs at the top of the file"#,
        #"5:1 "file" means something only on the command line"#,
        #"6:10 "count": "99" is too large; want a whole number from 1 to 64, such as 4"#,
        #"7:10 "color" takes one value, not a list"#, #"8:10 "tag" takes texts, not a section"#,
        #"9:10 "dry" takes true or false, not "yes""#, #"11:1 "loud" and "quiet" exclude each other; give one of them"#,
        #"12:1 "sorted" is what happens anyway and cannot be false; set "unsorted""#, #"13:1 unknown key "zzz" in s"#,
      ])
    #expect(["count", "tag", "port", "color", "dry"].allSatisfy(settings.mayMean))
    #expect(!settings.mayMean("wait"))
  }

  @Test("at the top of a file options of the process belong, others only if the caller says so")
  func scopes() {
    var mistakes = MistakeList()
    _ = Self.read(["port": .text("3"), "count": .text("3")], into: &mistakes, scopes: [.process])
    #expect(mistakes.first.map(\.sentence) == [#""count" belongs into a pool or into defaults"#])
    mistakes = MistakeList()
    _ = Self.read(["port": .text("3"), "count": .text("3")], into: &mistakes, scopes: [.process, .pool])
    #expect(mistakes.isEmpty)
  }

  @Test("what an option needs is looked for in all that was said, and asked for where the option stands")
  func requirements() throws {
    func told(_ scope: SettingScope, _ layers: [Settings], _ words: String...) throws -> [String] {
      var mistakes = MistakeList()
      guard case .command(let line) = try Self.tool.parse(["serve", "--file=x"] + words) else { return [] }
      Self.command.checkRequirements(
        of: scope, in: line.filled(from: layers), from: layers, section: " in s", into: &mistakes)
      return mistakes.first.map { ($0.place.map { "\($0.line):\($0.column) " } ?? "") + $0.sentence }
    }
    let dry = Self.read(["dry": .text("true")])
    #expect(try told(.pool, [dry]) == [#"1:1 "dry" means nothing without "wait" in s; for example wait: 30s"#])
    #expect(try told(.pool, [dry], "--wait=3") == [])
    #expect(try told(.pool, [dry, Self.read(["wait": .text("3")])]) == [])
    #expect(try told(.process, [dry]) == [], "it is none of the process")
    #expect(try told(.process, [], "--port=3") == ["--port means nothing without --host in s; for example host: here"])
    #expect(
      try told(.pool, [Self.read(["color": .text("red")])]) == [
        #"1:10 "color: red" means nothing without "dry" in s; for example dry: true"#
      ])
    var mistakes = MistakeList()
    let misspelt = Self.read(["dry": .text("true"), "wiat": .text("3")], into: &mistakes)
    #expect(try told(.pool, [misspelt]) == [], "that is told already")
  }

  @Test("of very many mistakes the first twenty by place are kept, the same one once, the rest counted")
  func manyMistakes() {
    for order in [Array(1...100), Array((1...100).reversed())] {
      var list = MistakeList()
      #expect(list.isEmpty)
      var made = 0
      func sentence(_ line: Int) -> String {
        made += 1
        return "m\(line)"
      }
      for line in order { list.add(at: FilePlace(line: line, column: 1), sentence(line)) }
      #expect(list.first.map(\.place?.line) == Array(1...20))
      #expect(list.others == 80)
      if order.first == 1 { #expect(made == 20, "what is not kept is not even put into words") }
      list.add(at: FilePlace(line: 3, column: 1), "m3")
      list.add(at: FilePlace(line: 20, column: 1), "m20")
      #expect(list.others == 80)
      list.add(at: nil, "on the command line")
      #expect(list.first.first?.place == nil)
      #expect(list.others == 81)
    }
  }
}
