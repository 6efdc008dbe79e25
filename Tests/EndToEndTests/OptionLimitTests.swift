import Glibc
import TestSupport
import Testing

@testable import CommandLineKit
@testable import prefork

/// No value that an option accepts may trap or hang us: every option that takes a number of any kind is tried at both
/// ends of what its declaration accepts.
@Suite struct OptionLimitTests {
  /// Options whose values are words: there are no ends to try.
  private static let words: Set = [
    "FILE", "DIR", "ADDRESS", "NAME", "NAME=VALUE", "NAME[:GROUP]", "TEXT", "TEXT[=REPLY]", "USER", "GROUP", "MODE",
    "prefix|inherit|FILE", "none|notify|line[=TEXT]|probe|message",
    "lines|nul|length4|netstring|jsonrpc|mcp|bazel-json|bazel-proto",
    "lines|nul|records", "lines|nul|records|text", "psql|sqlite3|python|node|bc|exiftool|gnuplot|octave|R|gdb|sh",
    "REGEX",
    "key", "lifo|fifo", "wait|refuse", "auto|always|never", "newline|content-length", "JSON",
    "lines|nul|length4|netstring", "text|json", "message|signal=NAME", "finish|cancel",
  ]

  /// What makes an option with a requirement mean something.
  private static let companions = [
    "probe-interval": "--probe a=a", "reconnect-timeout": "--reconnect 1ms..2ms", "jobs": "--stop-timeout 1s",
    "concurrency": "--protocol bazel-json", "cancel-grace": "--protocol bazel-json",
    "stderr-grace": "--fail-on-stderr x", "batch-wait": "--batch 1", "batch-bytes": "--batch 2",
  ]
  /// The same as settings.
  private static let companionSettings = [
    "probe-interval": "probe: a=a", "concurrency": "protocol: bazel-json",
    "cancel-grace": "protocol: bazel-json", "stderr-grace": "fail-on-stderr: x", "batch-wait": "batch: 1",
    "batch-bytes": "batch: 2",
  ]

  @Test("run works at both ends of every option")
  func run() throws {
    for option in RunOptions.command.options {
      for value in ends(of: option) {
        let line =
          "prefork run \(option.key == "workers" ? "" : "-w 1") \(words(option, value)) -- \(worker(for: option))"
        let result = try shell(line, input: "1\n2\n3\n", seconds: 240)
        // Tiny limits make jobs fail, which is what they are for.
        let legal: Set<Int32> = isSmall(option, value) ? [0, 1, 69, 75, 76] : [0]
        #expect(legal.contains(result.status), "\(line): \(result.status) \(result.errors.suffix(300))")
      }
    }
  }

  @Test("check works at both ends of every option")
  func check() throws {
    // Ten million jobs are legal, and take minutes.
    for option in CheckOptions.command.options where option.key != "jobs" {
      for value in ends(of: option) {
        let line = "prefork check --jobs 2 \(words(option, value)) -- \(worker(for: option))"
        let result = try shell(line, seconds: 240)
        let legal: Set<Int32> = isSmall(option, value) ? [0, 1, 69, 76] : [0]
        #expect(legal.contains(result.status), "\(line): \(result.status) \(result.errors.suffix(300))")
      }
    }
  }

  @Test("submit works at both ends of every option")
  func submit() throws {
    let server = try Server("-w 1", seconds: 600)
    for option in SubmitOptions.command.options {
      for value in ends(of: option) {
        let line = "prefork submit \(words(option, value)) \(server.socket)"
        let result = try shell(line, input: "1\n2\n3\n", seconds: 240)
        let legal: Set<Int32> = isSmall(option, value) ? [0, 1, 69, 75, 76] : [0]
        #expect(legal.contains(result.status), "\(line): \(result.status) \(result.errors.suffix(300))")
      }
    }
    #expect(server.stop().status == 0)
  }

