import Glibc
import Testing

@testable import LinuxIO

/// What a process is doing, seen from outside.
@Suite struct ProcessActivityTests {
  /// Waits until the process is seen doing this: it may still be on its way there.
  private func expect(
    _ pid: pid_t, _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
    _ isSeen: (ProcessActivity) -> Bool
  ) {
    for _ in 0..<6000 {
      if isSeen(ProcessTable.activity(of: pid)) { return }
      poll(nil, 0, 10)
    }
    Issue.record("\(what): seen was \(ProcessTable.activity(of: pid))", sourceLocation: sourceLocation)
  }

  @Test("one that sleeps in a read is distinguished from one that sleeps, and the file is named")
  func reading() throws {
    let pipe = try Pipe()
    let name = try #require(ProcessTable.nameOfPipe(pipe.readEnd))
    #expect(name.hasPrefix("pipe:["))
    #expect(name == ProcessTable.nameOfPipe(pipe.writeEnd))
    try ProcessTableTests.withChild("echo; exec sleep 60") { pid, _ in
      expect(pid, "sleeps") { $0 == .sleeping }
    }
    let script = "cd /tmp && mkfifo $$.fifo && exec 3<>$$.fifo; rm $$.fifo; echo; read -r line <&3"
    try ProcessTableTests.withChild(script) { pid, _ in
      expect(pid, "reads a fifo") { if case .reading(let file) = $0 { file.contains(".fifo") } else { false } }
    }
  }

  @Test("one that was stopped, that runs, that waits for its child, that is gone")
  func otherwise() throws {
    try ProcessTableTests.withChild("echo; kill -STOP $$; sleep 60") { pid, _ in
      expect(pid, "is stopped") { if case .stopped = $0 { true } else { false } }
    }
    try ProcessTableTests.withChild("echo; while :; do :; done") { pid, _ in
      expect(pid, "runs") { $0 == .running }
    }
    let poller = "exec python3 -c 'import select; print(flush=True); select.select([], [], [], 60)'"
    try ProcessTableTests.withChild(poller) { pid, _ in
      expect(pid, "waits for events") { $0 == .waitingForEvents }
    }
    try ProcessTableTests.withChild("echo; sleep 60; :") { pid, _ in
      expect(pid, "waits for a child") { $0 == .waitingForChild }
    }
    #expect(ProcessTable.activity(of: 1 << 30) == .ended)
  }

  @Test("how often a process has waited grows with each wait")
  func sleeps() throws {
    try ProcessTableTests.withChild("echo; sleep 60") { pid, _ in
      #expect(ProcessTable.sleeps(of: pid) != nil)
    }
    let before = try #require(ProcessTable.sleeps(of: ProcessTable.ownPid))
    #expect(ProcessTable.sleeps(of: ProcessTable.ownPid)! >= before)
    #expect(ProcessTable.sleeps(of: 1 << 30) == nil)
  }
}
