import Glibc
import Testing

/// Newer system calls, each denied in turn as by the filter of a container that does not know it (bun #35924,
/// boost.process #513): a run does without the call, or ends at once and names the step. It obeys SIGTERM in any
/// case, and nothing outlives it.
@Suite struct DeniedCallTests {
  static let errors = ["EPERM", "ENOSYS"]
  /// prctl: PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER and PR_SET_NO_NEW_PRIVS.
  static let dispensable = [
    "accept4", "close_range", "epoll_pwait2", "eventfd2", "faccessat2", "getrandom", "memfd_create", "openat2",
    "pidfd_getfd", "pidfd_send_signal", "prctl=1", "prctl=36", "prctl=38", "preadv2", "prlimit64", "pwritev2", "rseq",
    "sched_getaffinity", "statx", "vfork",
  ]

  @Test(arguments: dispensable, errors) func itDoesWithout(call: String, error: String) throws {
    let result = try shell("seq 3 | \(denying(call, error)) prefork run -w 2 -- cat")
    #expect(result == ShellResult(output: "1\n2\n3\n", status: 0, errors: result.errors), "\(result.errors)")
  }

  /// A filter that does not know clone3(2) must say ENOSYS; then clone(2) is used.
  @Test func clone3() throws {
    #expect(try shell("seq 3 | \(denying("clone3", "ENOSYS")) prefork run -w 2 -- cat").output == "1\n2\n3\n")
    let result = try shell("seq 3 | \(denying("clone3", "EPERM")) prefork run -w 2 -- cat")
    #expect(result.status == 69 && result.output == "")
    #expect(result.errors.contains("cannot start cat: Operation not permitted (EPERM)\nhint: clone3 is denied"))
  }

  @Test(arguments: errors) func withoutPidfds(error: String) throws {
    let result = try shell("seq 3 | \(denying("pidfd_open", error)) prefork run -w 2 -- cat")
    #expect(result.status == 69 && result.output == "")
    #expect(result.errors.contains("prefork: cannot start cat: watch for its end (pidfd_open): "), "\(result.errors)")
    #expect(result.errors.contains("seccomp filter, perhaps that of a container"))
  }

  @Test(arguments: ["epoll_create1", "signalfd4", "timerfd_create"], errors)
  func whatThereIsNothingElseFor(call: String, error: String) throws {
    let result = try shell("seq 3 | \(denying(call, error)) prefork run -w 2 -- cat")
    #expect(result.status == 71 && result.output == "")
    #expect(result.errors.contains("(\(error))\nhint: a seccomp filter"), "\(result.errors)")
  }

  @Test(arguments: ["pidfd_send_signal", "close_range", "prctl=1", "prctl=36", "epoll_pwait2"], errors)
  func itObeysSIGTERM(call: String, error: String) throws {
    let session = try Session("exec \(denying(call, error)) prefork run -w 2 -- cat")
    #expect(session.ask("a", times: 1) == ["a"])
    session.signal(SIGTERM)
    #expect(session.finish().status == 128 + SIGTERM)
  }

  /// The guard is made by clone(2), workers are by clone3(2). Without it the kernel kills them, which has to be asked
  /// of it by the launcher.
  @Test func withoutAGuardTheKernelKillsTheWorkers() throws {
    let session = try Session("exec \(denying("clone", "EPERM")) prefork run -w 2 -- sleep 300")
    session.waitForError("descendants of workers would outlive a SIGKILL of prefork: start a guard")
    session.wait(for: "two workers") { processes(with: session.cookie, named: "sleep").count == 2 }
    session.signal(SIGKILL)
    session.wait(for: "the end of all") { session.hasEnded() && processes(with: session.cookie).isEmpty }
    #expect(session.finish().status == 128 + SIGKILL)
  }

  @Test(arguments: errors) func withoutPidfdsToSignalNothingOutlivesUs(error: String) throws {
    let worker = "sh -c 'setsid sleep 300 & read -r job; echo begun >&2; sleep 300 & wait'"
    let session = try Session("exec \(denying("pidfd_send_signal", error)) prefork run -w 2 -- \(worker)")
    session.send("a\nb\n")
    session.waitForError("begun")
    session.signal(SIGKILL)
    session.wait(for: "the end of all") { session.hasEnded() && processes(with: session.cookie).isEmpty }
    #expect(session.finish().status == 128 + SIGKILL)
  }
}

private func denying(_ call: String, _ error: String) -> String { "Tests/EndToEndTests/deny.py \(call) \(error)" }
