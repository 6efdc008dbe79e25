import Glibc
import Testing

/// In which surroundings workers run.
@Suite struct SurroundingsTests {
  /// An upgrade while we run: the launcher is this executable, wherever its file is.
  @Test func theExecutableMayBeDeleted() throws {
    try withFile("") { path in
      let session = try Session(
        "cp \"$(command -v prefork)\" \(path) && chmod +x \(path) && "
          + "exec \(path) run -w 1 --rlimit nofile=77 -- sh -c 'while read -r job; do ulimit -n; done'")
      #expect(session.ask("a", times: 1) == ["77"])
      let first = session.workers
      #expect(unlink(path) == 0)
      session.signal(SIGHUP)
      session.wait(for: "another worker") { !session.workers.isEmpty && first.allSatisfy { kill($0, 0) != 0 } }
      #expect(session.ask("b", times: 1) == ["77"])
      #expect(session.finish().status == 0)
    }
  }

  static let report = "workers/faulty/env_report.sh"

  private func ask(_ options: String, _ jobs: String..., worker: String = report) throws -> [String] {
    let path = worker.hasPrefix("workers/") ? "$PWD/\(worker)" : worker
    let result = try shell(
      "prefork run -w 1 \(options) -- \(path)", input: jobs.map { $0 + "\n" }.joined())
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors == "")
    return result.lines.map(String.init)
  }

  @Test func variablesAreSet() throws {
    let answers = try ask("--env A=1 --env B= --env A=x=y --env HOME=/nowhere", "env A", "env B", "env HOME")
    #expect(answers == ["x=y", "", "/nowhere"])
  }

  @Test func aClearEnvironmentHoldsOnlyWhatIsGiven() throws {
    let names = try ask("--clear-env --env PATH=$PATH --env A=1", "names")[0]
    #expect(
      Set(names.split(separator: " ")) == [
        "PREFORK_SLOT", "PREFORK_WORKER_ID", "PREFORK_PROTOCOL", "PREFORK_POOL", "PATH", "A",
      ])
  }

  @Test func whatWeGiveCannotBeSetOtherwise() throws {
    #expect(try ask("--env PREFORK_SLOT=77", "slot") == ["slot=0 protocol=lines worker=1"])
  }

  @Test func theyStartInTheirDirectory() throws {
    #expect(try ask("--chdir /usr", "cwd") == ["/usr"])
    let missing = try shell("echo a | prefork run -w 1 --chdir /nosuch -- cat")
    #expect(missing.status == 69)
    #expect(missing.errors.contains("change to directory /nosuch: No such file or directory"), "\(missing.errors)")
  }

  @Test func limitsAreSet() throws {
    let worker = "bash -c 'while read -r job; do echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -c) $(nice); done'"
    #expect(try ask("--rlimit nofile=100:200 --rlimit RLIMIT_CORE=0 --nice 3", "a", worker: worker) == ["100 200 0 3"])
  }

  @Test(.enabled(if: geteuid() == 0, "only root can run workers as another user"))
  func theyRunAsAnotherUser() throws {
    let worker = "bash -c 'while read -r job; do echo $(id -un) $(id -gn) $HOME $USER; done'"
    #expect(try ask("--user nobody", "a", worker: worker) == ["nobody nogroup /nonexistent nobody"])
    #expect(try ask("--user nobody:daemon", "a", worker: worker) == ["nobody daemon /nonexistent nobody"])
  }

  @Test(.enabled(if: geteuid() == 0, "only root can run workers as another user"))
  func workersOfAnotherUserDieWithUs() throws {
    let session = try Session("exec prefork run -w 2 --user nobody -- sh -c 'echo up >&2; sleep 300; sleep 300'")
    session.waitForError("worker 1: up")
    session.signal(SIGKILL)
    session.wait(for: "the end of all") { session.hasEnded() && processes(with: session.cookie).isEmpty }
    #expect(session.finish().status == 128 + SIGKILL)
  }

  @Test(arguments: [
    ("--user nosuchuser", "--user: \"nosuchuser\" cannot be used: there is no user 'nosuchuser'"),
    ("--rlimit files=3", "--rlimit: \"files=3\" names no resource; want one of as, "),
    ("--rlimit nofile=many", "has a value that is not valid"),
    ("--env =x", "--env: \"=x\" has no name before an equals sign"),
    ("--nice 99", "--nice: \"99\" is too large"),
    ("--nice -99", "--nice: \"-99\" is too small"),
  ])
  func mistakesAreNamed(_ options: String, _ says: String) throws {
    let result = try shell("prefork run \(options) -- cat")
    #expect(result.status == 64)
    #expect(result.errors.contains(says), "\(result.errors)")
  }

  @Test(.enabled(if: geteuid() == 0, "only root can unmount /proc, for itself alone"))
  func withoutProcItSaysSo() throws {
    let result = try shell("seq 3 | unshare --mount sh -c 'umount -l /proc && exec prefork run -- cat'")
    #expect(
      result
        == ShellResult(
          output: "", status: 71, errors: "prefork: /proc is not mounted here, and nothing works without it\n"))
  }

  // MARK: stderr

  static let noisy =
    "sh -c 'echo hello from $PREFORK_SLOT >&2; while read -r job; do echo $job; printf \"got %s\\n\" $job >&2; done'"

  @Test func stderrIsOursLineByLineUnderTheirNames() throws {
    let result = try shell("echo a | prefork run -w 1 -- \(Self.noisy)")
    #expect(result.errors == "worker 0: hello from 0\nworker 0: got a\n")
  }

  @Test func stderrCanBeInherited() throws {
    let result = try shell("echo a | prefork run -w 1 --stderr inherit -- \(Self.noisy)")
    #expect(result.errors == "hello from 0\ngot a\n")
  }

  @Test func stderrCanGoToAFile() throws {
    try withFile("kept\n") { path in
      let result = try shell("echo a | prefork run -w 1 --stderr \(path) -- \(Self.noisy)")
      #expect(result == ShellResult(output: "a\n", status: 0))
      #expect(try contents(of: path) == "kept\nworker 0: hello from 0\nworker 0: got a\n")
    }
    let cannot = try shell("echo a | prefork run -w 1 --stderr /nosuch/file -- cat")
    #expect(cannot.status == 73)
    #expect(cannot.errors == "prefork: --stderr: open /nosuch/file: No such file or directory (ENOENT)\n")
  }
}
