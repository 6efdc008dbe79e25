import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

/// Nobody is left behind, and nothing is lost.
@Suite struct ReapingTests {
  @Test("the end of a worker is told once, as it was")
  func statuses() throws {
    for (script, expected) in [
      ("exit 0", ExitStatus.exited(code: 0)), ("exit 3", .exited(code: 3)),
      ("kill -USR1 $$", .killed(signal: SIGUSR1, coreDumped: false)),
    ] {
      var process = try start(script)
      let status = end(of: &process)
      #expect(status == expected)
      let again = process.reap()
      #expect(again == nil)
    }
  }

  @Test("a living one is not reaped, and reaping does not wait")
  func living() throws {
    var process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
    let none = process.reap()
    #expect(none == nil)
    process.closeInput()
    let status = end(of: &process)
    #expect(status == .exited(code: 0))
  }

  @Test("what it wrote before it died is still there, and so is the count of what it did not read")
  func leftovers() throws {
    prepareSignals()
    var process = try start("echo last words; echo why >&2; sleep 100")
    #expect(write(process.input, "0123456789", 10) == 10)
    #expect(output(of: process.errorOutput, until: "why\n") == "why\n")
    #expect(process.unreadInput() == 10)
    process.signalGroup(SIGKILL)
    var entry = pollfd(fd: process.pidfd, events: CShort(POLLIN), revents: 0)
    #expect(poll(&entry, 1, patience) == 1)
    #expect(process.unreadInput() == 10)
    #expect(output(of: process.output) == "last words\n")
    #expect(process.reap() != nil)
    process.closeInput()
    #expect(process.unreadInput() == 0)
  }

  @Test("a grandchild that holds the pipes dies when its worker is reaped")
  func grandchild() throws {
    var process = try start("sleep 100 & echo $!; exit 5")
    let grandchild = try #require(output(of: process.output, until: "\n").flatMap { CInt($0.dropLast()) })
    var entry = pollfd(fd: process.pidfd, events: CShort(POLLIN), revents: 0)
    #expect(poll(&entry, 1, patience) == 1)
    #expect(isAlive(grandchild))
    let status = process.reap()
    #expect(status == .exited(code: 5))
    #expect(output(of: process.output) == "", "the end of its output comes only when nobody holds the pipe")
    #expect(eventually { !isAlive(grandchild) })
  }

  @Test("the number of a reaped worker is not signalled any more")
  func noStraySignals() throws {
    var process = try start("exit 0")
    let status = end(of: &process)
    #expect(status == .exited(code: 0))
    for step in StopStep.allCases { step.apply(to: &process) }
    #expect(process.input == -1)
  }

  @Test("whoever lets go of a living worker has killed and reaped it, with its descendants")
  func letGo() throws {
    var worker: CInt = 0
    var grandchild: CInt = 0
    do {
      let process = try start("trap '' TERM; sleep 100 & echo $!; wait")
      worker = process.pid
      grandchild = try #require(output(of: process.output, until: "\n").flatMap { CInt($0.dropLast()) })
      #expect(isAlive(worker) && isAlive(grandchild))
    }
    let result = kill(worker, 0)
    let code = errno
    #expect(result == -1 && code == ESRCH, "not even a zombie")
    #expect(eventually { !isAlive(grandchild) })
  }

  @Test("letting go of a worker that left its process group does not wait for ever")
  func letGoOfStray() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let script = "$| = 1; setpgrp(0, getpgrp(getppid)); print \"up\\n\"; sleep 1000"
      var worker: CInt = 0
      do {
        let process = try WorkerProcess.spawn(WorkerCommand(["perl", "-e", script]), environment: [])
        #expect(output(of: process.output, until: "up\n") == "up\n")
        worker = process.pid
      }
      #expect(!isAlive(worker))
    }
  }

  @Test("two hundred starts, ends and failures leave no descriptor and no zombie")
  func nothingLeft() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let before = channels()
      for round in 0..<200 {
        if round % 4 == 0 { _ = try? WorkerProcess.spawn(WorkerCommand(["/no/such"]), environment: []).pid }
        var process = try WorkerProcess.spawn(WorkerCommand(["/bin/true"]), environment: [])
        if round % 3 > 0 { process.closeErrorOutput() }
        // Every second one is let go instead, alive or dead.
        if round % 2 == 0 {
          let status = end(of: &process)
          #expect(status == .exited(code: 0))
        }
      }
      #expect(channels() == before)
      #expect(hasNoChild())
    }
  }
}