  @Test("scale, jobs and cancel work at both ends of what they take")
  func control() throws {
    let server = try Server("-w 1")
    for command in ["jobs -n 1", "jobs -n 1000", "scale", "cancel"] {
      let values =
        switch command {
        case "scale": ["0..1", "0..10000"]
        case "cancel": ["1", "18446744073709551615"]
        default: [""]
        }
      for value in values {
        let parts = command.split(separator: " ", maxSplits: 1).map(String.init)
        let result = try server.control(parts[0], parts.count > 1 ? parts[1] : value)
        #expect(result.status == (command == "cancel" ? 1 : 0), "\(command) \(value): \(result.errors)")
      }
    }
    let client = try server.connect()
    client.send("x\n")
    #expect(client.next() == "x")
    #expect(server.stop().status == 0)
  }

  @Test("a running server takes both ends of every option by a reload, for each pool, and goes on serving")
  func reload() throws {
    var text = "control: unix:DIR/control\ndefaults: {workers: 1}\npools:\n  a: {listen: unix:DIR/a, command: cat}\n"
    let server = try ConfiguredServer(text, seconds: 600)
    var pools: [(name: String, reply: String, isSmall: Bool)] = []
    let skipped: Set = ["drain-timeout", "listen", "config"]
    for option in ServeOptions.command.options where !skipped.contains(option.key) {
      for value in ends(of: option) {
        let name = "p\(pools.count)"
        let command = Self.isOfMessages(option) ? "[sh, -c, cat]" : Self.isOfBatches(option) ? Self.batched : "cat"
        let companion = Self.companionSettings[option.key].map { ", \($0)" } ?? ""
        text += "  \(name): {listen: unix:DIR/\(name), command: \(command), \(option.key): '\(value)'\(companion)}\n"
        // A work request that comes back is a response without an output.
        let reply = Self.isOfMessages(option) ? "" : Self.isOfBatches(option) ? "X" : "x"
        pools.append((name, reply, isSmall(option, value)))
      }
    }
    server.write(text)
    // `prefork reload` would give up waiting where a hundred new pools take longer.
    server.session.signal(SIGHUP)
    server.session.wait(for: "all pools") { pools.allSatisfy { access("\(server.folder)/\($0.name)", F_OK) == 0 } }
    for (name, expected, isSmall) in pools {
      let reply = try server.ask(name, "x")
      #expect(reply == expected || isSmall && reply == "", "\(name): \(reply) \(text)")
    }
    // What an old worker or connection has may meet what the new ones get.
    server.write(text.replacing("command: cat", with: "command: [cat, -u]"))
    server.session.signal(SIGHUP)
    server.session.wait(for: "all to be replaced") {
      !server.session.workers.contains { (try? contents(of: "/proc/\($0)/cmdline")) == "cat\0" }
    }
    #expect(try server.ask("a", "y") == "y")
    let result = server.stop()
    #expect(result.status == 0 && !result.errors.contains("was not reloaded"), "\(result.errors)")
  }

  @Test("serve works at both ends of every option of the process", arguments: ["1ms", "106751d"])
  func process(limit: String) throws {
    let server = try Server("-w 1 --drain-timeout \(limit)")
    let client = try server.connect()
    client.send("x\n")
    #expect(client.next() == "x")
    #expect([0, 1].contains(server.stop().status))
  }

  // MARK: Ends

  private func words(_ option: OptionDeclaration, _ value: String) -> String {
    (Self.companions[option.key].map { $0 + " " } ?? "") + "--\(option.key)='\(value)'"
  }

  /// `cat`, without the argument that makes a worker a persistent one.
  private func worker(for option: OptionDeclaration) -> String {
    Self.isOfMessages(option) ? "sh -c cat" : Self.isOfBatches(option) ? Self.batched : "cat"
  }

  private static let batched = "workers/examples/batched_upper.py"

  /// Whether its worker is sent the number of jobs before them.
  private static func isOfBatches(_ option: OptionDeclaration) -> Bool { option.key.hasPrefix("batch") }

  /// Whether it needs a protocol of messages.
  private static func isOfMessages(_ option: OptionDeclaration) -> Bool {
    ["concurrency", "cancel-grace"].contains(option.key)
  }

