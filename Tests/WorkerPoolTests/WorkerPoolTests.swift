import Glibc
import TestSupport
import Testing
import WorkerPool

/// Jobs through a pool that many tasks share.
@Suite("A pool of worker processes, for tasks", .timeLimit(.minutes(10))) struct WorkerPoolTests {
  @Test("a job is answered: text by text, bytes by bytes")
  func answers() async throws {
    let pool = try await WorkerPool.start(.init(["cat"], workers: 1))
    #expect(try await pool.run("grüße") == "grüße")
    #expect(try await pool.run([0, 255, 1]) == [0, 255, 1])
    await pool.stop()
  }

  @Test("a thousand tasks share four workers, and each gets its own reply")
  func manyTasks() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", Shell.echo], workers: 4))
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<1000 { group.addTask { try await pool.run("\(number)") == "<\(number)>" } }
      for try await isRight in group { #expect(isRight) }
    }
    let status = try await pool.status()
    #expect(status.settled[.ok] == 1000)
    #expect(status.running == 0)
    #expect(status.waiting == 0)
    await pool.stop()
  }

  @Test("a worker that dies costs its job, and no other")
  func death() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", Shell.echoOrDie], workers: 2))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask {
          if number == 50 {
            let failure = try await #require(failure { try await pool.run("die") })
            #expect(failure.outcome == .crashed)
            #expect(failure.code == 7)
            #expect(failure.attempts == 1)
            #expect(failure.errorOutput == "cannot go on")
          } else {
            #expect(try await pool.run("\(number)") == "<\(number)>")
          }
        }
      }
      try await group.waitForAll()
    }
    await pool.stop()
  }

  @Test("a job that killed its worker is tried again, as often as it may be")
  func retries() async throws {
    let folder = try #require(makeTemporaryFolder())
    defer { rmdir(folder) }
    var configuration = WorkerPool.Configuration(
      ["sh", "-c", "while read -r job; do mkdir $job 2>/dev/null && exit 7; rmdir $job; echo done; done"], workers: 1)
    configuration.retries = 1
    let pool = try await WorkerPool.start(configuration)
    #expect(try await pool.run("\(folder)/once") == "done")
    await pool.stop()
  }

  @Test("a failure that a worker reports comes with its message, code and data, and the worker lives on")
  func reportedFailure() async throws {
    let script = """
      while read -r request; do
        id=${request#*'"id":'}; id=${id%%,*}
        case $request in
          *bad*) echo '{"jsonrpc":"2.0","id":'$id',"error":{"code":5,"message":"no such thing","data":[1]}}';;
          *) echo '{"jsonrpc":"2.0","id":'$id',"result":"'$$'"}';;
        esac
      done
      """
    let pool = try await WorkerPool.start(.init(["sh", "-c", script], workers: 1, protocol: JSONRPCProtocol()))
    let before = try await pool.run("good")
    let failure = try await #require(failure { try await pool.run("bad") })
    #expect(failure.outcome == .failed)
    #expect(failure.message == "no such thing")
    #expect(failure.code == 5)
    #expect(failure.data == Array("[1]".utf8))
    #expect(try await pool.run("good") == before)
    await pool.stop()
  }

  @Test("a job that runs out of time ends so, by the pool's limit or its own")
  func timeout() async throws {
    var configuration = WorkerPool.Configuration(["sh", "-c", Shell.echoOrSleep], workers: 1)
    configuration.timeout = .milliseconds(100)
    let pool = try await WorkerPool.start(configuration)
    #expect(try await #require(failure { try await pool.run("sleep") }).outcome == .timeout)
    await pool.stop()

    let patient = try await WorkerPool.start(.init(["sh", "-c", Shell.echoOrSleep], workers: 1))
    let failure = try await #require(failure { try await patient.run("sleep", timeout: .milliseconds(100)) })
    #expect(failure.outcome == .timeout)
    #expect(try await patient.run("next") == "<next>")
    await patient.stop()
  }

  @Test("what cannot be sent is refused before it is sent")
  func refusals() async throws {
    let pool = try await WorkerPool.start(.init(["cat"], workers: 1))
    await #expect(throws: WorkerPoolError.self) { try await pool.run("two\nlines") }
    await #expect(throws: WorkerPoolError.self) { try await pool.run("job", timeout: .zero) }
    #expect(try await pool.status().settled.values.reduce(0, +) == 0)
    await pool.stop()
  }

  @Test("jobs of a higher priority go first")
  func priorities() async throws {
    let pool = try await WorkerPool.start(.init(["sh", "-c", Shell.waitForFile], workers: 1))
    let (gate, path) = makeTemporaryFile()
    close(gate)
    unlink(path)
    let order = Order()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { order.append(try await pool.run(path)) }
      try await pool.waitUntil { $0.running == 1 }
      for (waiting, (name, priority)) in [("low", -1), ("usual", 0), ("high", 5)].enumerated() {
        group.addTask { order.append(try await pool.run(name, priority: Int32(priority))) }
        try await pool.waitUntil { $0.waiting == waiting + 1 }
      }
      close(open(path, O_CREAT | O_WRONLY, 0o600))
      try await group.waitForAll()
    }
    unlink(path)
    // The replies come to tasks of their own, so the worker tells the order.
    #expect(order.sorted == ["1 \(path)", "2 high", "3 usual", "4 low"])
    await pool.stop()
  }
}

/// How the job of this call failed; nil if it did not.
func failure(of call: () async throws -> String) async -> JobFailure? {
  do {
    _ = try await call()
    return nil
  } catch WorkerPoolError.jobFailed(let failure) {
    return failure
  } catch {
    return nil
  }
}
