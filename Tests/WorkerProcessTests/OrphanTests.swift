import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Real orphans. Whoever becomes a subreaper and reaps strangers does it in a process of its own: in this one it would
/// take the children of the tests beside it.
@Suite struct OrphanTests {
  @Test(
    "an orphan that left its group stays with its living worker, goes with a dead one, and leaves no zombie (lesson 5, roadrunner #2384)"
  )
  func orphanOfWorker() async {
    await #expect(processExitsWith: .success) {
      var family = try Family()
      var worker = try family.startWorker(1, "\(Family.daemon("exec sleep 60")); read job")
      let daemon = try family.number(from: worker)
      #expect(
        eventually { family.children.contains(daemon) && Family.isSleeping(daemon) },
        "it has lost its parent, and is ours")

      let living = Orphans.Census(known: [worker.pid], liveWorkers: [1])
      #expect(family.orphans.sweepChildren(living).killed == [])
      #expect(isAlive(daemon))

      worker.closeInput()
      #expect(end(of: &worker) != nil)
      #expect(isAlive(daemon), "the stop ladder does not reach it")
      let rounds = family.sweepUntilNothingIsLeft()
      #expect(rounds.killed == [daemon])
      #expect(rounds.reaped == [daemon])
      #expect(family.children == [], "no process and no zombie")
    }
  }

  @Test("a worker's children that are orphaned by the sweep itself are found by the next one")
  func orphansOfOrphans() async {
    await #expect(processExitsWith: .success) {
      var family = try Family()
      // Each in a session of its own, so that killing one reaches none of the others.
      let nest = "setsid sh -c \"echo \\$\\$; setsid sleep 60 & wait\" & wait"
      var worker = try family.startWorker(1, "\(Family.daemon(nest)); exit 0")
      _ = try family.number(from: worker)
      #expect(end(of: &worker) == .exited(code: 0))
      #expect(eventually { ProcessTable.descendants(of: getpid(), limit: 10).count >= 3 })
      let rounds = family.sweepUntilNothingIsLeft()
      #expect(rounds.killed.count >= 3)
      #expect(Set(rounds.killed) == Set(rounds.reaped))
    }
  }

  @Test(
    "dead strangers are reaped; a dead worker's status is left to its owner, and does not hide them (lesson 5, roadrunner #2384)"
  )
  func strangers() async {
    await #expect(processExitsWith: .success) {
      var family = try Family()
      var worker = try family.startWorker(1, "(sleep 0.1 &) ; (sleep 0.2 &) ; exit 7")
      #expect(eventually { ChildProcess.end(of: worker.pid, peek: true) != nil }, "the worker is a zombie first")
      #expect(eventually { family.children.count == 3 })
      // It is not reaped yet, so what it left is not killed.
      let census = Orphans.Census(known: [worker.pid], liveWorkers: [1])
      var reaped: [CInt] = []
      #expect(
        eventually {
          reaped += family.orphans.sweepChildren(census).reaped
          return family.children == [worker.pid]
        })
      #expect(reaped.count == 2)
      #expect(family.orphans.sweepChildren(census) == Orphans.Sweep())
      let status = worker.reap()
      #expect(status == .exited(code: 7))
    }
  }

  @Test("one who hides where it comes from is reported, and killed when everything goes")
  func hidden() async {
    await #expect(processExitsWith: .success) {
      var family = try Family()
      var worker = try family.startWorker(1, "\(Family.daemon("exec env -i sleep 60")); exit 0")
      let daemon = try family.number(from: worker)
      #expect(end(of: &worker) == .exited(code: 0))
      #expect(eventually { family.children == [daemon] && ProcessTable.environment(of: daemon) == [] })
      let now = family.orphans.sweepChildren(Orphans.Census(known: [], liveWorkers: []))
      #expect(now == sweep(unknown: [daemon]))
      #expect(family.sweepUntilNothingIsLeft().killed == [daemon])
    }
  }

  @Test("what was our child before the pool is not killed, but reaped when it has died")
  func inherited() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      try ProcessTable.becomeSubreaper()
      // Not by our own means: those whom we start ourselves have owners who reap them.
      var earlier: pid_t = 0
      var words: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
      #expect(posix_spawnp(&earlier, "sleep", nil, nil, &words, nil) == 0)
      var orphans = Orphans(cookie: .random())
      let all = Orphans.Census(known: [], liveWorkers: [], everythingGoes: true)
      #expect(orphans.sweepChildren(all) == Orphans.Sweep())
      #expect(isAlive(earlier))
      kill(earlier, SIGKILL)
      #expect(eventually { orphans.sweepChildren(all).reaped == [earlier] })
    }
  }

  @Test(
    "where we are no subreaper, orphans are found among all processes; those of other pools and living workers are not touched"
  )
  func everywhere() throws {
    let cookie = PoolCookie.random()
    let orphans = Orphans(cookie: cookie, inherited: [])
    func startDaemon(_ cookie: PoolCookie, _ serial: Int) throws -> CInt {
      let environment = [(PoolCookie.variable, cookie.text), (PoolCookie.workerVariable, "\(serial)")]
      var worker = try start("\(Family.daemon("exec sleep 60")); exit 0", environment: environment)
      let daemon = try #require(CInt(output(of: worker.output, until: "\n")?.dropLast() ?? ""))
      #expect(end(of: &worker) == .exited(code: 0))
      #expect(eventually { Family.isSleeping(daemon) })
      return daemon
    }
    let ofGone = try startDaemon(cookie, 1)
    let ofLiving = try startDaemon(cookie, 2)
    let ofAnother = try startDaemon(.random(), 1)
    defer { kill(ofAnother, SIGKILL) }

    let living = Orphans.Census(known: [], liveWorkers: [2])
    #expect(orphans.sweepEverywhere(living).killed == [ofGone])
    #expect(eventually { !isAlive(ofGone) })
    #expect(orphans.sweepEverywhere(living) == Orphans.Sweep(), "a zombie, which init is to reap, is nothing to kill")
    #expect(isAlive(ofLiving))
    let ending = Orphans.Census(known: [], liveWorkers: [2], everythingGoes: true)
    #expect(orphans.sweepEverywhere(ending).killed == [ofLiving])
    #expect(eventually { !isAlive(ofLiving) })
    #expect(isAlive(ofAnother))
  }
}

