import TestSupport
import Testing
import WorkerPool

/// The recipes of the README: compiled, the first one run, and compared with it word for word.
@Suite("Recipes of WorkerPool", .timeLimit(.minutes(10))) struct RecipeTests {
  @Test("the first lines")
  func first() async throws {
    let pool = try await WorkerPool.start(.init(["workers/examples/upper.py"], workers: 4))
    let reply = try await pool.run("a job")
    await pool.stop()
    #expect(reply == "A JOB")
  }

  /// Its program is nobody's.
  func careful() async throws {
    var configuration = WorkerPool.Configuration(
      ["./server.py"], workers: 1...8, protocol: JSONRPCProtocol(concurrency: 16))
    configuration.timeout = .seconds(30)
    configuration.retries = 2
    configuration.workers.pool.maximumJobs = 10_000  // and all else that recycles, probes and limits workers
    let servers = try await WorkerPool.start(configuration)

    Task { for await event in servers.events { print(event) } }
    let answer = try await servers.run(#"{"n": 1}"#, timeout: .seconds(5), priority: 1)
    print(answer)
  }

  @Test("each recipe of the README stands here, word for word")
  func readme() {
    let blocks = recipes(under: "### WorkerPool")
    #expect(blocks.count == 2)
    let here = source(of: "Tests/WorkerPoolTests/RecipeTests.swift")
    for block in blocks { #expect(here.contains(block.replacing("import WorkerPool\n", with: "")), "\(block)") }
  }
}
