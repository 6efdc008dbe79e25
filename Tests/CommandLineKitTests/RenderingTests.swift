import Testing

@testable import CommandLineKit

@Suite struct RenderingTests {
  @Test func helpOfACommand() {
    #expect(
      help(for: Sample.go, of: Sample.tool, width: 60)
        == """
        tool go: go with a program

        Usage: tool go [options] -- PROGRAM [ARG...]

        Examples:
          tool go -c 4 -- cat
              go with cat

        Essential:
          -c, --count N             how many (default: 2)
          -w, --wait DUR            how long to wait for an answer
                                    (default: for ever)
              --color red|green|blue
                                    the color of the answer
                                    (default: green)
          -s, --sorted              sort the answers (default)
              --unsorted            do not, and don't ask [again]

        More:
              --room SIZE           how much room (default: 4K)
              --tag TEXT            a tag: may be repeated
          -q, --quiet               say nothing
          -l, --loud                say everything
          -d, --dry                 only show what would be done

        Other:
          -h, --help                show this help and exit

        .It begins with a dot and has a \\ in it.

        Exit status:
          0     all is well
          64    wrong usage

        """)
  }

  /// A command that has a group of that name, too, shows it once, in help and manual page.
  @Test func helpIsTheLastOptionOfTheGroupOfOthers() {
    let command = Command(
      name: "rest", summary: "rest",
      groups: [OptionGroup("essential", [Sample.count]), OptionGroup("other", [Sample.dry])])
    let tool = Tool(name: "tool", version: "1", summary: "does a thing", discussion: [], commands: [command])
    #expect(
      help(for: command, of: tool, width: 60).hasSuffix(
        """

        Other:
          -d, --dry                 only show what would be done
          -h, --help                show this help and exit

        """))
    for text in [help(for: command, of: tool), manPage(for: tool)] {
      #expect(text.split(separator: "\n").count { $0.hasPrefix("Other") || $0 == ".SS Other" } == 1, "\(text)")
    }
  }

  @Test func aCommandWithFewOptionsHasOneHeadingForThem() {
    let few = Command(name: "few", summary: "few", groups: [OptionGroup("options", [Sample.dry])])
    let tool = Tool(name: "tool", version: "1", summary: "does a thing", discussion: [], commands: [few])
    #expect(
      help(for: few, of: tool, width: 60)
        == """
        tool few: few

        Usage: tool few [options]

        Options:
          -d, --dry                 only show what would be done
          -h, --help                show this help and exit

        """)
    #expect(
      help(for: Sample.list, of: Sample.tool).hasSuffix(
        "\nOptions:\n  -h, --help                show this help and exit\n"))
  }

  @Test func helpOfTheTool() {
    #expect(
      help(for: Sample.tool)
        == """
        tool: does a thing

        Commands:
          go -- PROGRAM [ARG...]  go with a program
          pick WHICH              pick one
          list                    list all

        Examples:
          tool go -c 4 -- cat
              go with cat

        Options:
          -h, --help              show this help or, behind a command, its own
          -V, --version           show the version

        `tool go --help` shows the options of go.

        """)
  }

  @Test(arguments: [20, 40, 60, 80, 120])
  func noLineIsLongerThanTheWidth(width: Int) {
    let longestWord = 36
    for command in Sample.tool.commands {
      for line in help(for: command, of: Sample.tool, width: width).split(separator: "\n") {
        #expect(line.count <= max(width, 28 + 20, longestWord + 4), "\(line)")
      }
    }
  }

  @Test func wrappingKeepsWordsAndUnbrokenSpaces() {
    #expect(wrapped("a bb ccc dddd", width: 4) == ["a bb", "ccc", "dddd"])
    #expect(wrapped("muchtoolong a", width: 4) == ["muchtoolong", "a"])
    #expect(wrapped("", width: 4) == [])
    #expect(wrapped("a " + unbroken("(b c)"), width: 5) == ["a", "(b c)"])
  }

  @Test func markdownTableOfTheOptions() {
    #expect(
      markdownTable(for: Sample.go)
        == """
        | group | option | default | meaning |
        |---|---|---|---|
        | essential | `-c, --count N` | 2 | how many |
        |  | `-w, --wait DUR` | for ever | how long to wait for an answer |
        |  | `--color red\\|green\\|blue` | green | the color of the answer |
        |  | `-s, --sorted` | yes | sort the answers |
        |  | `--unsorted` |  | do not, and don't ask [again] |
        | more | `--room SIZE` | 4K | how much room |
        |  | `--tag TEXT` |  | a tag: may be repeated |
        |  | `-q, --quiet` |  | say nothing |
        |  | `-l, --loud` |  | say everything |
        |  | `-d, --dry` |  | only show what would be done |

        """)
  }

  @Test func theManPageEscapesWhatRoffWouldRead() {
    let page = manPage(for: Sample.tool)
    #expect(page.contains("\n\\&.It begins with a dot and has a \\e in it.\n"))
    #expect(page.contains("\n.TP\n\\fB\\-c, \\-\\-count\\fR \\fIN\\fR\nHow many (default: 2).\n"))
    #expect(page.contains("don\\(aqt"))
    #expect(page.hasPrefix(".TH TOOL 1 \"\" \"tool 1.2.3\" \"User Commands\"\n"))
  }

  @Test func theManPageHasEveryOptionOnce() {
    let lines = manPage(for: Sample.tool).split(separator: "\n")
    for spelling in Sample.go.groups.flatMap(\.options).flatMap(\.spellings) {
      #expect(lines.count { $0.contains("\\-\\-\(spelling.long)\\fR") } == 1, "\(spelling.long)")
    }
  }

  @Test(arguments: Shell.allCases)
  func aCompletionScriptHasEveryCommandAndOption(shell: Shell) {
    let script = completionScript(for: Sample.tool, shell: shell)
    for command in Sample.tool.commands { #expect(script.contains(command.name)) }
    for spelling in Sample.go.groups.flatMap(\.options).flatMap(\.spellings) {
      #expect(script.contains(shell == .fish ? "-l \(spelling.long) " : "--\(spelling.long)"), "\(spelling.long)")
    }
  }

  @Test func quotesInHelpAreQuotedForEveryShell() {
    #expect(completionScript(for: Sample.tool, shell: .zsh).contains(#"don'\''t ask \[again\]"#))
    #expect(completionScript(for: Sample.tool, shell: .fish).contains(#"don\'t ask [again]"#))
  }
}
