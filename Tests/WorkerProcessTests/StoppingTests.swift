import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

/// The stop ladder, one step after the other, on workers that need each of them.
@Suite struct StoppingTests {
  /// Climbs until it is dead; the steps that were needed, and how it ended. `last` is to be enough: it gets all the time
  /// that it needs, while those before it need not be waited for as long.
  private func stop(_ process: inout WorkerProcess, last: StopStep) -> (steps: [StopStep], end: ExitStatus?) {
    var steps: [StopStep] = []
    for step in StopStep.allCases {
      steps.append(step)
      step.apply(to: &process)
      if let status = end(of: &process, within: step == last ? patience : 150) { return (steps, status) }
    }
    return (steps, nil)
  }

  @Test("a good worker goes when its input ends")
  func closeInput() throws {
    var process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
    let (steps, end) = stop(&process, last: .closeInput)
    #expect(steps == [.closeInput])
    #expect(end == .exited(code: 0))
    #expect(process.input == -1)
  }

  @Test("one that does not read goes on SIGTERM")
  func terminate() throws {
    var process = try WorkerProcess.spawn(WorkerCommand(["sleep", "100"]), environment: [])
    let (steps, end) = stop(&process, last: .terminate)
    #expect(steps == [.closeInput, .terminate])
    #expect(end == .killed(signal: SIGTERM, coreDumped: false))
  }

  @Test("one that ignores SIGTERM falls to SIGKILL")
  func kill() throws {
    var process = try start("trap '' TERM; echo up; exec sleep 100")
    #expect(output(of: process.output, until: "up\n") == "up\n")
    let (steps, end) = stop(&process, last: .kill)
    #expect(steps == [.closeInput, .terminate, .kill])
    #expect(end == .killed(signal: SIGKILL, coreDumped: false))
  }

  @Test("a stopped one is woken to take its SIGTERM")
  func stopped() throws {
    var process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
    let pid = process.pid
    Glibc.kill(pid, SIGSTOP)
    #expect(eventually { status(of: pid, "State")?.first == "T" })
    let (steps, end) = stop(&process, last: .terminate)
    #expect(steps == [.closeInput, .terminate])
    // It was asleep in read when it was stopped: once woken it may see the end of its input first.
    #expect(end == .killed(signal: SIGTERM, coreDumped: false) || end == .exited(code: 0))
  }

  @Test("a stopped one that ignores SIGTERM falls to SIGKILL")
  func stoppedAndDeaf() throws {
    var process = try start("trap '' TERM; echo up; kill -STOP $$; exec sleep 100")
    #expect(output(of: process.output, until: "up\n") == "up\n")
    let pid = process.pid
    #expect(eventually { status(of: pid, "State")?.first == "T" })
    let (steps, end) = stop(&process, last: .kill)
    #expect(steps == [.closeInput, .terminate, .kill])
    #expect(end == .killed(signal: SIGKILL, coreDumped: false))
  }

  @Test("the steps reach its descendants, too", arguments: [StopStep.terminate, .kill])
  func descendants(step: StopStep) throws {
    var process = try start("sleep 100 & (sleep 100 & echo $!; wait) & echo $!; wait")
    let text = try #require(twoLines(from: process.output))
    let pids = text.split(separator: "\n").compactMap { CInt($0) }
    #expect(pids.count == 2 && pids.allSatisfy(isAlive))
    step.apply(to: &process)
    #expect(end(of: &process) != nil)
    #expect(eventually { !pids.contains(where: isAlive) })
  }

  @Test("one that moved itself to another process group is reached all the same")
  func strayed() throws {
    // It goes to ours; a signal to that whole group would hit ourselves.
    let script = "$| = 1; setpgrp(0, getpgrp(getppid)); print \"up\\n\"; sleep 1000"
    var process = try WorkerProcess.spawn(WorkerCommand(["perl", "-e", script]), environment: [])
    #expect(output(of: process.output, until: "up\n") == "up\n")
    #expect(getpgid(process.pid) != process.pid)
    let (steps, end) = stop(&process, last: .terminate)
    #expect(steps == [.closeInput, .terminate])
    #expect(end == .killed(signal: SIGTERM, coreDumped: false))
  }

  private func twoLines(from fd: CInt) -> String? {
    guard let first = output(of: fd, until: "\n") else { return nil }
    if first.split(separator: "\n").count == 2 { return first }
    return output(of: fd, until: "\n").map { first + $0 }
  }
}
