import Glibc
import Testing

/// A job that runs out of time, is cancelled, or whose client has gone, is given up by its worker if it is asked to:
/// by a signal, as at a terminal, whatever its protocol is. The worker stays warm.
@Suite struct CancelTests {
  private static let worker = "workers/faulty/lies_when_cancelled.py"
  private static let signal = "--cancel signal=INT --cancel-grace 60s"

  /// Jobs as records. One that begins with `!` may run for half a second; the others as long as they like, even on a
  /// machine that stands still.
  private func jobs(_ jobs: String...) -> String {
    jobs.map { job in
      job.hasPrefix("!") ? #"{"job":"\#(job.dropFirst())","timeout":0.5}"# + "\n" : #"{"job":"\#(job)"}"# + "\n"
    }.joined()
  }

  @Test("a job that runs out of time is interrupted; its answer is nobody else's, and the worker stays warm")
  func timeout() throws {
    let result = try shell(
      "prefork run -v -w 1 --input records --output records \(Self.signal) -- \(Self.worker)",
      input: jobs("pid", "!sleep 100", "b", "!late 100", "c", "pid"))
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 6, "\(result.errors)")
    for place in [1, 3] {
      #expect(lines[place].contains(#""outcome":"timeout","error":{"message":"it ran longer than"#), "\(lines[place])")
    }
    #expect(lines[2].contains(#""result":"b""#) && lines[4].contains(#""result":"c""#), "\(result.output)")
    #expect(result.errors.contains("1 worker start"), "\(result.errors)")
    #expect(result.errors.contains("by SIGINT to give it up (--cancel)"), "\(result.errors)")
    #expect(result.status == 1)
  }

  @Test("a worker that leaves out the answer it was interrupted in shifts no other's, however many jobs wait")
  func silent() throws {
    let before = (0..<200).map { "a\($0)" }
    let after = (0..<100).map { "b\($0)" }
    let lines = (before + ["!hang"] + after).map { job in
      job.hasPrefix("!") ? #"{"job":"hang","timeout":0.5}"# : #"{"job":"\#(job)"}"#
    }
    let worker = #"trap : INT; while read -r job; do [ $job = hang ] && { sleep 100; continue; }; echo $job; done"#
    let result = try shell(
      "prefork run -w 1 --input records --cancel signal=INT --cancel-grace 0.3 --stop-timeout 0.2 -- sh -c '\(worker)'",
      input: lines.joined(separator: "\n") + "\n")
    let replies = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast()
    #expect(Array(replies) == before + [""] + after)
    #expect(result.status == 1, "\(result.errors)")
  }

  @Test("one that does not answer in time, or dies of it, is replaced; nothing else is lost")
  func deaf() throws {
    let result = try shell(
      "prefork run -v -w 1 --cancel signal=SIGINT --cancel-grace 0.3 --stop-timeout 0.2 --input records "
        + "--output records -- \(Self.worker)", input: jobs("!deaf 100", "b"))
    #expect(result.output.contains(#""outcome":"timeout""#) && result.output.contains(#""result":"b""#))
    #expect(result.errors.contains("did not give up a job within 0.3 s (--cancel-grace)"), "\(result.errors)")
    let dies = try shell(
      "prefork run -v -w 1 --input records --output records \(Self.signal) -- \(Self.worker)",
      input: jobs("!dies 100", "b"))
    #expect(dies.output.contains(#""outcome":"timeout""#) && dies.output.contains(#""result":"b""#), "\(dies.errors)")
    #expect(dies.errors.contains("2 worker starts") && !dies.errors.contains("died"), "\(dies.errors)")
  }

  @Test("a second answer to a job that was given up breaks the protocol, and becomes no other job's")
  func twice() throws {
    let result = try shell(
      "prefork run -w 1 --input records \(Self.signal) -- \(Self.worker)", input: jobs("!twice 100", "b"))
    #expect(result.output == "\nb\n", "\(result.output) \(result.errors)")
    #expect(result.errors.contains("cancelled again"), "\(result.errors)")
    #expect(result.status == 76)
  }

  @Test("a job that is tried again elsewhere does not get the answer of the worker that gave it up")
  func retried() throws {
    try withFile("") { file in
      unlink(file)
      let result = try shell(
        "prefork run -w 2 --input records --retries 30 \(Self.signal) -- \(Self.worker)",
        input: jobs("!once \(file) 100"))
      #expect(result.output == "right\n" && result.status == 0, "\(result.output) \(result.errors)")
    }
  }

  @Test(
    "programs at a prompt that know Ctrl-C stay warm",
    arguments: [
      ("python", "import time; time.sleep(100)", "print(2)"), ("gdb", "shell sleep 100", "printf \"2\""),
      ("gnuplot", "while (1) {}", "print 2"), ("sh", "sleep 100", "echo 2"),
    ])
  func prompts(preset: String, hanging: String, next: String) throws {
    let result = try shell(
      "prefork run -v -w 1 --input records --output records \(Self.signal) --repl \(preset)",
      input: jobs("!\(hanging)", next.replacing("\"", with: "\\\"")))
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 2, "\(result.errors)")
    #expect(lines[0].contains(#""outcome":"timeout""#), "\(lines[0])")
    #expect(lines[1].contains(#""result":"2""#), "\(lines[1])")
    #expect(result.errors.contains("1 worker start"), "\(result.errors)")
  }

  @Test("prefork cancel interrupts the running job of a served pool; the others are answered, by the same worker")
  func command() throws {
    let server = try Server("-w 1 \(Self.signal)", worker: Self.worker)
    let client = try server.connect()
    client.send("pid\n")
    let pid = client.next()
    client.send("sleep 100\nb\npid\n")
    server.wait(for: "the job") { try server.control("jobs").output.contains("running") }
    #expect(try server.control("cancel", "2").status == 0)
    #expect(client.next(3) == ["", "b", pid ?? ""])
    server.stop()
  }

  @Test("--on-disconnect cancel: the running jobs of a client that goes away are cancelled, and only those")
  func disconnect() throws {
    let server = try Server("-w 2 --prefetch 1 --on-disconnect cancel \(Self.signal)", worker: Self.worker)
    let (gone, stays) = (try server.connect(), try server.connect())
    stays.send("pid\npid\n")
    #expect(stays.next(2).count == 2)
    gone.send("sleep 100\nsleep 101\nsleep 102\n")
    server.wait(for: "its jobs") { try server.control("status").output.contains("5 came in") }
    gone.close()
    server.wait(for: "their end") { try server.control("status").output.contains("3 cancelled") }
    stays.send("x\n")
    #expect(stays.next() == "x")
    #expect(try server.metric("prefork_worker_starts_total") == 2)
    server.stop()
  }

  @Test("a client that has only closed its sending side gets every answer")
  func halfClosed() throws {
    let server = try Server("-w 1 --on-disconnect cancel \(Self.signal)", worker: Self.worker)
    let client = try server.connect()
    client.send("sleep 0.3\nb\n")
    client.endInput()
    #expect(client.next(2) == ["sleep 0.3", "b"])
    server.stop()
  }

  @Test(
    "what means nothing is refused",
    arguments: [
      "--cancel-grace 1s", "--cancel signal=NOPE", "--cancel signal=KILL", "--cancel INT",
      "--cancel signal=INT --protocol jsonrpc --concurrency 2", "--cancel signal=INT --cancel-grace 0",
    ])
  func usage(options: String) throws {
    let result = try shell("prefork run \(options) -- cat")
    #expect(result.status == 64, "\(result.errors)")
  }

  @Test("the hint names both ways to be asked, on the command line and in a file; either is enough")
  func companions() throws {
    let line = try shell("prefork run --cancel-grace 2s -- cat").errors
    #expect(line.contains("--cancel-grace means nothing without --protocol or --cancel\n"), "\(line)")
    #expect(line.contains("hint: for example `--protocol=jsonrpc` or `--cancel=signal=INT`"), "\(line)")
    let mistake = #""cancel-grace" means nothing without "protocol" or "cancel"; for example protocol: jsonrpc or "#
    let settings = [
      ("", false), (", protocol: nul", false), (", cancel: signal=INT", true), (", protocol: jsonrpc", true),
    ]
    for (companion, isEnough) in settings {
      try withFile("listen: unix:/tmp/s\ncommand: cat\ndefaults: {cancel-grace: 2s\(companion)}\n") { file in
        let result = try shell("prefork serve --check-config --config \(file)")
        #expect(result.status == (isEnough ? 0 : 78), "\(companion): \(result.errors)")
        #expect(result.errors.contains(mistake) != isEnough, "\(result.errors)")
      }
    }
  }

  @Test("check cancels nothing, and has no option for it")
  func check() throws {
    for option in ["--cancel signal=INT", "--cancel-grace 2s --protocol jsonrpc"] {
      let result = try shell("prefork check \(option) -- cat")
      #expect(result.status == 64 && result.errors.contains("unknown option --cancel"), "\(result.errors)")
    }
  }
}
