import CommandLineKit
import TestSupport
import Testing
import Time

@testable import ConfigurationFile

/// What is said about a text that is no YAML, or more of it than we take.
@Suite struct SyntaxTests {
  static let broken: [(text: String, said: String)] = [
    ("pools:\n\ta: 1", "2:1: a tab cannot indent; use spaces"),
    ("command: cat\n\tworkers: 1", "2:1: a tab cannot indent; use spaces"),
    ("command: @cat", "1:10: a text that begins like this needs quotes"),
    ("command: `cat`", "1:10: a text that begins like this needs quotes"),
    ("listen: *:80", "1:9: a text that begins with * or & needs quotes"),
    (
      "joblog: a: b",
      "1:10: a second colon that is followed by a space, or a wrong indentation; a text with such a colon needs quotes"
    ),
    (
      "command: cat\n  workers: 4",
      "2:10: a second colon that is followed by a space, or a wrong indentation; a text with such a colon needs quotes"
    ),
    ("command: cat\nworkers 4\ntimeout: 3", "2:1: a key without a colon and a space behind it"),
    ("command: cat\nworkers:4", "2:1: a key without a colon and a space behind it"),
    (
      "pools:\n  a:\n    workers: 1\n   timeout: 2",
      "4:4: this fits no key of the section that begins in line 2; look at the indentation and the quotes"
    ),
    (
      "joblog: 'a' b",
      "1:13: this fits no key of the section that begins in line 1; look at the indentation and the quotes"
    ),
    ("listen:\n  - a\n  b: c", "3:3: this is no item of the list that begins in line 2; look at the indentation"),
    ("command: - cat", "1:10: a list with dashes begins in a new line"),
    (
      "command: [cat\nworkers: 4",
      "2:8: want a comma or ] in the list that begins in line 1; a text with , [ ] { or } needs quotes"
    ),
    (
      "command: [a\n", "2:1: want a comma or ] in the list that begins in line 1; a text with , [ ] { or } needs quotes"
    ),
    ("{a: b\n", "2:1: want a comma or } in the section that begins in line 1; a text with , [ ] { or } needs quotes"),
    ("command: cat\njoblog: \"abc\nworkers: 4\n", "2:9: this quote is never closed"),
    (
      "joblog: 'it's'",
      "1:13: this fits no key of the section that begins in line 1; look at the indentation and the quotes"
    ),
    ("joblog: \"\\d\"", "1:10: unknown escape in double quotes; single quotes take a backslash as it is"),
    (
      "command: cat\n}",
      "2:1: this fits no key of the section that begins in line 1; look at the indentation and the quotes"
    ),
    ("[a]\nb", "2:1: the file goes on behind its end; look at the indentation"),
    ("command: cat\n--- \ncommand: dog", "2:1: a second document begins here; a configuration is one"),
    ("command: cat\n...\nx", "3:1: the file goes on behind its end; look at the indentation"),
    ("a: b\u{7}c", "1:5: U+0007 stands here, a character that no text may hold"),
    ("a: b\n%YAML 9.9\n", "2:1: want YAML 1.1 or 1.2"),
    ("%YAML 9.9\n---\na: b", "1:1: want YAML 1.1 or 1.2"),
    (
      "joblog: \"\\ud800\"",
      "1:12: this escape is no character"
    ),
    ("joblog: \"\\xg0\"", "1:12: this escape is no character"),
    ("%FOO\n---\na: b", "1:5: this is no YAML: found unknown directive name while scanning a directive"),
    ("", "1:1: the file says nothing"),
    ("# nothing\n\n", "3:1: the file says nothing"),
    ("\u{FEFF}", "1:1: the file says nothing"),
  ]

  static let refused: [(text: String, said: [String])] = [
    (
      "defaults: &base {workers: 4}\npools: {a: *base}",
      [
        #"1:11: "&base" is neither needed nor taken: what pools share belongs into defaults"#,
        #"2:12: "*base" is not taken: what pools share belongs into defaults; a text needs quotes"#,
      ]
    ),
    ("command: cat\n<<: x", ["2:1: a merge key (<<) is not taken: what pools share belongs into defaults"]),
    (
      "workers: !!int 4\ncommand: cat",
      [#"1:10: "tag:yaml.org,2002:int" is neither needed nor taken: every value is taken as text"#]
    ),
    ("workers: ! 4\ncommand: cat", [#"1:10: "!" is neither needed nor taken: every value is taken as text"#]),
    ("? [a]\n: b", ["1:3: a key must be a text"]),
    ("command: [[[[[[[[a]]]]]]]]", ["1:17: lists and sections stand more than 8 deep"]),
    // A mistake of syntax ends the reading, but does not hide what was found before it.
    (
      "workers: 1\nworkers: 2\njoblog: 'x",
      [#"2:1: key "workers" is given twice, first in line 1"#, "3:9: this quote is never closed"]
    ),
  ]

  @Test("the words of libyaml are turned into those of somebody who writes a configuration", arguments: broken)
  func noYAML(text: String, said: String) throws {
    let told = try Sample.mistakes(text)
    #expect(told == ["prefork: pool.yaml:\(said)"])
  }

  @Test("what a configuration does not need is refused", arguments: refused)
  func tooMuchYAML(text: String, said: [String]) throws {
    #expect(try Sample.mistakes(text) == said.map { "prefork: pool.yaml:\($0)" })
  }

  @Test("a column counts characters, and a line ends by CR, LF or both")
  func counting() throws {
    #expect(try Sample.mistakes("command: [ÄÖ👩, @]").first?.hasPrefix("prefork: pool.yaml:1:16:") == true)
    #expect(
      try Sample.mistakes("command: cat\r\n\r\nworkers: x\r\n").first?.hasPrefix("prefork: pool.yaml:3:10:") == true)
    #expect(
      try Sample.mistakes("\u{FEFF}workers: x\rcommand: cat").first?.hasPrefix("prefork: pool.yaml:1:10:") == true)
    #expect(FilePlace(behind: Array("ÄÖ\r\n\n\rab".utf8)) == FilePlace(line: 4, column: 3))
  }

  @Test("bytes that are no UTF-8 are told, with their place")
  func otherEncodings() throws {
    let latin = Array("command: cat\njoblog: caf".utf8) + [0xE9] + Array("\nworkers: 1".utf8)
    let told = try Sample.mistakes(latin)
    #expect(
      told == [
        "prefork: pool.yaml:2:12: this is no character (byte 0xe9); the file must be UTF-8"
      ])
    let wide: [UInt8] = [0xFF, 0xFE] + "command: cat".utf8.flatMap { byte -> [UInt8] in [byte, 0] }
    #expect(
      try Sample.mistakes(wide) == [
        "prefork: pool.yaml:1:1: this is no character (byte 0xff); the file must be UTF-8"
      ])
    let nul = Array("command: cat\0".utf8)
    #expect(
      try Sample.mistakes(nul) == [
        "prefork: pool.yaml:1:13: U+0000 stands here, a character that no text may hold"
      ])
    let cut = Array("command: é".utf8).dropLast()
    #expect(try Sample.mistakes(Array(cut)).first?.hasSuffix("the file must be UTF-8") == true)
  }

  @Test("a billion laughs are not even begun")
  func billionLaughs() throws {
    var text = "a0: &a0 [lol, lol]\n"
    for level in 1...40 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    let said = try Sample.mistakes(text)
    #expect(said.count == 3)
    #expect(
      said.last
        == #"prefork: pool.yaml:2:10: "*a0" is not taken: what pools share belongs into defaults; a text needs quotes"#)
  }
}
