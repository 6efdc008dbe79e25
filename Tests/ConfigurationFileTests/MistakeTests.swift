import CommandLineKit
import TestSupport
import Testing
import Time

@testable import ConfigurationFile

/// What is said about a wrong file, each mistake with its exact place.
@Suite struct MistakeTests {
  static let names: [(text: String, said: [String])] = [
    (
      "pools:\n  resize:\n    wrokers: 4\n    command: cat",
      [#"3:5: unknown key "wrokers" in pool "resize"; did you mean "workers"?"#]
    ),
    ("defaults:\n  wait: 4\npools: {a: {command: cat}}", [#"2:3: unknown key "wait" in defaults"#]),
    ("comand: cat", [#"1:1: unknown key "comand"; did you mean "command"?"#]),
    ("pool:\n  a:\n    command: cat", [#"1:1: unknown key "pool"; did you mean "pools"?"#]),
    ("pools:\n  a: {comand: [cat]}", [#"2:7: unknown key "comand" in pool "a"; did you mean "command"?"#]),
    ("--workers: 4\ncommand: cat", [#"1:1: unknown key "--workers"; did you mean "workers"?"#]),
    ("w: 4\ncommand: cat", [#"1:1: unknown key "w"; did you mean "workers"?"#]),
    ("job_log: x\ncommand: cat", [#"1:1: unknown key "job_log"; did you mean "joblog"?"#]),
    ("\"\": x\ncommand: cat", [#"1:1: unknown key """#]),
    (
      "workers: 4\npools: {a: {command: cat}}",
      [#"1:1: "workers" belongs into a pool or into defaults"#]
    ),
    (
      "command: cat\npools: {a: {command: cat}}",
      [#"1:1: "command" belongs into a pool or into defaults"#]
    ),
    (
      "pools:\n  a:\n    control: x\n    command: cat",
      [#"3:5: "control" is for the whole process: it belongs at the top of the file"#]
    ),
    (
      "config: x\nhelp: true\ncheck-config: true\ncommand: cat",
      ["config", "help", "check-config"].enumerated().map {
        "\($0 + 1):1: \"\($1)\" means something only on the command line"
      }
    ),
    (
      "pools:\n  a b: {command: cat}",
      [#"2:3: "a b" is no name for a pool: want 1 to 64 of the characters A-Z a-z 0-9 . _ -"#]
    ),
    (
      "pools:\n  é: {command: cat}",
      [#"2:3: "é" is no name for a pool: want 1 to 64 of the characters A-Z a-z 0-9 . _ -"#]
    ),
    (
      "pools:\n  '': {command: cat}",
      [#"2:3: "" is no name for a pool: want 1 to 64 of the characters A-Z a-z 0-9 . _ -"#]
    ),
    (
      "workers: 4\nworkers: 5\ncommand: cat\nworkers: 6",
      [
        #"2:1: key "workers" is given twice, first in line 1"#, #"4:1: key "workers" is given twice, first in line 1"#,
      ]
    ),
    (
      "pools:\n  a: {command: cat}\n  a: {command: cat}", [#"3:3: key "a" is given twice, first in line 2"#]
    ),
  ]

  static let values: [(text: String, said: [String])] = [
    (
      "workers: 4x\ncommand: cat",
      [#"1:10: "workers": "4x" is not a whole number; want a whole number from 1 to 64 or a range MIN..MAX, such as 4"#]
    ),
    (
      "workers:\ncommand: cat",
      [#"1:9: "workers": the value is empty; want a whole number from 1 to 64 or a range MIN..MAX, such as 4"#]
    ),
    (
      "ready: porbe\nprobe: x\ncommand: cat", [#"1:8: "ready": "porbe" is not one of the choices; did you mean probe?"#]
    ),
    ("listen: [x, '']\ncommand: cat", [#"1:13: "listen": the value is empty; want a text, such as unix:/x"#]),
    ("listen: [x, [y]]\ncommand: cat", [#"1:13: "listen" takes texts, not a list"#]),
    ("listen: {x: y}\ncommand: cat", [#"1:9: "listen" takes texts, not a section"#]),
    ("workers: [4]\ncommand: cat", [#"1:10: "workers" takes one value, not a list"#]),
    ("workers: {a: 4}\ncommand: cat", [#"1:10: "workers" takes texts, not a section"#]),
    ("unordered: yes\ncommand: cat", [#"1:12: "unordered" takes true or false, not "yes""#]),
    ("unordered:\ncommand: cat", [#"1:11: "unordered" takes true or false, not """#]),
    ("unordered: [true]\ncommand: cat", [#"1:12: "unordered" takes true or false, not a list"#]),
    (
      "keep-order: false\ncommand: cat",
      [#"1:1: "keep-order" is what happens anyway and cannot be false; set "unordered""#]
    ),
    (
      "keep-order: true\nunordered: true\ncommand: cat",
      [#"2:1: "keep-order" and "unordered" exclude each other; give one of them"#]
    ),
    ("joblog: \"a\\0b\"\ncommand: cat", ["1:9: a text cannot hold a NUL byte"]),
    (
      "command: ./x --fast",
      [#"1:10: "./x --fast" would be the name of the program; want a list: [PROGRAM, ARG, ...]"#]
    ),
    ("command: ''", ["1:10: the command is empty; want the name of a program, such as [cat]"]),
    ("command:", ["1:9: the command is empty; want the name of a program, such as [cat]"]),
    ("command: []", ["1:10: the command is empty; want the name of a program, such as [cat]"]),
    ("command: ['', x]", ["1:11: the command is empty; want the name of a program, such as [cat]"]),
    ("command: [cat, {a: b}]", [#"1:16: "command" takes texts, not a section"#]),
    (
      "pools: {a: {command: 'a b'}}",
      [#"1:22: "a b" would be the name of the program; want a list: [PROGRAM, ARG, ...]"#]
    ),
  ]

  static let companions: [(text: String, said: [String])] = [
    (
      "resume: true\ncommand: cat", [#"1:1: "resume" means nothing without "joblog"; for example joblog: run.log"#]
    ),
    (
      "defaults: {resume: true, command: cat}\npools:\n  a: {joblog: x}\n  b:",
      [#"1:12: "resume" means nothing without "joblog" in pool "b"; for example joblog: run.log"#]
    ),
    (
      "pools:\n  a: {ready: probe, command: cat}",
      [#"2:14: "ready: probe" means nothing without "probe" in pool "a"; for example probe: ping"#]
    ),
    (
      "control-mode: 5\npools: {a: {command: cat}}",
      [#"1:15: "control-mode" means nothing without "control"; for example control: unix:/x"#]
    ),
    // The mistake in the joblog is told once.
    ("resume: true\njob-log: x\ncommand: cat", [#"2:1: unknown key "job-log"; did you mean "joblog"?"#]),
    ("resume: true\njoblog: ''\ncommand: cat", [#"2:9: "joblog": the value is empty; want a text, such as run.log"#]),
  ]

  static let structure: [(text: String, said: [String])] = [
    ("- a\n- b", [#"1:1: want keys with values, such as "workers: 4", not a list"#]),
    ("workers 4", [#"1:1: want keys with values, such as "workers: 4", not a text"#]),
    ("workers: 4", ["1:1: there is neither a command nor a section pools: nothing to run"]),
    ("pools:\n", ["1:1: there is no pool in pools: nothing to run"]),
    ("pools: {}\n", ["1:1: there is no pool in pools: nothing to run"]),
    ("pools: [a]\n", ["1:8: pools must be a section, with indented keys, not a list"]),
    ("pools:\n  a: cat\n", ["2:6: a pool must be a section, with indented keys, not a text"]),
    ("defaults: x\ncommand: cat", ["1:11: defaults must be a section, with indented keys, not a text"]),
    ("pools:\n  a:\n  b: {command: cat}", [#"2:3: there is no command in pool "a""#]),
  ]

  @Test("every mistake is told with its place and what to do", arguments: names + values + companions + structure)
  func mistakes(text: String, said: [String]) throws {
    #expect(try Sample.mistakes(text) == said.map { "prefork: pool.yaml:\($0)" })
  }

  @Test("a program on the command line cannot be that of several pools")
  func programForSeveralPools() throws {
    #expect(
      try Sample.mistakes("pools: {a: {command: cat}}", "--", "sort") == [
        "prefork: sort stands on the command line, but each pool of the file has its own command"
      ])
  }

  @Test("what the command line lacks of the file is told without a place")
  func companionOfTheCommandLine() throws {
    #expect(
      try Sample.mistakes("command: cat", "--resume") == [
        "prefork: --resume means nothing without --joblog; for example joblog: run.log"
      ])
  }

  @Test("all mistakes are told at once, in the order of the file; of very many the first twenty")
  func manyMistakes() throws {
    let pool = "    timeout: soon\n    command: a b\n    wrokers: 1\n"
    let said = try Sample.mistakes("pools:\n  a:\n\(pool)  b:\n\(pool)defaults:\n  unordered: 1\nworkers: 3\n")
    let places = [(3, 14), (4, 14), (5, 5), (7, 14), (8, 14), (9, 5), (11, 14), (12, 1)]
    #expect(said.map { $0.split(separator: " ")[1] } == places.map { "pool.yaml:\($0.0):\($0.1):" })
    let many = try Sample.mistakes((1...500).map { "x\($0): 1\n" }.joined() + "command: cat")
    #expect(many.count == 21)
    #expect(many.dropLast().last == #"prefork: pool.yaml:20:1: unknown key "x20""#)
    #expect(many.last == "prefork: pool.yaml: and 480 more of the kind")
  }

  @Test("there are at most a thousand pools")
  func tooManyPools() throws {
    let pools = { (count: Int) in
      "defaults: {command: cat}\npools:\n" + (1...count).map { "  p\($0):\n" }.joined()
    }
    #expect(try Sample.read(pools(1000)).pools.count == 1000)
    #expect(try Sample.mistakes(pools(1001)) == ["prefork: pool.yaml:1003:3: more than 1000 pools"])
    #expect(try Sample.mistakes("pools: {\(String(repeating: "a", count: 65)): {command: cat}}").count == 1)
    #expect(try Sample.read("pools: {\(String(repeating: "a", count: 64)): {command: cat}}").pools.count == 1)
  }

  @Test("what a file says cannot drive the terminal")
  func safeToPrint() throws {
    let said = try Sample.mistakes("\"\\e[2J\\nall is well\": 1\ncommand: cat")
    #expect(said == [#"prefork: pool.yaml:1:1: unknown key "\u{1b}[2J\nall is well""#])
  }
}
