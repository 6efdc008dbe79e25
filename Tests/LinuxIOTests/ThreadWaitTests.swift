import Glibc
import TestSupport
import Testing

@testable import LinuxIO

/// What single threads do, seen from outside.
@Suite struct ThreadWaitTests {
  /// Waits until all threads of the process are seen doing this: they may still be on their way there.
  private func expect(
    _ script: String, _ wanted: ThreadWait..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try ProcessTableTests.withChild(script) { pid, _ in
      for _ in 0..<6000 {
        if ProcessTable.waits(of: pid) == wanted { return }
        poll(nil, 0, 10)
      }
      Issue.record("\(script): seen was \(ProcessTable.waits(of: pid))", sourceLocation: sourceLocation)
    }
  }

  private func python(_ statement: String) -> String {
    "exec python3 -c 'import os, select, signal, socket, threading, time; print(flush=True); \(statement)'"
  }

  @Test("each way of sleeping is distinguished")
  func ways() throws {
    try expect("echo; exec sleep 60", .sleeps)
    try expect("echo; while :; do :; done", .runs)
    try expect("echo; sleep 60; :", .awaitsChild)
    try expect(python("select.select([], [], [], 60)"), .polls)
    try expect(python("signal.pause()"), .awaitsMessage)
    try expect(python("s = socket.socketpair(); s[0].recv(1)"), .awaitsMessage)
    try expect(python("l = threading.Lock(); l.acquire(); l.acquire()"), .awaitsThread)
    let thread = "threading.Thread(target=signal.sigwait, args=([10],)).start()"
    try expect(python("\(thread); l = threading.Lock(); l.acquire(); l.acquire()"), .awaitsThread, .awaitsMessage)
  }

  @Test("a read names its file, also below a descriptor other than 0")
  func reads() throws {
    let pipe = try Pipe()
    let name = try #require(ProcessTable.nameOfPipe(pipe.readEnd))
    let reader = python("r = os.open(\"/proc/\(getpid())/fd/\(pipe.readEnd)\", 0); os.read(r, 1)")
    try expect(reader, .reads(name))
  }

  @Test("one that is gone does nothing")
  func gone() {
    #expect(ProcessTable.wait(of: 1 << 30, in: 1 << 30) == nil)
    #expect(ProcessTable.waits(of: 1 << 30).isEmpty)
    #expect(ProcessTable.timesRun(1 << 30) == nil)
    #expect(!ProcessTable.isNonBlocking(0, of: 1 << 30))
  }

  @Test("how often a process was given a processor grows only when it runs")
  func timesRun() throws {
    try ProcessTableTests.withChild("echo; exec sleep 60") { pid, _ in
      // It may still be on its way to its sleep.
      for _ in 0..<6000 where ProcessTable.wait(of: pid, in: pid) != .sleeps { poll(nil, 0, 10) }
      // One that is frozen in its sleep with its whole control group, and thawed, was given a processor for that.
      let sleepsOn = inOneOfFiveAttempts {
        let count = ProcessTable.timesRun(pid)
        poll(nil, 0, 50)
        return ProcessTable.timesRun(pid) == count
      }
      #expect(sleepsOn)
      let count = try #require(ProcessTable.timesRun(pid))
      kill(pid, SIGSTOP)
      kill(pid, SIGCONT)
      for _ in 0..<6000 where ProcessTable.timesRun(pid) == count { poll(nil, 0, 10) }
      #expect(try #require(ProcessTable.timesRun(pid)) > count)
    }
  }

  @Test("reads that do not wait are known")
  func nonBlocking() throws {
    let pipe = try Pipe()
    #expect(!ProcessTable.isNonBlocking(pipe.readEnd, of: getpid()))
    try #require(fcntl(pipe.readEnd, F_SETFL, O_NONBLOCK) == 0)
    #expect(ProcessTable.isNonBlocking(pipe.readEnd, of: getpid()))
  }
}
