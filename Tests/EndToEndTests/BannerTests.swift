import TestSupport
import Testing

/// Workers that print something before they read their first job: that is no answer to it.
@Suite struct BannerTests {
  private static let greets = "workers/faulty/greets.py"
  private static let report = "before it read its first job: a banner, which is dropped"

  private func reports(_ result: ShellResult) -> Int {
    result.errors.split(separator: "\n").count { $0.contains(Self.report) }
  }

  private func answers(_ jobs: ClosedRange<Int>) -> [Substring] { jobs.map { "got \($0)" } }

  @Test("a banner is dropped, and reported once, however many workers print it", arguments: [1, 2, 3, 8])
  func oneReport(workers: Int) throws {
    let worker = "echo Welcome; echo \"type jobs\"; while read l; do echo \"got $l\"; done"
    let result = try shell("seq 40 | prefork run -w \(workers) -- sh -c '\(worker)'")
    #expect(result.lines == answers(1...40), "\(result.errors)")
    #expect(result.status == 0)
    #expect(result.errors.contains(" wrote \"Welcome\\ntype jobs\\n\" \(Self.report)"), "\(result.errors)")
    #expect(reports(result) == 1)
  }

  @Test("-v shows each")
  func eachReport() throws {
    let result = try shell("prefork run -v -w 1 --max-jobs 1 -- \(Self.greets) lines", input: "1\n2\n3\n")
    #expect(result.lines == answers(1...3) && result.status == 0, "\(result.errors)")
    #expect(reports(result) >= 3)
  }

  @Test(
    "in whatever way the worker waits for its first job",
    arguments: ["lines", "unended", "loads", "sleeps", "threads", "child", "select", "asyncio"])
  func ways(way: String) throws {
    let result = try shell("seq 20 | prefork run -w 2 -- \(Self.greets) \(way)")
    #expect(result.lines == answers(1...20), "\(result.errors)")
    #expect(result.status == 0, "\(result.errors)")
    #expect(reports(result) == 1, "\(result.errors)")
  }

  @Test("in every framing", arguments: ["nul", "length4", "netstring"])
  func framings(framing: String) throws {
    let result = try shell("seq 3 | prefork run -w 1 --protocol \(framing) -- sh -c 'printf \"Hi\\nthere\"; exec cat'")
    #expect(result.output == "1\n2\n3\n" && result.status == 0, "\(result.errors)")
    #expect(reports(result) == 1)
  }

  @Test("a worker whose waiting cannot be seen gets its first job all the same", arguments: ["spins", "naps"])
  func unseen(way: String) throws {
    let result = try shell("seq 5 | prefork run -w 1 -- \(Self.greets) \(way)")
    #expect(result == ShellResult(output: answers(1...5).joined(separator: "\n") + "\n", status: 0))
  }

  @Test("loading is charged to no job")
  func loading() throws {
    let result = try shell("seq 3 | prefork run -w 1 -t 500ms -- \(Self.greets) loads")
    #expect(result.lines == answers(1...3) && result.status == 0, "\(result.errors)")
  }

  // MARK: Workers that come later

  @Test("workers that come later greet, too", arguments: ["--max-jobs 2", "--max-jobs 1", "--max-jobs 3 --surge 0"])
  func recycled(options: String) throws {
    let result = try shell("seq 20 | prefork run -w 2 \(options) -- \(Self.greets) lines")
    #expect(result.lines == answers(1...20) && result.status == 0, "\(result.errors)")
    #expect(reports(result) == 1)
  }

  @Test("so do those that replace the dead")
  func crashed() throws {
    let worker = "echo \"Welcome $$\"; while read l; do case $l in *5) kill -9 $$;; esac; echo \"got $l\"; done"
    let result = try shell("seq 20 | prefork run -w 2 -- sh -c '\(worker)'")
    #expect(result.lines == (1...20).map { $0 % 10 == 5 ? "" : "got \($0)" }, "\(result.errors)")
    #expect(result.status == 1)
    #expect(result.errors.contains("18 ok, 2 crashed"), "\(result.errors)")
  }

  @Test("one that greets although others did not is not to blame, as long as it has read nothing")
  func afterASilentOne() throws {
    let result = try shell(
      """
      d=$(mktemp -d); seq 4 | prefork run -w 1 --max-jobs 1 -- \(Self.greets) after_first $d/first; s=$?
      rm -r $d; exit $s
      """)
    #expect(result.lines == answers(1...4) && result.status == 0, "\(result.errors)")
    #expect(reports(result) == 1)
  }

