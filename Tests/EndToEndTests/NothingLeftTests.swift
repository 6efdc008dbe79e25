import Glibc
import Testing

/// Whatever a worker begets, nothing of it survives: not its own end, not ours. `finish` looks for what is left, by the
/// environment of the session.
@Suite struct NothingLeftTests {
  static let breeds = "workers/faulty/breeds.py"
  static let kinds = ["child", "session", "daemon", "family", "stubborn child session daemon", "stopped session"]

  @Test(arguments: kinds)
  func atTheEndOfTheRun(_ kind: String) throws {
    let jobs = kind.contains("stopped") ? "" : "a\n"
    let result = try shell("prefork run -w 2 --stop-timeout 1s -- \(Self.breeds) \(kind)", input: jobs)
    #expect(result == ShellResult(output: jobs, status: 0, errors: result.errors), "\(result.errors)")
  }

  @Test(arguments: kinds)
  func whenAWorkerIsRecycled(_ kind: String) throws {
    let session = try Session("exec prefork run -w 1 --stop-timeout 1s --surge 0 -- \(Self.breeds) \(kind)")
    let old = try family(of: session, kind)
    session.signal(SIGHUP)
    session.wait(for: "all of the old ones to be gone") { old.allSatisfy { kill($0, 0) != 0 } }
    #expect(session.finish().status == 0)
  }

  @Test(arguments: kinds)
  func whenAWorkerIsKilled(_ kind: String) throws {
    let session = try Session("exec prefork run -w 1 --stop-timeout 1s -- \(Self.breeds) \(kind)")
    let old = try family(of: session, kind)
    let worker = try #require(session.workers.first { getpgid($0) == $0 && old.contains($0) })
    kill(worker, SIGKILL)
    session.wait(for: "all of the old ones to be gone") { old.allSatisfy { kill($0, 0) != 0 } }
    #expect(session.finish().status == 0)
  }

  /// One that has left the process group and wiped its environment: only a control group holds it. That of the pool is
  /// killed when prefork ends, in whatever way.
  @Test(
    .enabled(if: try workersHaveGroups(), "needs a cgroup v2 hierarchy in which we may make groups"),
    arguments: [SIGTERM, SIGKILL])
  func whatHidesDiesWithPrefork(signal: CInt) throws {
    // It answers when that one has got away: before, it would die with the group of the worker.
    let hides = """
      read -r job; setsid env -i sleep 60 >/dev/null 2>&1 &
      until read -r name </proc/$!/comm && [ $name = sleep ]; do :; done
      echo $!; read -r end
      """
    let session = try Session("exec prefork run -w 2 --max-jobs 1 --quiet -- sh -c '\(hides)'")
    let hidden = try (1...3).map { try #require(session.ask("\($0)", times: 1).first.flatMap { pid_t($0) }) }
    let group = try ownGroup(of: session.pid)
    #expect(try hidden.allSatisfy { try ownGroup(of: $0) == group }, "born there")
    session.signal(signal)
    session.wait(for: "the death of all") { hidden.allSatisfy { kill($0, 0) != 0 } }
    _ = session.finish()
    for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] { #expect(access(root + group, F_OK) != 0) }
  }

  /// In the middle of a job, too, and with the worker's stdin still being read: the kernel kills the workers with us,
  /// and the guard their groups and descendants.
  @Test(arguments: kinds + ["busy"])
  func whenPreforkItselfIsKilled(_ kind: String) throws {
    let worker = kind == "busy" ? "sh -c 'read -r job; echo begun >&2; sleep 300 & wait'" : "\(Self.breeds) \(kind)"
    let session = try Session("exec prefork run -w 2 --stop-timeout 1h -- \(worker)")
    session.send("a\nb\n")
    if kind == "busy" {
      session.waitForError("begun")
    } else if !kind.contains("stopped") {
      #expect(session.nextLine() == "a")
    } else {
      session.wait(for: "two stopped workers") { stopped(of: session).count == 2 }
    }
    session.signal(SIGKILL)
    session.wait(for: "the end of all, and not for --stop-timeout") {
      session.hasEnded() && processes(with: session.cookie).isEmpty
    }
    #expect(session.finish().status == 128 + SIGKILL)
  }

  /// What is not enforced any more is said, and the work goes on.
  @Test func theDeathOfTheGuardIsSaid() throws {
    let session = try Session("exec prefork run -w 1 -- cat")
    #expect(session.ask("a", times: 1) == ["a"])
    let guardian = try #require(
      children(of: session.pid).first { (try? contents(of: "/proc/\($0.pid)/comm")) == "worker-guard\n" })
    kill(guardian.pid, SIGKILL)
    session.waitForError("the guard (worker-guard, pid \(guardian.pid)) was killed: workers and their descendants")
    session.wait(for: "no zombie") { children(of: session.pid).allSatisfy { $0.state != "Z" } }
    #expect(session.ask("b", times: 1) == ["b"])
    #expect(session.finish().status == 0)
  }

  /// Lesson 5 (roadrunner #2384): no zombies, neither of workers nor of those that they leave to us.
  @Test func lesson5OrphansAreReaped() throws {
    let session = try Session("exec prefork run -w 1 -- sh -c 'while read -r job; do (sleep 0.05 &); echo $job; done'")
    for number in 1...20 { #expect(session.ask("\(number)", times: 1) == ["\(number)"]) }
    session.wait(for: "no zombie and no orphan") {
      children(of: session.pid).allSatisfy { $0.state != "Z" } && children(of: session.pid).count <= 2
    }
    #expect(session.finish().status == 0)
  }

  /// An orphan of a worker that lives is that worker's business, whoever else dies.
  @Test func whatALivingWorkerStartedIsLeftAlone() throws {
    let session = try Session("exec prefork run -w 1 -- sh -c '\(Self.breeds) daemon'")
    #expect(session.ask("a", times: 1) == ["a"])
    let family = Set(processes(with: session.cookie, named: "python3"))
    #expect(family.count == 2, "the worker and its daemon")
    session.wait(for: "a moment") { pause(0.3) }
    #expect(Set(processes(with: session.cookie, named: "python3")) == family)
    #expect(session.finish().status == 0)
  }
}

private func workersHaveGroups() throws -> Bool {
  let shows = "read -r job; grep -c /prefork- /proc/self/cgroup; read -r end"
  return try shell("prefork run -w 1 -- sh -c '\(shows)'", input: "a\n").output == "1\n"
}

/// The control group of a process.
private func ownGroup(of pid: pid_t) throws -> String {
  let line = try #require(try contents(of: "/proc/\(pid)/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") })
  return String(line.dropFirst(3))
}

/// All that the one worker of a session has begotten, and itself, once it is complete.
private func family(of session: Session, _ kind: String) throws -> [pid_t] {
  if kind.contains("stopped") {
    session.wait(for: "a stopped worker") { stopped(of: session).count == 1 }
  } else {
    #expect(session.ask("a", times: 1) == ["a"])
  }
  return processes(with: session.cookie).filter { $0 != session.pid }
}

private func stopped(of session: Session) -> [pid_t] {
  processes(with: session.cookie, named: "python3").filter { state(of: $0) == "T" }
}

private func state(of pid: pid_t) -> Character? {
  guard let stat = try? contents(of: "/proc/\(pid)/stat"), let name = stat.lastIndex(of: ")") else { return nil }
  return stat[name...].split(separator: " ").dropFirst().first?.first
}
