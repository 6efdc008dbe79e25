import Glibc
import TestSupport
import Testing
import Time

@testable import LinuxIO

/// What /proc tells, of real processes.
@Suite struct ProcessTableTests {
  /// A shell command as a child of ours, killed and reaped at the end; its first line of output comes to `body`.
  static func withChild(_ script: String, environment: [String] = [], _ body: (pid_t, String) throws -> Void) throws {
    var pipe = try Pipe()
    let silent = try FileDescriptor.open("/dev/null", flags: O_RDWR)
    let words = ["/bin/sh", "-c", script]
    let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    let entries = environment + ["PATH=" + String(cString: getenv("PATH"))]
    let variables: [UnsafeMutablePointer<CChar>?] = entries.map { strdup($0) } + [nil]
    defer { for copy in arguments + variables { free(copy) } }
    let program = try #require(arguments[0])
    let pid = try ChildProcess.spawn(
      SpawnRequest(
        program: program, arguments: arguments, environment: variables, input: silent.rawValue,
        output: pipe.writeEnd, errorOutput: silent.rawValue))
    defer {
      ChildProcess.signalGroup(pid, SIGKILL)
      _ = ChildProcess.end(of: pid, peek: false, block: true)
    }
    _ = pipe.takeWriteEnd()
    var line = ""
    while !line.hasSuffix("\n") {
      let more = take(from: pipe.readEnd, 1)
      try #require(!more.isEmpty, "the script must write a line")
      line += more
    }
    try body(pid, String(line.dropLast()))
  }

  @Test("children and descendants are told, nearest first, and no more than wanted")
  func descendants() throws {
    try Self.withChild("sh -c 'sleep 60 & echo $! $$; wait' & wait") { pid, line in
      let numbers = line.split(separator: " ").compactMap { pid_t($0) }
      #expect(ProcessTable.children(of: pid) == [numbers[1]])
      #expect(ProcessTable.descendants(of: pid, limit: 10) == [numbers[1], numbers[0]])
      #expect(ProcessTable.descendants(of: pid, limit: 1) == [numbers[1]])
      #expect(ProcessTable.descendants(of: numbers[0], limit: 10) == [])
      #expect(ProcessTable.all().contains(pid))
    }
  }

  @Test("the children of every thread are told, not only those of the first")
  func childrenOfThreads() throws {
    let program = """
      import subprocess, sys, threading, time
      def run():
          child = subprocess.Popen(["sleep", "60"])
          print(child.pid, flush=True)
          time.sleep(60)
      threading.Thread(target=run, daemon=True).start()
      time.sleep(60)
      """
    try Self.withChild("exec python3 -c '\(program)'") { pid, line in
      #expect(contents("/proc/\(pid)/task/\(pid)/children") == "", "the first thread has none")
      #expect(ProcessTable.children(of: pid) == [pid_t(line)])
    }
  }

  @Test("more children than one read of the kernel's list gives")
  func manyChildren() throws {
    try Self.withChild("for i in $(seq 900); do sleep 60 & done; echo; wait") { pid, _ in
      let children = ProcessTable.children(of: pid)
      #expect(children.count == 900)
      #expect(Set(children).count == 900)
    }
  }

  @Test("an environment is read as its process was given it, however long, up to the limit")
  func environment() throws {
    let long = "LONG=" + String(repeating: "x", count: 100_000)
    try Self.withChild("echo; sleep 60; :", environment: ["FIRST=1", long, "LAST=a=b"]) { pid, _ in
      let entries = try #require(ProcessTable.environment(of: pid)).split(separator: 0)
        .map { String(decoding: $0, as: UTF8.self) }
      let areThere = Set(entries).isSuperset(of: ["FIRST=1", long, "LAST=a=b"])
      #expect(areThere)
    }
    let tooLong = (0..<4).map { "LONG\($0)=" + String(repeating: "x", count: 100_000) }
    try Self.withChild("echo; sleep 60; :", environment: tooLong) { pid, _ in
      let count = ProcessTable.environment(of: pid)?.count
      #expect(count == ProcessTable.longestEnvironment)
    }
  }

  @Test("a process that is seen in the middle of an exec is looked at again: never half an environment")
  func environmentDuringExec() throws {
    let last = "LAST=" + String(repeating: "y", count: 20_000)
    // A shell that execs itself again and again.
    let script = "[ -n \"$AGAIN\" ] || { export AGAIN=1; echo; }; exec sh -c \"$SCRIPT\""
    try Self.withChild(script, environment: ["SCRIPT=\(script)", last]) { pid, _ in
      var seen = 0
      for _ in 0..<3000 {
        guard let environment = ProcessTable.environment(of: pid), !environment.isEmpty else { continue }
        seen += 1
        let isWhole = environment.last == 0
        #expect(isWhole)
      }
      #expect(seen > 0)
    }
  }

  @Test("nothing is told of a process that is gone, and it cannot be signalled")
  func gone() throws {
    var gone: pid_t = 0
    try Self.withChild("echo; exec sleep 60") { pid, _ in
      gone = pid
      #expect(ProcessTable.exists(pid))
      #expect(ProcessTable.parent(of: pid) == getpid())
    }
    #expect(!ProcessTable.exists(gone))
    #expect(ProcessTable.parent(of: gone) == nil)
    #expect(ProcessTable.children(of: gone) == [])
    #expect(ProcessTable.environment(of: gone) == nil)
    #expect(!ProcessTable.signal(gone, SIGKILL) { _ in true })
  }

  @Test("a signal goes only to whom it is meant for")
  func signalIfMeant() throws {
    try Self.withChild("echo; exec sleep 60") { pid, _ in
      #expect(!ProcessTable.signal(pid, SIGTERM) { _ in false })
      #expect(ChildProcess.end(of: pid, peek: true) == nil)
      #expect(ProcessTable.signal(pid, SIGTERM) { $0 == pid })
      #expect(ChildProcess.end(of: pid, peek: true, block: true) == .killed(SIGTERM, coreDumped: false))
    }
  }

  private func contents(_ path: String) -> String? {
    try? RealFileTree().text(of: path)
  }
}