  @Test("a worker that has a batch when it greets has answered none of it")
  func beforeABatch() throws {
    let result = try shell(
      """
      d=$(mktemp -d)
      seq 8 | prefork run -w 1 --max-jobs 4 --surge 0 --jitter 0 --batch 4 --batch-wait 1h -- \(Self.greets) batches $d/first
      s=$?; rm -r $d; exit $s
      """)
    #expect(result.lines == answers(1...8) && result.status == 0, "\(result.errors)")
    #expect(reports(result) == 1)
  }

  // MARK: What is no banner

  @Test("what comes once it waits for its first job is a breach", arguments: ["late", "late_select"])
  func late(way: String) throws {
    let server = try Server("-w 1", worker: "\(Self.greets) \(way) $DIR/speak")
    server.wait(for: "a ready worker") { try server.control("status").output.hasPrefix("pool default: serving") }
    server.touch("speak")
    server.session.waitForError("wrote to its stdout without a job: \"Still here\\n\"")
    let result = server.stop()
    #expect(reports(result) == 0, "\(result.errors)")
  }

  @Test("one that never ends is a breach")
  func endless() throws {
    let result = try shell("seq 3 | prefork run -w 2 --backoff 1ms..2ms -- yes")
    #expect(result.output == "")
    #expect(result.status == 76)
    #expect(result.errors.contains("wrote to its stdout without a job: \"y\\ny\\n"), "\(result.errors)")
  }

  @Test("a worker that only greets has failed to start, and what it wrote is shown")
  func onlyGreets() throws {
    let result = try shell("seq 3 | prefork run -w 2 --backoff 1ms..2ms -- sh -c 'echo no license; exit 3'")
    #expect(result.output == "")
    #expect(result.status == 69)
    #expect(result.errors.contains(" exited with status 3 before it took a job (age "), "\(result.errors)")
    #expect(result.errors.contains("), after it wrote \"no license\\n\""), "\(result.errors)")
  }

  @Test("one that greets and never reads has not begun its first job in time")
  func neverReads() throws {
    let result = try shell(
      "echo 1 | prefork run -w 1 --start-timeout 400ms --restart-budget 1/10s -- sh -c 'echo Welcome; exec sleep 300'")
    #expect(result.status == 69)
    #expect(result.errors.contains("did not begin its first job within 0.4 s (--start-timeout)"), "\(result.errors)")
  }

  // MARK: Meanwhile

  @Test("a run can be ended while its workers load")
  func interrupted() throws {
    let session = try Session("exec prefork run -w 2 -- sh -c 'echo Welcome >&2; exec sleep 300'")
    session.send("1\n2\n")
    session.waitForError("Welcome")
    session.signal(2)
    #expect(session.finish().status == 130)
  }

  @Test("a server counts those that load as starting, and answers when they are ready")
  func served() throws {
    // A machine that stalls lets them sleep on until they are ready.
    let isCounted = try inOneOfFiveAttempts {
      let server = try Server("-w 2 --max-jobs 3", worker: "\(Self.greets) sleeps")
      let client = try server.connect()
      client.send((1...10).map { "\($0)\n" }.joined())
      let isStarting = try server.control("status").output.hasPrefix("pool default: starting")
      #expect(client.next(10) == answers(1...10).map { String($0) })
      let result = server.stop()
      #expect(result.status == 0 && reports(result) == 1, "\(result.errors)")
      return isStarting
    }
    #expect(isCounted)
  }

  @Test("check shows it, and finds nothing wrong with it")
  func checked() throws {
    let result = try shell("prefork check -- workers/faulty/speaks_at_boot.py")
    #expect(result.status == 0, "\(result.output)")
    let banner = "banner     \"Welcome to the echo service 2.0\\n\", before it read its first job: dropped\n"
    #expect(result.output.hasPrefix(banner + "start      began to read after "), "\(result.output)")
    #expect(result.output.contains("\nok: nothing wrong\n"), "\(result.output)")
    let dead = try shell("prefork check -- sh -c 'echo no license; exit 3'")
    #expect(dead.status == 69)
    #expect(dead.output.contains("before it had read a job, "), "\(dead.output)")
    #expect(dead.output.contains(" after its start; it wrote \"no license\\n\"\n"), "\(dead.output)")
  }
}
