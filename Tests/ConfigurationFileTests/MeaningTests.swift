import CommandLineKit
import TestSupport
import Testing
import Time

@testable import ConfigurationFile

/// What a right file means.
@Suite struct MeaningTests {
  static let several = """
    # the whole process
    control: unix:/run/control
    defaults:
      timeout: 30s
      listen: [unix:/run/default]
      unordered: true
    pools:
      resize:
        workers: 2..8
        listen: [unix:/run/resize, "tcp:127.0.0.1:7001"]
        command: [./resize.py, --fast, "a b", ""]
      ocr-2.x_:
        timeout: 1m
        unordered: false
        command: ./ocr
    """

  @Test("each pool has its own options, what it leaves out is that of the defaults, and all know those of the process")
  func severalPools() throws {
    let read = try Sample.read(Self.several)
    #expect(read.process[Sample.control] == "unix:/run/control")
    #expect(read.pools.map(\.name) == ["resize", "ocr-2.x_"])
    let (resize, ocr) = (read.pools[0], read.pools[1])
    #expect(resize.place == FilePlace(line: 8, column: 3))
    #expect(resize.arguments[Sample.workers] == 2...8)
    #expect(resize.arguments[Sample.timeout] == 30_000_000_000)
    #expect(resize.arguments[Sample.listen] == ["unix:/run/resize", "tcp:127.0.0.1:7001"])
    #expect(resize.arguments[Sample.order] == .free)
    #expect(resize.command == .words(["./resize.py", "--fast", "a b", ""]))
    #expect(ocr.arguments[Sample.workers] == 2...2)
    #expect(ocr.arguments[Sample.timeout] == 60_000_000_000)
    #expect(ocr.arguments[Sample.listen] == ["unix:/run/default"])
    #expect(ocr.arguments[Sample.order] == .kept, "false takes back what the defaults say")
    #expect(!ocr.arguments.has(Sample.order))
    #expect(ocr.command == .words(["./ocr"]))
    for pool in read.pools { #expect(pool.arguments[Sample.control] == "unix:/run/control") }
  }

  @Test("a value knows where it stands, so that what is found out later can be told with its place")
  func places() throws {
    let resize = try Sample.read(Self.several, "--workers=1").pools[0].arguments
    #expect(resize.place(of: Sample.listen) == FilePlace(line: 10, column: 32))
    #expect(resize.place(of: Sample.timeout) == FilePlace(line: 4, column: 12))
    #expect(resize.place(of: Sample.order) == FilePlace(line: 6, column: 3))
    #expect(resize.place(of: Sample.workers) == nil, "it is that of the command line")
    #expect(resize.place(of: Sample.joblog) == nil)
  }

  @Test("what stands on the command line wins in every pool")
  func commandLineWins() throws {
    let read = try Sample.read(
      Self.several, "--timeout=1s", "--keep-order", "--listen=tcp:[::1]:1", "--control=unix:/other")
    #expect(read.process[Sample.control] == "unix:/other")
    for pool in read.pools {
      #expect(pool.arguments[Sample.timeout] == 1_000_000_000)
      #expect(pool.arguments[Sample.order] == .kept)
      #expect(pool.arguments[Sample.listen] == ["tcp:[::1]:1"], "a list is replaced, not made longer")
      #expect(pool.arguments[Sample.control] == "unix:/other")
    }
  }

  @Test("the only pool of a file may stand at its top")
  func onePool() throws {
    let read = try Sample.read("workers: 3\ncontrol: unix:/c\ncommand: [cat]\ndefaults: {timeout: 2s, workers: 9}\n")
    #expect(read.pools.map(\.name) == ["default"])
    #expect(read.pools[0].arguments[Sample.workers] == 3...3)
    #expect(read.pools[0].arguments[Sample.timeout] == 2_000_000_000)
    #expect(read.pools[0].command == .words(["cat"]))
    #expect(read.process[Sample.control] == "unix:/c")
  }

  @Test("a program on the command line is that of the only pool, and is left to whoever knows its bytes")
  func programOnTheCommandLine() throws {
    for text in ["workers: 3", "workers: 3\ncommand: [cat]"] {
      let pool = try Sample.read(text, "--", "sort", "-u").pools[0]
      #expect(pool.command == .commandLine)
      #expect(pool.arguments.operands == ["sort", "-u"])
      #expect(pool.arguments[Sample.workers] == 3...3)
    }
  }

  @Test("without a file there is one pool, named default")
  func withoutAFile() throws {
    let commandLine = try Sample.commandLine(["--workers=5", "--", "cat"])
    let whole = ServeSettings(commandLine: commandLine)
    #expect(whole.pools.map(\.name) == ["default"])
    #expect(whole.pools[0].arguments[Sample.workers] == 5...5)
    #expect(whole.pools[0].command == .commandLine)
  }

  @Test("pools may share a command")
  func sharedCommand() throws {
    let pools = try Sample.read("defaults: {command: [cat, -u]}\npools:\n  small:\n  large: {workers: 9}\n").pools
    #expect(pools.map(\.command) == [.words(["cat", "-u"]), .words(["cat", "-u"])])
  }

  @Test("an empty list takes back what the defaults say")
  func emptyList() throws {
    #expect(
      try Sample.read("defaults: {listen: x, command: cat}\npools: {a: {listen: []}}").pools[0].arguments[Sample.listen]
        == [])
  }

  @Test(
    "YAML's guesses about types play no part: every value is the text that it is",
    arguments: ["no", "null", "~", "1:30", "0x10", "1e3", "007", "2026-01-01", "-5", "true", "Ünïcode"])
  func textsStayTexts(text: String) throws {
    #expect(try Sample.read("command: cat\njoblog: \(text)").pools[0].arguments[Sample.joblog] == text)
    #expect(try Sample.read("command: [\(text), \(text)]").pools[0].command == .words([text, text]))
  }

  @Test(
    "line ends of other systems, a byte order mark, a marked begin and end, comments and block texts are all the same",
    arguments: [
      "command: cat\r\nworkers: 3\r\n", "command: cat\rworkers: 3\r", "\u{FEFF}command: cat\nworkers: 3",
      "---\ncommand: cat\nworkers: 3\n...\n", "%YAML 1.2\n---\ncommand: cat\nworkers: 3\n",
      "# first\n\n{command: cat, # second\n workers: 3}", "command:\n- cat\nworkers: 3",
      "command: |-\n  cat\nworkers: >-\n  3",
      "\"command\": 'cat'\n? workers\n: \"\\x33\"",
    ])
  func writings(text: String) throws {
    let pool = try Sample.read(text).pools[0]
    #expect(pool.arguments[Sample.workers] == 3...3)
    #expect(pool.command == .words(["cat"]))
  }

  @Test("what an option needs may stand on the command line, and the other way round")
  func companionsOfBothSources() throws {
    #expect(try Sample.read("command: cat\nresume: true", "--joblog=x").pools[0].arguments[Sample.resume])
    #expect(try Sample.read("command: cat\njoblog: x", "--resume").pools[0].arguments[Sample.resume])
    #expect(
      try Sample.read("control-mode: 5\npools: {a: {command: cat}}", "--control=x").process[Sample.controlMode] == 5)
    let pools = try Sample.read("defaults: {joblog: x, command: cat}\npools: {a: {resume: true}, b: {}}").pools
    #expect(pools.map { $0.arguments[Sample.resume] } == [true, false])
  }
}
