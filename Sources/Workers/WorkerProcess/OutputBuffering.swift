import Glibc

/// How to make a program write each reply at once instead of in blocks, by the language that it is written in.
public enum OutputBuffering: String, CaseIterable, Sendable {
  case python = "Python"
  case ruby = "Ruby"
  case perl = "Perl"
  case php = "PHP"
  case node = "Node"
  case java = "Java"
  case go = "Go"
  case lua = "Lua"
  case c = "C, C++"
  case awk = "awk"
  case sed = "sed"
  case grep = "grep"
  case jq = "jq"
  case stdio = "others"
  /// A filter that reads all of its input before it writes anything.
  case wholeInput = "filters"

  /// What to do, in one line.
  public var remedy: String {
    switch self {
    case .python: "print(..., flush=True), or python3 -u"
    case .ruby: "$stdout.sync = true at the start"
    case .perl: "$| = 1 at the start"
    case .php: "echo is not buffered, but what comes after ob_start() is: ob_flush(); flush()"
    case .node: "console.log is not buffered; answer each line (readline, on 'line'), not when stdin ends ('end')"
    case .java: "System.out.println is not buffered; new PrintWriter(System.out, true), or flush() after each reply"
    case .go: "Flush() a bufio.Writer after each reply; fmt.Println is not buffered"
    case .lua: "io.stdout:setvbuf(\"line\") at the start"
    case .c: "setvbuf(stdout, NULL, _IOLBF, 0) at the start, or fflush(stdout) after each reply; in C++ std::endl"
    case .awk: "fflush() after each print; mawk also reads in blocks: mawk -W interactive"
    case .sed: "sed -u"
    case .grep: "grep --line-buffered"
    case .jq: "jq --unbuffered"
    case .stdio: "stdbuf -oL PROGRAM, for one that uses the stdio of C (tr, cut, uniq)"
    case .wholeInput: "sort, wc, tac and the like want all of their input first: they cannot be workers"
    }
  }

  /// What to do, after the name of the language, if the name is not part of it already.
  public var sentence: String {
    switch self {
    case .python, .ruby, .perl, .php, .node, .java, .go, .lua, .c, .awk: "\(rawValue): \(remedy)"
    case .sed, .grep, .jq, .stdio, .wholeInput: remedy
    }
  }

  /// Those that fit the program of a command, as its name or its `#!` line shows; all of them if that is not known.
  public static func fitting(_ command: WorkerCommand, _ surroundings: WorkerSurroundings) -> [OutputBuffering] {
    let directory = surroundings.directory.map { String(decoding: $0, as: UTF8.self) }
    let words = command.arguments
    let firstLine = programCandidates(words[0], in: directory).lazy.compactMap(firstLine).first
    return fitting(words, firstLine: firstLine)
  }

  /// The same, from the words of the command and the first line of the program's file, if it has one.
  static func fitting(_ words: [String], firstLine: String?) -> [OutputBuffering] {
    var found = known(in: words)
    if found.isEmpty, let firstLine, firstLine.hasPrefix("#!") {
      found = known(in: firstLine.dropFirst(2).split { $0 == " " || $0 == "\t" }.map(String.init))
    }
    return found.isEmpty ? allCases : found
  }

  /// The program itself, or what it starts if it is a shell or a program that does no more than start another.
  private static func known(in words: [String]) -> [OutputBuffering] {
    guard let first = words.first else { return [] }
    if let language = language(of: first) { return [language] }
    guard starters.contains(baseName(first)) else { return [] }
    let separators: Set<Character> = [" ", "\t", "\n", ";", "|", "&", "(", ")", "'", "\"", "`"]
    let candidates = words.dropFirst().flatMap { $0.split { separators.contains($0) }.map(String.init) }
    var found: [OutputBuffering] = []
    for case let language? in candidates.map(language) where !found.contains(language) { found.append(language) }
    return found
  }

  private static let starters: Set<String> = [
    "sh", "bash", "dash", "zsh", "ksh", "busybox", "env", "nice", "ionice", "nohup", "setsid", "stdbuf", "taskset",
    "timeout", "sudo", "chrt", "numactl", "strace",
  ]

  private static func language(of program: String) -> OutputBuffering? {
    switch baseName(program) {
    case "python", "pypy": .python
    case "ruby", "jruby": .ruby
    case "perl": .perl
    case "php": .php
    case "node", "nodejs", "deno", "bun": .node
    case "java": .java
    case "go": .go
    case "lua", "luajit": .lua
    case "awk", "gawk", "mawk", "nawk", "original-awk": .awk
    case "sed", "gsed": .sed
    case "grep", "egrep", "fgrep", "rg": .grep
    case "jq": .jq
    case "tr", "cut", "uniq", "paste", "rev", "fold", "expand", "iconv", "column", "nl": .stdio
    case "sort", "wc", "tac", "tail", "shuf", "md5sum", "sha256sum": .wholeInput
    default: nil
    }
  }

  /// The name without its folder and its version: `/usr/bin/python3.11` is `python`; but `md5sum` stays.
  private static func baseName(_ program: String) -> String {
    let name = program.split(separator: "/").last.map(String.init) ?? program
    let stem = String(name.reversed().drop { $0.isNumber || $0 == "." || $0 == "-" }.reversed())
    return stem.isEmpty ? name : stem
  }

  /// The first line of a regular file, up to 255 bytes of it; nil if there is none that we may read.
  private static func firstLine(of path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var bytes = [UInt8](repeating: 0, count: 255)
    let count = read(file, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self) : nil
  }
}
