import CTestSupport
import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

/// A worker says itself in which surroundings it runs.
@Suite struct SurroundingsTests {
  @Test("it starts in the directory that it was given, byte for byte, and a relative program is looked for from there")
  func directory() throws {
    try withFile("#!/bin/sh\npwd -P\n", mode: 0o755) { path in
      let folder = Array(path.utf8.dropLast("/worker".utf8.count))
      let odd = folder + Array("/\u{1} ".utf8) + [0xFF]
      try #require(mkdir((odd + [0]).map(CChar.init(bitPattern:)), 0o700) == 0)
      defer { rmdir((odd + [0]).map(CChar.init(bitPattern:))) }
      #expect(try answer("pwd -P", .with { $0.directory = Array("/usr".utf8) }) == "/usr\n")
      #expect(
        try answer("stat -c %i .", .with { $0.directory = odd })
          == answer("stat -c %i \"$(printf '\(shown(odd))')\"", .with { _ in }))
      var relative = try WorkerProcess.spawn(
        WorkerCommand(["./worker"]), environment: [], surroundings: .with { $0.directory = folder })
      #expect(output(of: relative.output) == "\(String(decoding: folder, as: UTF8.self))\n")
      #expect(end(of: &relative) == .exited(code: 0))
    }
  }

  /// For the printf of sh.
  private func shown(_ path: [UInt8]) -> String { path.map { "\\" + String($0, radix: 8) }.joined() }

  @Test("its niceness is added to ours")
  func niceness() throws {
    let ours = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
    #expect(try answer("nice", .with { $0.niceness = 5 }) == "\(min(19, ours + 5))\n")
    #expect(try answer("nice", .with { $0.niceness = 39 }) == "19\n")
  }

  @Test("its limits are those that it was given", arguments: ResourceLimit.Resource.allCases)
  func limits(resource: ResourceLimit.Resource) throws {
    // Not so low that a program could not start, nor above what anybody may have.
    let lowered: (soft: UInt64, hard: UInt64) =
      switch resource {
      case .as, .data, .stack: (1 << 30, 1 << 31)
      case .nice, .rtprio, .core, .memlock, .msgqueue, .rss: (0, 0)
      case .nproc, .sigpending: (1000, 1001)
      default: (20, 21)
      }
    let limit = ResourceLimit(resource, soft: lowered.soft, hard: lowered.hard)
    let lines = try answer("cat /proc/self/limits", .with { $0.limits = [limit] })
    let names: [ResourceLimit.Resource: String] = [
      .as: "address space", .core: "core file size", .cpu: "cpu time", .data: "data size", .fsize: "file size",
      .locks: "file locks", .memlock: "locked memory", .msgqueue: "msgqueue size", .nice: "nice priority",
      .nofile: "open files", .nproc: "processes", .rss: "resident set", .rtprio: "realtime priority",
      .rttime: "realtime timeout", .sigpending: "pending signals", .stack: "stack size",
    ]
    let name = "Max \(try #require(names[resource])) "
    let line = try #require(lines.split(separator: "\n").first { $0.hasPrefix(name) })
    let values = line.dropFirst(name.count).split(separator: " ").prefix(2)
    #expect(values.map(String.init) == ["\(lowered.soft)", "\(lowered.hard)"])
  }

  @Test("a low limit on descriptors does not hinder the start")
  func fewDescriptors() throws {
    let surroundings = WorkerSurroundings.with { $0.limits = [ResourceLimit(.nofile, soft: 0, hard: 3)] }
    var process = try WorkerProcess.spawn(WorkerCommand(["true"]), environment: [], surroundings: surroundings)
    let status = end(of: &process)
    // The dynamic linker finds that it can open nothing.
    #expect(status == .exited(code: 127))
  }

  @Test("our own environment, what is added to it, and over all that what the pool says")
  func environment() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      for name in ["KEPT", "CHANGED"] { setenv(name, "old", 1) }
      let surroundings = WorkerSurroundings.with {
        $0.environment = [
          EnvironmentVariable("CHANGED", "new"), EnvironmentVariable("TWICE", "first"),
          EnvironmentVariable("PREFORK_SLOT", "ours"), EnvironmentVariable("TWICE", "last"),
        ]
      }
      let lines = try answer("env", environment: [("PREFORK_SLOT", "3")], surroundings).split(separator: "\n")
      let names = ["KEPT", "CHANGED", "TWICE", "PREFORK_SLOT"]
      let relevant = lines.filter { line in names.contains { line.hasPrefix("\($0)=") } }
      #expect(relevant.sorted() == ["CHANGED=new", "KEPT=old", "PREFORK_SLOT=3", "TWICE=last"])
    }
  }

  @Test("a cleared environment holds only what was given, byte for byte; the program is still found in our PATH")
  func clearedEnvironment() throws {
    let variable = try #require(EnvironmentVariable(parsing: Array("BYTES=a=".utf8) + [0xFF]))
    let surroundings = WorkerSurroundings.with {
      $0.clearsEnvironment = true
      $0.environment = [variable]
    }
    var process = try WorkerProcess.spawn(
      WorkerCommand(["env", "-0"]), environment: [("PREFORK_SLOT", "3")], surroundings: surroundings)
    var buffer = [UInt8](repeating: 0, count: 100)
    #expect(end(of: &process) == .exited(code: 0))
    let count = read(process.output, &buffer, buffer.count)
    #expect(Array(buffer.prefix(count)) == Array("BYTES=a=".utf8) + [0xFF, 0] + Array("PREFORK_SLOT=3\0".utf8))
  }

  @Test("a variable is read from NAME=VALUE, and from nothing else")
  func variables() {
    #expect(EnvironmentVariable(parsing: Array("A=".utf8)) == EnvironmentVariable("A", ""))
    #expect(EnvironmentVariable(parsing: Array("A=b=c".utf8)) == EnvironmentVariable("A", "b=c"))
    for wrong in ["", "A", "=", "=b"] { #expect(EnvironmentVariable(parsing: Array(wrong.utf8)) == nil) }
  }

  @Test("an inherited stderr is ours, and there is nothing for us to read")
  func inheritedErrorOutput() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      endAfterSeconds()
      var process = try WorkerProcess.spawn(
        WorkerCommand(["/bin/sh", "-c", "echo from the worker >&2"]), environment: [], errorOutput: .inherited)
      #expect(process.errorOutput == -1)
      #expect(end(of: &process) == .exited(code: 0))
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("from the worker\n"))
  }
}
