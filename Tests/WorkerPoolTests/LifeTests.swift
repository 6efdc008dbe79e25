import Glibc
import TestSupport
import Testing

@testable import LinuxIO
@testable import WorkerPool

/// How a pool begins and ends, and what it reports meanwhile.
@Suite("The life of a pool for tasks", .timeLimit(.minutes(10))) struct LifeTests {
  @Test("a program that is not there is named")
  func missingProgram() async throws {
    let error = await #expect(throws: WorkerPoolError.self) {
      try await WorkerPool.start(.init(["./no-such-program"], workers: 1))
    }
    guard case .cannotStart(let reason) = error else { throw Unexpected(error) }
    #expect(reason.contains("no-such-program"))
  }

  @Test("a pool whose loop cannot be made is over for that reason")
  func noLoop() async throws {
    let inbox = try Inbox()
    let noDescriptors = FaultPlan(.epoll, [EMFILE])
    inbox.close(
      because: FaultPlan.$current.withValue(noDescriptors) { PoolThread.run(.init(["cat"]), inbox, EventHub()) })
    let error = await #expect(throws: SystemError.self) {
      try await withCheckedThrowingContinuation { inbox.post(.start($0)) }
    }
    #expect(error == SystemError("epoll_create1", EMFILE))
  }

  @Test("workers that keep ending before they are ready are an error with the last one's reason")
  func failingStarts() async throws {
    let configuration = with(.init(["sh", "-c", "echo out of licenses >&2; exit 9"], workers: 2)) {
      $0.workers.pool.restartBudget = RestartBudget(failures: 2, period: .seconds(600))
      // Else a worker is ready as soon as it runs.
      $0.workers.readiness = .line(prefix: nil)
    }
    let error = await #expect(throws: WorkerPoolError.self) { try await WorkerPool.start(configuration) }
    guard case .cannotStart(let reason) = error else { throw Unexpected(error) }
    #expect(reason.contains("exited with status 9"), "\(reason)")
  }

  @Test(
    "a configuration that cannot work is refused",
    arguments: [
      WorkerPool.Configuration([]), .init([""]), .init(["a\0b"]), .init(["cat"], workers: 0...0),
      with(.init(["cat"])) { $0.retries = -1 }, with(.init(["cat"])) { $0.timeout = .zero },
      with(.init(["cat"])) { $0.quarantineAfter = 0 },
      with(.init(["cat"])) { $0.workers.readiness = .probed }, with(.init(["cat"])) { $0.workers.pool.capacity = 2 },
      with(.init(["cat"])) { $0.workers.adoptsOrphans = true },
      with(.init(["cat"])) { $0.retryDelay = .seconds(-1) ... .seconds(1) },
    ])
  func defects(configuration: WorkerPool.Configuration) async throws {
    let error = await #expect(throws: WorkerPoolError.self) { try await WorkerPool.start(configuration) }
    guard case .invalid = error else { throw Unexpected(error) }
  }

  @Test("a pool without a least number of workers starts none before there is a job")
  func startsOnDemand() async throws {
    let pool = try await WorkerPool.start(.init(["cat"], workers: 0...2))
    #expect(try await pool.status().ready == 0)
    #expect(try await pool.run("job") == "job")
    await pool.stop()
  }

  @Test("a graceful stop finishes the jobs that are there; later ones are refused")
  func gracefulStop() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", Shell.waitForFile], workers: 1))
    let (gate, path) = makeTemporaryFile()
    close(gate)
    unlink(path)
    let first = Task { try await pool.run(path) }
    try await pool.waitUntil { $0.running == 1 }
    let second = Task { try await pool.run("second") }
    try await pool.waitUntil { $0.waiting == 1 }
    let stop = Task { await pool.stop() }
    try await pool.waitUntil { $0.isStopping }
    #expect(try await failsAsStopped { _ = try await pool.run("late") })
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    #expect(try await first.value == "1 \(path)")
    #expect(try await second.value == "2 second")
    await stop.value
    unlink(path)
    await #expect(throws: WorkerPoolError.self) { try await pool.status() }
    // Once more does no harm.
    await pool.stop()
  }

  @Test("an immediate stop gives the jobs up", arguments: [StopUrgency.prompt, .immediate])
  func immediateStop(urgency: StopUrgency) async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", "read -r job; sleep 1000"], workers: 1))
    let jobs = (1...2).map { number in Task { try await pool.run("\(number)") } }
    try await pool.waitUntil { $0.running + $0.waiting == 2 }
    await pool.stop(urgency)
    for job in jobs { #expect(try await failsAsStopped { _ = try await job.value }) }
  }

  @Test("a pool that is no longer referenced stops its workers")
  func isForgotten() async throws {
    var pool: WorkerPool? = try await WorkerPool.start(.init(["sh", "-c", "while read -r job; do echo $$; done"]))
    let pid = try #require(try await pool?.run("pid").split(separator: "\n").first.flatMap { CInt($0) })
    #expect(lives(pid))
    pool = nil
    try await within120Seconds { !lives(pid) }
  }

  @Test("a task that is cancelled before its job begins takes it along; the next job is not held up")
  func cancelledWaiter() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", Shell.waitForFile], workers: 1))
    let (gate, path) = makeTemporaryFile()
    close(gate)
    unlink(path)
    let first = Task { try await pool.run(path) }
    try await pool.waitUntil { $0.running == 1 }
    let waiting = Task { try await pool.run("waiting") }
    try await pool.waitUntil { $0.waiting == 1 }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    #expect(try await first.value == "1 \(path)")
    unlink(path)
    #expect(try await pool.run("next") == "2 next")
    await pool.stop()
  }

  @Test("a task that is cancelled while its job runs ends at once, and its worker is replaced")
  func cancelledRunner() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", Shell.echoOrSleep], workers: 1))
    let running = Task { try await pool.run("sleep") }
    try await pool.waitUntil { $0.running == 1 }
    running.cancel()
    await #expect(throws: CancellationError.self) { try await running.value }
    #expect(try await pool.run("next") == "<next>")
    await pool.stop()
  }

  @Test("a task that was cancelled before never hands its job in, and starts no pool")
  func cancelledBefore() async throws {
    let pool = try await WorkerPool.start(.init(["cat"], workers: 1))
    let job = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await pool.run("job")
    }
    await #expect(throws: CancellationError.self) { try await job.value }
    #expect(try await pool.status().settled.values.reduce(0, +) == 0)
    await pool.stop()
    let start = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await WorkerPool.start(.init(["cat"], workers: 1))
    }
    await #expect(throws: CancellationError.self) { try await start.value }
  }

  @Test("a task that is cancelled while the first worker loads gets no pool")
  func cancelledStart() async throws {
    let configuration = with(.init(["sh", "-c", "sleep 1000"], workers: 1)) {
      $0.workers.readiness = .line(prefix: nil)
    }
    let start = Task { try await WorkerPool.start(configuration) }
    try await Task.sleep(for: .milliseconds(50))
    start.cancel()
    await #expect(throws: CancellationError.self) { try await start.value }
  }

  @Test("events report the life of workers and what they log; the stream ends with the pool")
  func events() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", Shell.echoOrDie], workers: 1))
    let events = pool.events
    #expect(try await pool.run("job") == "<job>")
    _ = await failure { try await pool.run("die") }
    #expect(try await pool.run("job") == "<job>")
    await pool.stop()
    var (started, ready, died, logged, stopped) = (0, 0, "", "", 0)
    for await event in events {
      switch event {
      case .started: started += 1
      case .ready: ready += 1
      case .died(_, let text): died = text
      case .log(_, let line): logged = line
      case .stopped: stopped += 1
      case .message: break
      }
    }
    #expect(started == 2)
    #expect(ready == 2)
    #expect(died.contains("exited with status 7"), "\(died)")
    #expect(logged == "cannot go on")
    #expect(stopped == 1)
  }

  @Test("more workers, fewer, and others in their place")
  func resizes() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", "while read -r job; do echo $$; done"], workers: 1))
    let first = try await pool.run("pid")
    pool.resize(to: 3...3)
    try await pool.waitUntil { $0.ready == 3 }
    pool.resize(to: 1...1)
    try await pool.waitUntil { $0.ready == 1 }
    pool.recycle()
    try await within120Seconds { try await pool.run("pid") != first }
    await pool.stop()
  }
}

/// Changes a configuration in one expression.
private func with(
  _ configuration: WorkerPool.Configuration, _ change: (inout WorkerPool.Configuration) -> Void
) -> WorkerPool.Configuration {
  var configuration = configuration
  change(&configuration)
  return configuration
}

/// Whether this fails because the pool is stopped; throws whatever else it throws.
private func failsAsStopped(_ call: () async throws -> Void) async throws -> Bool {
  do {
    try await call()
    return false
  } catch WorkerPoolError.stopped {
    return true
  }
}

/// An error of another kind than was expected.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
  init(_ error: (any Error)?) { description = error.map { "\($0)" } ?? "no error" }
}
