import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Which remedy fits which program.
@Suite struct OutputBufferingTests {
  private func fitting(_ line: String, firstLine: String? = nil) -> [OutputBuffering] {
    OutputBuffering.fitting(line.split(separator: " ").map(String.init), firstLine: firstLine)
  }

  @Test(
    "by the name of the program, whatever its folder and version",
    arguments: [
      ("python3 x.py", OutputBuffering.python), ("/usr/bin/python3.11 x.py", .python), ("ruby3.1 x.rb", .ruby),
      ("perl -ne print", .perl), ("perl5.36.0 x", .perl), ("php8.2 x.php", .php), ("node x.js", .node),
      ("nodejs x.js", .node), ("java -jar x.jar", .java), ("lua5.4 x", .lua), ("gawk {print}", .awk),
      ("mawk {print}", .awk), ("sed s/a/b/", .sed), ("egrep x", .grep), ("jq .", .jq), ("tr a b", .stdio),
      ("sort", .wholeInput), ("go run .", .go),
    ])
  func byName(line: String, language: OutputBuffering) { #expect(fitting(line) == [language]) }

  @Test(
    "by the #! line of a script",
    arguments: [
      ("#!/usr/bin/env python3", OutputBuffering.python), ("#!/usr/bin/ruby -w", .ruby), ("#! /usr/bin/perl", .perl),
      ("#!/usr/bin/env -S php -q", .php), ("#!/usr/bin/env node", .node), ("#!/usr/bin/awk -f", .awk),
    ])
  func byInterpreter(firstLine: String, language: OutputBuffering) {
    #expect(fitting("./model", firstLine: firstLine) == [language])
  }

  @Test(
    "through what only starts another, and in a line for a shell",
    arguments: [
      ("env LANG=C nice -n 5 ruby x.rb", [OutputBuffering.ruby]), ("stdbuf -oL python3 x.py", [.python]),
      ("sh -c sed s/a/b/|grep b", [.sed, .grep]), ("bash -c 'while(read x);do awk {print};done'", [.awk]),
    ])
  func through(line: String, languages: [OutputBuffering]) { #expect(fitting(line) == languages) }

  @Test("of what is not known all are shown", arguments: [nil, "#!/bin/sh", "\u{7F}ELF", "#!", "#!/opt/odd"])
  func unknown(firstLine: String?) {
    #expect(fitting("./model", firstLine: firstLine) == OutputBuffering.allCases)
  }

  @Test("a file is looked at where the worker would be started")
  func realFile() throws {
    try withFile("#!/usr/bin/env ruby\nputs 1\n", mode: 0o755) { path in
      #expect(OutputBuffering.fitting(WorkerCommand([path]), WorkerSurroundings()) == [.ruby])
    }
    #expect(
      OutputBuffering.fitting(WorkerCommand(["/dev/null"]), WorkerSurroundings()) == OutputBuffering.allCases)
  }

  @Test("each has a remedy of one line")
  func remedies() {
    for language in OutputBuffering.allCases { #expect(!language.remedy.isEmpty && !language.remedy.contains("\n")) }
  }
}
