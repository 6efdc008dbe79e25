import TestSupport
import Testing
import Time

@Suite struct UsageErrorTests {
  static let cases: [(arguments: [String], message: String)] = [
    ([], "tool: no command given\nhint: try `tool help`\n"),
    (["og"], "tool: unknown command og; did you mean go?\nhint: `tool help` lists the commands\n"),
    (
      ["python3"],
      "tool: unknown command python3\nhint: a program goes behind a command: `tool go [options] -- PROGRAM [ARG...]`\n"
    ),
    (
      ["-c4", "go"],
      "tool: option -c4 stands before the command; it belongs behind go\nhint: `tool help` lists the commands\n"
    ),
    (["--hepl"], "tool: unknown option --hepl; did you mean --help?\nhint: try `tool help`\n"),
    (
      ["go", "--cuont", "4"],
      "tool: unknown option --cuont; did you mean --count?\nhint: `tool go --help` shows what it takes\n"
    ),
    (
      ["go", "--co=4"],
      "tool: unknown option --co; did you mean --color or --count?\nhint: `tool go --help` shows what it takes\n"
    ),
    (["go", "--zzzzzz"], "tool: unknown option --zzzzzz\nhint: `tool go --help` shows what it takes\n"),
    (["go", "-j", "4"], "tool: unknown option -j\nhint: `-c N` is how many\n"),
    (["go", "-dj4"], "tool: unknown option -j in -dj4\nhint: `-c N` is how many\n"),
    (["go", "--counts=4"], "tool: unknown option --counts\nhint: `-c N` is how many\n"),
    (["-j4", "go"], "tool: unknown option -j\nhint: `-c N` is how many\n"),
    (["--counts=4"], "tool: unknown option --counts\nhint: `-c N` is how many\n"),
    (["go", "-x"], "tool: unknown option -x\nhint: `tool go --help` shows what it takes\n"),
    (["go", "-dx"], "tool: unknown option -x in -dx\nhint: `tool go --help` shows what it takes\n"),
    (
      ["go", "-count", "4"],
      "tool: unknown option -count; did you mean --count?\nhint: `tool go --help` shows what it takes\n"
    ),
    (["go", "--count"], "tool: option --count needs a value (N)\nhint: for example `--count=4`\n"),
    (["go", "-dc"], "tool: option -c needs a value (N)\nhint: for example `-c 4`\n"),
    (
      ["go", "--wait", "--", "cat"],
      "tool: option --wait needs a value (DUR), but -- follows\nhint: for example `--wait=30s`\n"
    ),
    (
      ["go", "--wait", "--count=4", "cat"],
      "tool: option --wait needs a value (DUR), but --count=4 follows\nhint: for example `--wait=30s`\n"
    ),
    (
      ["go", "--dry=yes", "cat"],
      "tool: option --dry takes no value, but was given \"yes\"\nhint: `tool go --help` shows what it takes\n"
    ),
    (
      ["go", "-d=yes", "cat"],
      "tool: option -d takes no value, but was given \"yes\"\nhint: `tool go --help` shows what it takes\n"
    ),
    (
      ["go", "-c", "4x", "cat"],
      "tool: -c: \"4x\" is not a whole number; want a whole number from 1 to 64, such as 4\n"
        + "hint: `tool go --help` shows what it takes\n"
    ),
    (
      ["go", "--count=", "cat"],
      "tool: --count: the value is empty; want a whole number from 1 to 64, such as 4\n"
        + "hint: `tool go --help` shows what it takes\n"
    ),
    (
      ["go", "--color", "gren", "cat"],
      "tool: --color: \"gren\" is not one of the choices; did you mean green?\n"
        + "hint: `tool go --help` shows what it takes\n"
    ),
    (
      ["go", "--color", "mauve", "cat"],
      "tool: --color: \"mauve\" is not one of the choices; want one of red, green, blue, such as red\n"
        + "hint: `tool go --help` shows what it takes\n"
    ),
    (
      ["go", "-s", "--unsorted", "cat"],
      "tool: --sorted and --unsorted exclude each other; give one of them\n"
        + "hint: `tool go --help` shows what it takes\n"
    ),
    (["go"], "tool: no PROGRAM given\nhint: the form is `tool go [options] -- PROGRAM [ARG...]`\n"),
    (["go", "-d", "--"], "tool: no PROGRAM given\nhint: the form is `tool go [options] -- PROGRAM [ARG...]`\n"),
    (
      ["go", "--", "", "x"],
      "tool: PROGRAM is an empty word; want the name of a program, such as cat\n"
        + "hint: the form is `tool go [options] -- PROGRAM [ARG...]`\n"
    ),
    (["pick"], "tool: no WHICH given\nhint: the form is `tool pick WHICH`\n"),
    (
      ["pick", "frist"],
      "tool: WHICH: \"frist\" is not one of first, second; did you mean first?\n"
        + "hint: `tool pick --help` shows what it takes\n"
    ),
    (["pick", "first", "second"], "tool: unexpected argument second\nhint: the form is `tool pick WHICH`\n"),
    (["list", "a b"], "tool: unexpected argument \"a b\"\nhint: the form is `tool list`\n"),
  ]

  @Test(arguments: cases)
  func everyMistakeIsNamedWithWhatToTry(arguments: [String], message: String) {
    do {
      _ = try Sample.tool.parse(arguments)
      Issue.record("\(arguments) was accepted")
    } catch {
      #expect(error.message == message)
    }
  }

  @Test func whatWasTypedCannotDriveTheTerminal() {
    let message = Sample.message("go", "--color=\u{1B}[2J\nroot: all is well\u{202E}", "cat") ?? ""
    #expect(message.contains(#""\u{1b}[2J\nroot: all is well\u{202e}""#))
    let long = Sample.message("go", "--count=" + String(repeating: "9", count: 5000), "cat") ?? ""
    #expect(long.utf8.count < 300)
    #expect(long.contains("999\"… (5000 bytes) is too large"))
  }
}