/// Us as a subreaper with a pool; only for a process of its own.
struct Family {
  let cookie = PoolCookie.random()
  var orphans: Orphans

  init() throws {
    endAfterSeconds()
    try ProcessTable.becomeSubreaper()
    orphans = Orphans(cookie: cookie)
  }

  /// A line of sh that starts a daemon in a session of its own, which writes its pid and then does `action`.
  static func daemon(_ action: String) -> String { "(setsid sh -c 'echo $$; \(action)' &)" }

  /// Whether it has become what it execs: before that it cannot be recognised for a moment.
  static func isSleeping(_ daemon: CInt) -> Bool {
    status(of: daemon, "Name") == "sleep" && ProcessTable.environment(of: daemon) != []
  }

  func startWorker(_ serial: Int, _ script: String) throws -> WorkerProcess {
    try start(
      script, environment: [(PoolCookie.variable, cookie.text), (PoolCookie.workerVariable, "\(serial)")])
  }

  /// The first line that it writes, as a pid.
  func number(from worker: borrowing WorkerProcess) throws -> CInt {
    let lines = output(of: worker.output, until: "\n") ?? ""
    return try #require(CInt(lines.prefix { $0 != "\n" }))
  }

  /// All our children, zombies included.
  var children: [CInt] { ProcessTable.children(of: getpid()) }

  /// What the end of a pool does.
  mutating func sweepUntilNothingIsLeft() -> Orphans.Sweep {
    var all = Orphans.Sweep()
    let census = Orphans.Census(known: [], liveWorkers: [], everythingGoes: true)
    #expect(
      eventually {
        let sweep = orphans.sweepChildren(census)
        all.reaped += sweep.reaped
        all.killed += sweep.killed.filter { !all.killed.contains($0) }
        return children.isEmpty
      })
    return all
  }
}

private func sweep(unknown: [CInt]) -> Orphans.Sweep {
  var sweep = Orphans.Sweep()
  sweep.unknown = unknown
  return sweep
}
