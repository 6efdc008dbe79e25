import ControlProtocol
import Glibc
import Testing

@testable import prefork

/// The commands that control a served pool, against a server of a few lines that answers one call with what it was told
/// to.
@Suite struct ControlCommandTests {
  /// Starts a server at POOL.control, runs a command line with POOL for its address, and shows the call last.
  static let server = #"""
    import os, socket, subprocess, sys, tempfile, threading
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/pool.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path + ".control")
        listener.listen(1)
        calls = []
        def serve():
            peer = listener.accept()[0]
            call = b""
            while not call.endswith(b"\0"):
                part = peer.recv(65536)
                if not part: break
                call += part
            calls.append(call)
            for answer in sys.argv[1].encode().split(b"|"):
                if answer == b"never": peer.recv(1)
                else: peer.sendall(answer + b"\0")
            peer.close()
        threading.Thread(target=serve, daemon=True).start()
        words = [word.replace("POOL", path) for word in sys.argv[2:]]
        end = subprocess.run(words).returncode
        sys.stdout.write("".join("CALL " + call.decode().rstrip("\0") + "\n" for call in calls))
    sys.exit(end)
    """#

  /// Runs the words of a command line against a server that answers so.
  static func control(
    _ words: String, program: String = "prefork", answers: String, then: String = ""
  ) throws -> ShellResult {
    try withFile(server) { try shell("python3 \($0) \(shellWord(answers)) \(program) \(words) \(then)") }
  }

  static func call(_ method: String, _ parameters: String, more: Bool = false) -> String {
    #"CALL {"method":"io.prefork.Pool.\#(method)","parameters":\#(parameters)\#(more ? #","more":true"# : "")}"# + "\n"
  }

  @Test(
    "each command makes its call, and says nothing when it is done",
    arguments: [
      ("scale POOL 4", "Scale", #"{"minimum":4,"maximum":4}"#),
      ("scale --pool a POOL 2..8", "Scale", #"{"pool":"a","minimum":2,"maximum":8}"#),
      ("scale unix:POOL.control 0..1", "Scale", #"{"minimum":0,"maximum":1}"#),
      ("recycle POOL", "Recycle", "{}"), ("recycle POOL 0 3", "Recycle", #"{"slots":[0,3]}"#),
      ("reload POOL", "Reload", "{}"), ("cancel POOL 17", "CancelJob", #"{"job":17}"#),
      ("cancel POOL --pool=b 18446744073709551615", "CancelJob", #"{"pool":"b","job":18446744073709551615}"#),
    ])
  func calls(words: String, method: String, parameters: String) throws {
    let result = try Self.control(words, answers: #"{"parameters":{}}"#)
    #expect(result == ShellResult(output: Self.call(method, parameters), status: 0))
  }

  @Test(
    "the server's no is told in words, with its exit status",
    arguments: [
      (
        "scale POOL 9", "InvalidSize", #"{"minimum":9,"maximum":9,"most":8}"#, 1,
        "a pool of 9..9 workers cannot be; the most is 8"
      ),
      ("recycle POOL 9", "NoSuchSlot", #"{"slot":9}"#, 1, "there is no slot 9"),
      ("cancel POOL 9", "NoSuchJob", #"{"job":9}"#, 1, "there is no job 9, or it has ended"),
      (
        "reload POOL", "ReloadFailed", #"{"reason":"line 3: workerz"}"#, 1,
        "the new configuration is not used: line 3: workerz"
      ),
      (
        "jobs POOL --pool c", "NoSuchPool", #"{"pool":"c","pools":["a","b"]}"#, 1,
        "there is no pool \"c\"; there is a, b"
      ),
      (
        "jobs POOL", "NoSuchPool", #"{"pools":["a","b"]}"#, 1,
        "there are several pools: a, b\nhint: choose one with --pool NAME"
      ),
      ("drain POOL", "Stopping", "{}", 75, "the pool is going down"),
      (
        "stop POOL", "NotPermitted", #"{"uid":1000}"#, 77,
        "uid 1000 may not control this pool\nhint: run this as the user that runs the pool, or as one that it allows"
      ),
    ] as [(String, String, String, Int32, String)])
  func refusals(words: String, error: String, parameters: String, status: Int32, text: String) throws {
    let answer = #"{"error":"io.prefork.Pool.\#(error)","parameters":\#(parameters)}"#
    let result = try Self.control(words, answers: answer, then: ">/dev/null")
    #expect(result == ShellResult(output: "", status: status, errors: "prefork: \(text)\n"))
  }

  @Test("drain and stop wait for the second answer, or for the end of the connection", arguments: ["drain", "stop"])
  func end(command: String) throws {
    let accepted = #"{"parameters":{},"continues":true}"#
    let words = command == "drain" ? ("draining", "drained", "Drain") : ("stopping", "stopped", "Stop")
    for answers in [accepted, accepted + #"|{"parameters":{}}"#] {
      let result = try Self.control("\(command) POOL", answers: answers)
      #expect(result.status == 0)
      #expect(result.output == Self.call(words.2, "{}", more: true))
      #expect(result.errors == "prefork: \(words.0); leave with Ctrl-C, it goes on\nprefork: \(words.1)\n")
    }
  }

  @Test("Ctrl-C leaves a drain that takes long, by the signal")
  func interrupt() throws {
    try withFile(Self.server) { path in
      let answers = #"{"parameters":{},"continues":true}|never"#
      let session = try Session("exec python3 \(path) \(shellWord(answers)) prefork drain POOL")
      session.waitForError("draining")
      let prefork = processes(with: session.cookie, named: "prefork")
      #expect(prefork.count == 1)
      for process in prefork { kill(process, SIGINT) }
      let result = session.finish()
      #expect(result.status == 254)  // -2 of subprocess: ended by SIGINT
      #expect(!result.errors.contains("drained"))
    }
  }

  @Test("metrics and JSON come out as they are")
  func texts() throws {
    let metrics = try Self.control(
      "metrics POOL", answers: ##"{"parameters":{"text":"# TYPE x counter\nx_total 1\n# EOF\n"}}"##)
    #expect(metrics.output == "# TYPE x counter\nx_total 1\n# EOF\n" + Self.call("GetMetrics", "{}"))
    let json = String(decoding: ControlReply.status([Self.busyPool]).json, as: UTF8.self)
    let status = try Self.control("status --json --pool a POOL", answers: #"{"parameters":\#(json)}"#)
    #expect(status.output == json + "\n" + Self.call("GetStatus", #"{"pool":"a"}"#))
    let jobs = try Self.control("jobs --json -n 5 POOL", answers: #"{"parameters":{"jobs":[]}}"#)
    #expect(jobs.output == "{\"jobs\":[]}\n" + Self.call("ListJobs", #"{"limit":5}"#))
  }

  @Test("a pool that cannot be reached is told with what to try, and status 69")
  func unreachable() throws {
    let none = try shell("prefork status /nowhere/pool.sock")
    #expect(
      none
        == ShellResult(
          output: "", status: 69,
          errors:
            "prefork: no socket at /nowhere/pool.sock\nhint: is the pool running? its control socket is the first unix job "
            + "socket's path with .control appended\n"))
    #expect(try shell("prefork stop Package.swift").errors.hasPrefix("prefork: Package.swift is not a socket\n"))
    let silent = try Self.control("metrics POOL", answers: "echo hello", then: ">/dev/null")
    #expect(silent.status == 69)
    #expect(
      silent.errors == """
        prefork: the server answers what makes no sense: not JSON: byte 0: "e" where a value must be
        hint: is this the control socket of a pool, and not the one for its jobs?

        """)
  }

  @Test("a closed stdout is told, and does not become the connection")
  func closedStdout() throws {
    let result = try Self.control(
      "metrics POOL", program: "sh -c 'exec prefork \"$@\" >&-' sh", answers: #"{"parameters":{"text":"x"}}"#)
    #expect(
      result
        == ShellResult(
          output: Self.call("GetMetrics", "{}"), status: 74,
          errors: "prefork: stdout is closed: there is nowhere to write the answer\n"))
  }

  @Test("a pool whose workers do not start is in trouble")
  func trouble() {
    var pool = Self.busyPool
    #expect(!statusPage(pool).contains("trouble"))
    pool.isBreakerOpen = true
    #expect(statusPage(pool).contains("\ntrouble   workers do not start; attempts are held back\n"))
  }

  @Test(
    "a wrong command line is told with its form, and status 64",
    arguments: [
      ("status", "no ADDRESS given\nhint: the form is `prefork status [options] ADDRESS`"),
      ("status a b", "unexpected argument b\nhint: the form is `prefork status [options] ADDRESS`"),
      ("scale a", "no N|MIN..MAX given\nhint: the form is `prefork scale [options] ADDRESS N|MIN..MAX`"),
      (
        "recycle a x",
        "SLOT: \"x\" is not a whole number; want a whole number from 0 to 9999, such as 3\n"
          + "hint: `prefork recycle --help` shows what it takes"
      ),
      (
        "drain tcp:127.0.0.1:80",
        "ADDRESS: \"tcp:127.0.0.1:80\" is not the address of a unix socket; want unix:/path or a path, such as "
          + "unix:/run/pool.sock\nhint: `prefork drain --help` shows what it takes"
      ),
    ])
  func usage(words: String, text: String) throws {
    #expect(try shell("prefork \(words)") == ShellResult(output: "", status: 64, errors: "prefork: \(text)\n"))
  }

  @Test("the page fits 80 columns, whatever the pool's figures and names are, and drives no terminal")
  func pageFits() throws {
    var pool = Self.busyPool
    pool.command = ["/usr/bin/model", String(repeating: "x", count: 100), "\u{1B}[2J"]
    pool.slots[0].worker?.said = String(repeating: "a\nb", count: 50)
    pool.clients[0].peer = String(repeating: "p", count: 100)
    pool.jobs.accepted = .max
    pool.age = .max
    var job = JobStatus(job: .max, state: .delayed, connection: .max, age: .max)
    job.beginning = "\u{1B}]0;title\u{7}" + String(repeating: "y", count: 70)
    for line in (statusPage(pool) + jobsPage([job])).split(separator: "\n") {
      #expect(line.count <= 80, "\(line)")
      #expect(!line.unicodeScalars.contains { $0.value < 0x20 }, "\(line)")
    }
  }

  @Test("the page tells of the pool, its jobs, its slots and its clients")
  func page() throws {
    let json = String(decoding: ControlReply.status([Self.busyPool]).json, as: UTF8.self)
    let result = try Self.control("status POOL", answers: #"{"parameters":\#(json)}"#)
    let page = """
      pool a: serving, up 2h 05m
      command   ./model.py --fast
      listens   unix:/run/pool.sock
      workers   2 of 2..8, 1 with a job; 12 started, 1 died, 3 recycled
      jobs      7540 came in; 5 wait, 1 run, 2 wait for another attempt
      ended     7500 ok, 30 failed, 2 timeout
      rate      1.0/s on average; half run under 12 ms, 90% 40 ms, 99% 1.2 s
      clients   1 connected, 57 came so far

      slot state           pid     age     jobs   memory  job, or what it says
         0 leased          812   2h05m     7000    48 MB  #7535 for 1.5 s; goes: jobs
         1 idle            813     12s        3        -  warm
         2 backingOff        -       -        -        -  3 failed starts in a row

      client     age  queued running   settled   unread  peer
           7     59s       5       1        10   1.2 KB  pid 900 (uid 1000)

      """
    #expect(result.output == page + Self.call("GetStatus", "{}"))
  }

  static var busyPool: PoolStatus {
    var pool = PoolStatus(name: "a", phase: .serving)
    pool.age = 7532_000_000_000
    pool.command = ["./model.py", "--fast"]
    pool.listens = ["unix:/run/pool.sock"]
    pool.minimum = 2
    pool.maximum = 8
    pool.starts = 12
    pool.deaths = 1
    pool.recycled = 3
    pool.jobs.accepted = 7540
    pool.jobs.queued = 5
    pool.jobs.running = 1
    pool.jobs.delayed = 2
    pool.jobs.ok = 7500
    pool.jobs.failed = 30
    pool.jobs.timeout = 2
    pool.runTimes = Percentiles(median: 12_000_000, p90: 40_000_000, p99: 1_200_000_000)
    var slots = [
      SlotStatus(slot: 0, state: .leased), SlotStatus(slot: 1, state: .idle), SlotStatus(slot: 2, state: .backingOff),
    ]
    slots[0].worker = WorkerStatus(pid: 812, age: 7532_000_000_000, jobs: 7000)
    slots[0].worker?.memory = 48 << 20
    slots[0].worker?.job = 7535
    slots[0].worker?.jobElapsed = 1_500_000_000
    slots[0].retiring = "jobs"
    slots[1].worker = WorkerStatus(pid: 813, age: 12_000_000_000, jobs: 3)
    slots[1].worker?.said = "warm"
    slots[2].failures = 3
    pool.slots = slots
    pool.connections = 1
    pool.connectionsAccepted = 57
    var client = ClientStatus(connection: 7, peer: "pid 900 (uid 1000)", age: 59_000_000_000)
    client.queued = 5
    client.running = 1
    client.settled = 10
    client.unread = 1234
    pool.clients = [client]
    return pool
  }
}
