import Testing

/// Workers that are written with the SDKs in `workers/sdk`, run by prefork. What they do on their pipes is tested by
/// `Tests/SDK`, which runs here, too.
@Suite struct SDKTests {
  static let python = "--env PYTHONPATH=workers/sdk/python -- python3 Tests/SDK/busy_worker.py"
  static let node = "-- node Tests/SDK/busy_worker.mjs"

  /// Those that are installed.
  static let workers = [python, python + " async"] + (isInstalled("node") ? [node] : [])

  @Test("the tests of the SDKs over pipes")
  func overPipes() throws {
    let result = try shell("python3 -m unittest discover -s Tests/SDK -p 'test_[bw]*.py'")
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test("prefork.Executor, over prefork run and serve")
  func executor() throws {
    // It kills servers with -9, whose workers may live for a moment longer.
    let result = try shell("python3 -m unittest discover -s Tests/SDK -p test_executor.py", sweeping: true)
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test("a failure costs its job and no worker, and prints go to the log", arguments: workers)
  func failures(worker: String) throws {
    let result = try shell(
      "prefork run -w 1 --protocol jsonrpc --ready message --output records \(worker)",
      input: "pid\nfail no\nprint\nfailure x\npid\n")
    #expect(result.status == 1)
    let lines = result.lines
    try #require(lines.count == 5, "\(result.output)\(result.errors)")
    #expect(lines[1].contains(#"Error: no","code":-32000"#), "\(lines[1])")
    #expect(lines[2].contains(#""outcome":"ok","result":"PRINT""#), "\(lines[2])")
    #expect(lines[3].contains(#"{"message":"no such page","code":404"#), "\(lines[3])")
    let pid = { (line: Substring) in line.firstRange(of: #""result":""#).map { line[$0.upperBound...].prefix(5) } }
    #expect(pid(lines[0]) == pid(lines[4]), "the same worker")
    #expect(result.errors.contains("worker 0: from a child"), "\(result.errors)")
  }

  @Test("jobs run at the same time, and one that runs out of time is given up alone", arguments: workers.dropFirst())
  func atTheSameTime(worker: String) throws {
    let result = try shell(
      "prefork run -v -w 1 --protocol jsonrpc --concurrency 4 --queue 20 --timeout 3s --cancel-grace 60s \(worker)",
      input: "together 3\ntogether 3\ntogether 3\nuntil-cancelled\nlast\n")
    #expect(result.output == "TOGETHER 3\nTOGETHER 3\nTOGETHER 3\n\nLAST\n", "\(result.errors)")
    #expect(result.errors.contains("prefork: 1 worker start"), "no worker was replaced: \(result.errors)")
  }

  @Test("progress, log, retire, probe and reset", arguments: workers)
  func notices(worker: String) throws {
    let result = try shell(
      "prefork run -v -w 1 --protocol jsonrpc --probe probe --probe-before-lease --reset reset \(worker)",
      input: "progress\nlog\npid\nretire\npid\n")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("25 % (loading)"), "\(result.errors)")
    #expect(result.errors.contains("worker 0: warning: it is warm"), "\(result.errors)")
    #expect(result.errors.contains("worker 0 retires: it asked for it"), "\(result.errors)")
    #expect(result.lines.count == 5 && result.lines[2] != result.lines[4], "another worker: \(result.output)")
  }

  @Test("the same program answers lines, for prefork and by hand", arguments: workers)
  func lines(worker: String) throws {
    let result = try shell("prefork run -w 1 \(worker)", input: "a\nfail x\nb\n")
    #expect(result.output == "A\n\nB\n", "\(result.errors)")
    #expect(result.errors.contains("exited with status 1") && result.errors.contains("1 crashed"), "\(result.errors)")
  }

  @Test("the examples")
  func examples() throws {
    let prefork = "PYTHONPATH=workers/sdk/python prefork run -w 1 --protocol jsonrpc"
    let upper = try shell("\(prefork) -- workers/examples/sdk_upper.py", input: "a\n\nb\n")
    #expect(upper.output == "A\n\nB\n")
    #expect(upper.errors.contains("ValueError: there is nothing in this job"), "\(upper.errors)")
    // The server answers when all eight wait.
    let server = "python3 Tests/SDK/patient_server.py 8"
    let fetched = try shell(
      "\(server) | while read -r port; do for n in 1 2 3 4 5 6 7 8; do echo http://127.0.0.1:$port/$n; done"
        + " | \(prefork) --concurrency 8 --queue 20 -- workers/examples/sdk_http_status.py; done")
    #expect(fetched.lines.count == 8, "\(fetched.errors)")
    #expect(fetched.lines.allSatisfy { $0.contains(#""status":200,"bytes":5"#) }, "\(fetched.output)")
  }
}
