import CommandLineKit
import TestSupport
import Testing
import Time

@Suite struct ParserTests {
  @Test func withoutOptionsEveryValueIsTheDefault() throws {
    let parsed = try Sample.parse("go", "--", "cat")
    #expect(parsed.commandName == "go")
    #expect(parsed.operands == ["cat"])
    #expect(parsed[Sample.count] == 2)
    #expect(parsed[Sample.wait] == nil)
    #expect(parsed[Sample.room] == 4096)
    #expect(parsed[Sample.color] == .green)
    #expect(parsed[Sample.tag] == [])
    #expect(parsed[Sample.sorted])
    #expect(parsed[Sample.loudness] == .normal)
    #expect(!parsed[Sample.dry])
  }

  @Test(arguments: [["--count=7"], ["--count", "7"], ["-c7"], ["-c", "7"], ["-dc7"], ["-dc", "7"], ["-c3", "-c7"]])
  func aValueCanBeWrittenInAllTheGNUWays(options: [String]) throws {
    guard case .command(let parsed) = try Sample.tool.parse(["go"] + options + ["--", "cat"]) else { return }
    #expect(parsed[Sample.count] == 7)
    #expect(parsed.operands == ["cat"])
  }

  @Test func theLastOneWinsAndRepeatableOnesAddUp() throws {
    let parsed = try Sample.parse("go", "--room=1", "--tag", "a", "--room=2K", "--tag=b", "--tag==c", "-ql", "cat")
    #expect(parsed[Sample.room] == 2048)
    #expect(parsed[Sample.tag] == ["a", "b", "=c"])
    #expect(parsed[Sample.loudness] == .loud)
  }

  @Test func switchesCanBeBundled() throws {
    let parsed = try Sample.parse("go", "-dsl", "cat")
    #expect(parsed[Sample.dry])
    #expect(parsed[Sample.sorted])
    #expect(parsed[Sample.loudness] == .loud)
  }

  @Test func theSameExclusiveSwitchTwiceIsNoContradiction() throws {
    #expect(try Sample.parse("go", "--unsorted", "--unsorted", "cat")[Sample.sorted] == false)
  }

  @Test func theFirstWordStartsTheProgramWithOrWithoutDashes() throws {
    for arguments in [["-d", "--", "sort", "-c", "--help"], ["-d", "sort", "-c", "--help"]] {
      guard case .command(let parsed) = try Sample.tool.parse(["go"] + arguments) else { return }
      #expect(parsed.operands == ["sort", "-c", "--help"])
      #expect(parsed[Sample.count] == 2)
    }
  }

  @Test func everythingBehindTheDashesIsTheProgram() throws {
    #expect(try Sample.parse("go", "--", "-x", "--", "").operands == ["-x", "--", ""])
    #expect(try Sample.parse("go", "sed", "--", "s/a/b/").operands == ["sed", "--", "s/a/b/"])
    #expect(try Sample.parse("go", "-").operands == ["-"])
  }

  @Test func otherCommandsTakeOptionsBehindTheirOperand() throws {
    #expect(try Sample.parse("pick", "second").operands == ["second"])
    guard case .help(let command) = try Sample.tool.parse(["pick", "second", "--help"]) else {
      Issue.record("no help")
      return
    }
    #expect(command?.name == "pick")
  }

  @Test(arguments: [["go", "-h"], ["go", "--help"], ["go", "-dh"], ["go", "--count=3", "--help", "--nonsense"]])
  func helpOfACommandEndsParsing(arguments: [String]) throws {
    guard case .help(let command) = try Sample.tool.parse(arguments) else {
      Issue.record("no help")
      return
    }
    #expect(command?.name == "go")
  }

  @Test func theToolAnswersHelpAndVersion() throws {
    for word in ["-h", "--help"] {
      guard case .help(nil) = try Sample.tool.parse([word]) else {
        Issue.record("no help for \(word)")
        return
      }
    }
    for word in ["-V", "--version"] {
      guard case .version = try Sample.tool.parse([word]) else {
        Issue.record("no version for \(word)")
        return
      }
    }
  }

  @Test func anOptionWithEqualsMayHaveAnyValue() throws {
    #expect(try Sample.parse("go", "--tag=--count", "--tag=--", "cat")[Sample.tag] == ["--count", "--"])
    #expect(try Sample.parse("go", "--tag", "-x", "cat")[Sample.tag] == ["-x"])
    #expect(try Sample.parse("go", "--tag", "--other", "cat")[Sample.tag] == ["--other"])
  }
}