  /// Whether jobs may fail at this value.
  private func isSmall(_ option: OptionDeclaration, _ value: String) -> Bool {
    value != ends(of: option).last
  }

  /// The smallest and the largest text that an option accepts; none if its values are words. An option whose kind is
  /// not known here fails the test: it must be tried, too.
  private func ends(of option: OptionDeclaration) -> [String] {
    guard let placeholder = option.placeholder, !Self.words.contains(placeholder) else { return [] }
    func isLegal(_ text: String) -> Bool {
      (try? option.check([OptionUse(spelling: 0, text: text)])) != nil
    }
    let numbers = [smallest(isLegal).map { "\($0)" }, largest(isLegal).map { "\($0)" }].compactMap(\.self)
    switch placeholder {
    case "N", "SIZE": return numbers
    case "auto|N": return ["auto"] + numbers
    case "DUR": return [smallestDuration(isLegal), largestDuration(isLegal)].map(duration)
    case "DUR|N%": return [duration(smallestDuration(isLegal)), "1%", "1000000%", duration(largestDuration(isLegal))]
    case "PERCENT": return ["0", "100%"]
    case "N|MIN..MAX":
      let most = largest(isLegal) ?? 1
      // As many at once as that would be another test: of the machine.
      return ["\(smallest(isLegal) ?? 1)", "0..\(most)"]
    case "N/DUR":
      let most = largest { isLegal("\($0)/1s") } ?? 1
      let shortest = duration(smallestDuration { isLegal("1/\($0)") })
      let longest = duration(largestDuration { isLegal("1/\($0)") })
      return ["1/\(shortest)", "\(most)/\(shortest)", "1/\(longest)", "\(most)/\(longest)"]
    case "MIN..MAX", "MIN[..MAX]":
      let shortest = duration(smallestDuration { isLegal("\($0)..\($0)") })
      let longest = duration(largestDuration { isLegal("\($0)..\($0)") })
      return ["\(shortest)..\(shortest)", "\(longest)..\(longest)", "\(shortest)..\(longest)"]
    case "never|now,fail=N[%]|soon,fail=N[%]":
      let most = largest { isLegal("now,fail=\($0)") } ?? 1
      return ["now,fail=1", "soon,fail=100%", "now,fail=\(most)", "soon,fail=\(most)"]
    default:
      Issue.record("--\(option.key) takes \(placeholder), and no test knows its ends")
      return []
    }
  }

  private func smallest(_ isLegal: (String) -> Bool) -> Int? { (-100...100_000).first { isLegal("\($0)") } }

  /// By halves: from some legal number on, all are legal up to the largest.
  private func largest(_ isLegal: (String) -> Bool) -> UInt64? {
    guard var legal = (UInt64(0)...100_000).first(where: { isLegal("\($0)") }) else { return nil }
    if isLegal("\(UInt64.max)") { return .max }
    var illegal = UInt64.max
    while illegal - legal > 1 {
      let middle = legal + (illegal - legal) / 2
      if isLegal("\(middle)") { legal = middle } else { illegal = middle }
    }
    return legal
  }

  private func smallestDuration(_ isLegal: (String) -> Bool) -> UInt64 {
    [0, 1, 1000, 1_000_000, 1_000_000_000].first { isLegal(duration($0)) } ?? 0
  }

  private func largestDuration(_ isLegal: (String) -> Bool) -> UInt64 {
    var (legal, illegal) = (UInt64(1_000_000_000), UInt64.max)
    while illegal - legal > 1 {
      let middle = legal + (illegal - legal) / 2
      if isLegal(duration(middle)) { legal = middle } else { illegal = middle }
    }
    return legal
  }

  /// Nanoseconds as a decimal number of seconds.
  private func duration(_ nanoseconds: UInt64) -> String {
    let digits = "\(nanoseconds % 1_000_000_000)"
    return "\(nanoseconds / 1_000_000_000).\(String(repeating: "0", count: 9 - digits.count))\(digits)"
  }
}
