import CTestSupport
import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

/// What a program that embeds the pool may be in the middle of when a worker is started.
@Suite struct SpawnTests {
  @Test(
    "whoever closed their own standard descriptors has workers with all three",
    arguments: isRoot ? [false, true] : [false])
  func closedStandardDescriptors(asNobody: Bool) async {
    await #expect(processExitsWith: .success) { [asNobody] in
      endAfterSeconds()
      // The launcher has a socket besides, and takes the request for another user.
      let nobody = asNobody ? try UserIdentity.lookup("nobody") : nil
      let report = dup(2)
      for number: CInt in 0...2 { close(number) }
      var process = try start("read job; echo reply to $job; echo log >&2; read job", .with { $0.user = nobody })
      let job = write(process.input, "job\n", 4)
      let reply = output(of: process.output, until: "\n")
      let log = output(of: process.errorOutput, until: "\n")
      let folder = "/proc/\(process.pid)/fd"
      // Our own look at them takes one of these numbers, and leaves it out. That it has all three, it says itself.
      let hasNoOther = eventually { numbers(in: folder).isSubset(of: [0, 1, 2]) }
      process.closeInput()
      let status = end(of: &process)
      dup2(report, 2)
      #expect(job == 4 && reply == "reply to job\n" && log == "log\n" && status == .exited(code: 1))
      #expect(hasNoOther)
    }
  }

  @Test("nothing leaks to the worker where close_range(2) is missing or forbidden", arguments: [ENOSYS, EPERM])
  func withoutCloseRange(code: CInt) async {
    await #expect(processExitsWith: .success) { [code] in
      endAfterSeconds()
      try #require(forbid_system_call(number_of_close_range(), code) == 0)
      // More than one call of getdents64 can tell.
      for number: CInt in 300..<600 { try #require(dup2(0, number) == number) }
      let process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
      let folder = "/proc/\(process.pid)/fd"
      #expect(eventually { numbers(in: folder) == [0, 1, 2] })
    }
  }

  @Test("our own signal mask and signal actions are as before, and no handler of ours runs in the worker")
  func signalsOfOurs() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      signal(SIGUSR2) { _ in }
      var some = sigset_t()
      sigemptyset(&some)
      sigaddset(&some, SIGUSR1)
      sigprocmask(SIG_BLOCK, &some, nil)
      let names = ["SigBlk", "SigIgn", "SigCgt"]
      let before = names.map { status(of: "thread-self", $0) }
      for surroundings in [WorkerSurroundings(), .with { $0.directory = Array("/no/such".utf8) }] {
        if var process = try? start("exit 3", surroundings) {
          let status = end(of: &process)
          #expect(status == .exited(code: 3))
        }
        #expect(names.map { status(of: "thread-self", $0) } == before)
      }
    }
  }

  @Test("workers that are started at the same time get none of each other's pipes")
  func parallel() async {
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<25 {
            guard var process = try? WorkerProcess.spawn(WorkerCommand(["cat"]), environment: []) else {
              Issue.record("not started")
              continue
            }
            let folder = "/proc/\(process.pid)/fd"
            #expect(eventually { numbers(in: folder) == [0, 1, 2] })
            // Ends only if nobody else holds its stdin.
            process.closeInput()
            #expect(end(of: &process) == .exited(code: 0))
          }
        }
      }
    }
  }

  @Test(
    "PATH is searched like that of a shell: what cannot be executed is passed over, and told if nothing else is there")
  func path() async {
    await #expect(processExitsWith: .success) {
      try withFile("#!/bin/sh\n", mode: 0o644) { path in
        let folder = path.dropLast("/worker".count)
        setenv("PATH", "\(path):/nowhere:\(folder)", 1)
        #expect(try failure("worker").cause.code == EACCES)
        setenv("PATH", "\(folder):/usr/bin:/bin", 1)
        try #require(symlink("/usr/bin/false", "\(folder)/true") == 0)
        try #require(mkdir("\(folder)/env", 0o700) == 0)
        defer {
          unlink("\(folder)/true")
          rmdir("\(folder)/env")
        }
        var first = try WorkerProcess.spawn(WorkerCommand(["true"]), environment: [])
        #expect(end(of: &first) == .exited(code: 1), "the first that can be executed")
        var second = try WorkerProcess.spawn(WorkerCommand(["env"]), environment: [])
        #expect(end(of: &second) == .exited(code: 0), "a directory is passed over")
        try #require(chdir(String(folder)) == 0)
        setenv("PATH", ":/usr/bin", 1)
        chmod(path, 0o755)
        var third = try WorkerProcess.spawn(WorkerCommand(["worker"]), environment: [])
        #expect(end(of: &third) == .exited(code: 0), "an empty entry is the present directory")
        unsetenv("PATH")
        var fourth = try WorkerProcess.spawn(WorkerCommand(["sh", "-c", "exit 4"]), environment: [])
        #expect(end(of: &fourth) == .exited(code: 4), "without PATH the system's own directories are searched")
      }
    }
  }

  @Test("a worker outlives the thread that started it, unless it was to die with it: as another user, too")
  func deathOfTheThread() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let user = isRoot ? try UserIdentity.lookup("nobody") : nil
      for user in [nil, user] {
        let dying = WorkerSurroundings.with {
          $0.user = user
          $0.diesWithThread = true
        }
        #expect(inThreadOfItsOwn(dying, within: patience) == .killed(signal: SIGKILL, coreDumped: false))
        #expect(inThreadOfItsOwn(.with { $0.user = user }, within: 500) == nil)
      }
    }
  }
}

/// How a worker ends that was started by a thread which has ended since; nil if it does not within `limit` ms.
private func inThreadOfItsOwn(_ surroundings: WorkerSurroundings, within limit: CInt) -> ExitStatus? {
  let start = Start(surroundings)
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { context in
      let start = Unmanaged<Start>.fromOpaque(context!).takeUnretainedValue()
      start.process = try? WorkerProcess.spawn(
        WorkerCommand(["cat"]), environment: [], surroundings: start.surroundings)
      return nil
    }, Unmanaged.passUnretained(start).toOpaque())
  pthread_join(thread, nil)
  guard var process = start.process.take() else { return .unknown }
  return end(of: &process, within: limit)
}

/// What the thread is given, and what it gives back.
private final class Start {
  let surroundings: WorkerSurroundings
  var process: WorkerProcess?

  init(_ surroundings: WorkerSurroundings) { self.surroundings = surroundings }
}
