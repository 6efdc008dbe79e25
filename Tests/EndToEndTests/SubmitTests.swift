import Glibc
import Testing

/// `prefork submit`: the same from the outside as `prefork run`.
@Suite struct SubmitTests {
  private static func numbers(_ range: ClosedRange<Int>, _ prefix: String = "j") -> String {
    range.map { "\(prefix)\($0)\n" }.joined()
  }

  @Test("line n answers line n, in whatever order the server answers")
  func order() throws {
    let served = try serving("behind", to: "prefork submit $SERVER", input: Self.numbers(1...200))
    #expect(served.result.status == 0)
    #expect(served.result.lines == (1...200).map { "J\($0)" })
    #expect(served.got == [Array(1...200)])
    #expect(served.seen == [], "no more jobs are on their way than the server takes")
    #expect(served.said == "")
  }

  @Test("--unordered gives answers as they come")
  func unordered() throws {
    let served = try serving("behind", to: "prefork submit --unordered $SERVER", input: Self.numbers(1...3))
    #expect(served.result.lines == ["J3", "J2", "J1"])
  }

  @Test("no more jobs are on their way than the server takes, also if that is one", arguments: [1, 2, 7])
  func places(count: Int) throws {
    let served = try serving("places=\(count) behind", to: "prefork submit $SERVER", input: Self.numbers(1...4 * count))
    #expect(served.result.lines.count == 4 * count)
    #expect(served.seen == [])
  }

  @Test("a full order window lets nothing start but the job that all wait for, and ends all the same")
  func orderWindow() throws {
    let served = try serving(
      "behind places=3", to: "prefork submit --order-window 1 $SERVER", input: Self.numbers(1...20))
    #expect(served.result.lines == (1...20).map { "J\($0)" })
    #expect(served.result.status == 0)
  }

  @Test("jobs and replies that are no text, and NUL in and out")
  func formats() throws {
    let served = try serving(
      "serve",
      to: "printf 'a\\000\\377\\000lines\\000bytes' | prefork submit --input nul --output nul $SERVER | od -An -c")
    #expect(
      served.result.output.split { " \n".contains($0) } == [
        "A", "\\0", "305", "270", "\\0", "t", "w", "o", "\\n", "l", "i", "n", "e", "s", "\\0", "377", "\\0",
      ])
  }

  @Test("a reply that the output cannot carry is a failed job, with what to try")
  func unfit() throws {
    let served = try serving("serve", to: "prefork submit $SERVER", input: "lines\nb\n")
    #expect(served.result == ShellResult(output: "\nB\n", status: 1, errors: served.result.errors))
    #expect(served.said.contains("the reply to job 1 cannot be written with --output lines"), "\(served.said)")
    #expect(served.said.contains("hint: for replies of several lines there are --output nul"))
  }

  @Test("records go with what they ask for, and come out with their own id and what the server has told")
  func records() throws {
    let served = try serving(
      "serve", to: "prefork submit -t 5s -r 2 --input records --output records $SERVER",
      input: """
        {"id":{"a":[1,  2]},"job":"x","key":"k","timeout":1.5}
        {"id":"fail","job":"fail","retries":7,"priority":3}
        {"job":{"n":  1.0}}
        {"job_base64":"/w=="}

        """)
    #expect(served.result.status == 1)
    let lines = served.result.lines
    try #require(lines.count == 4, "\(served.result)")
    #expect(
      lines[0].hasPrefix(#"{"id":{"a":[1,  2]},"seq":1,"outcome":"ok","result":"X","attempts":1,"slot":3,"pid":4711,"#))
    #expect(lines[0].hasSuffix(#""cpu":0.125000,"rss":-4096}"#))
    #expect(
      lines[1].hasPrefix(
        #"{"id":"fail","seq":2,"outcome":"crashed","error":{"message":"worker 3 (pid 4711) died of SIGSEGV","signal":11,"stderr":"ouch"},"attempts":8,"#
      ))
    #expect(lines[2].contains(#""result":"{\"N\": 1.0}""#), "\(lines[2])")
    #expect(lines[3].contains(#""seq":4,"outcome":"ok","result":"Ÿ""#), "\(lines[3])")
    #expect(
      served.seen.contains(#"{"id": 1, "job": "x", "timeout": 1.5, "retries": 2, "key": "k"}"#), "\(served.seen)")
    #expect(served.seen.contains(#"{"id": 2, "job": "fail", "timeout": 5.0, "retries": 7, "priority": 3}"#))
    #expect(served.seen.contains(#"{"id": 3, "job": {"n": 1.0}, "timeout": 5.0, "retries": 2}"#))
    #expect(served.seen.contains(#"{"id": 4, "job_base64": "/w==", "timeout": 5.0, "retries": 2}"#))
    #expect(served.said.contains("job 2 crashed: worker 3 (pid 4711) died of SIGSEGV"))
    #expect(served.said.contains("last stderr: \"ouch\""))
  }

  @Test("a bad record is one failed job that is never sent; the status is 65")
  func badRecords() throws {
    let served = try serving(
      "serve", to: "prefork submit --input records $SERVER", input: "nope\n{\"job\":\"a\"}\n")
    #expect(served.result.status == 65)
    #expect(served.result.output == "\nA\n")
    #expect(served.got == [[2]])
  }

  @Test("the joblog has each job that was answered, --resume does the rest, dead letters can be fed in again")
  func joblog() throws {
    try withFile("") { log in
      try withFile("") { dead in
        let submit = "prefork submit --joblog \(log) --dead-letter \(dead) $SERVER"
        let first = try serving("serve", to: submit, input: "a\nfail b\nc\n")
        #expect(first.result.status == 1)
        let logged = try contents(of: log).split(separator: "\n")
        #expect(logged.count == 4)
        #expect(logged[0].contains("Seq\tHost"))
        #expect(logged[2].contains("\tcrashed\t"), "\(logged[2])")
        let letter = try contents(of: dead)
        #expect(
          letter.hasPrefix(
            #"{"job":"fail b","dead_letter":{"seq":2,"outcome":"crashed","attempts":[{"outcome":"crashed","message":"worker 3"#
          ))
        let second = try serving(
          "serve", to: "prefork submit --joblog \(log) --resume $SERVER", input: "a\nfail b\nd\nc\n")
        #expect(second.got == [[2, 3]])
        #expect(second.result.output == "\nD\n")
        let third = try serving("serve", to: "sed s/fail/good/ \(dead) | prefork submit --input records $SERVER")
        #expect(third.result.output == "GOOD B\n")
      }
    }
  }

  @Test("--halt gives up: soon waits for what is on its way, now does not; the status is 75")
  func halt() throws {
    for rule in ["soon", "now"] {
      let served = try serving(
        "places=2", to: "prefork submit --halt \(rule),fail=1 $SERVER", input: "a\nfail\n" + Self.numbers(1...1000))
      #expect(served.result.status == 75)
      #expect(served.said.contains("given up because of --halt"))
      #expect(served.got[0].count < 10)
    }
  }

  @Test("a job that is too large for us or for the server is refused, and only that one")
  func large() throws {
    let served = try serving(
      "size=1000000",
      to: "(head -c 100000000 /dev/zero | tr '\\0' x; echo; head -c 2000000 /dev/zero | tr '\\0' y; echo; echo z) "
        + "| prefork submit $SERVER")
    #expect(served.result == ShellResult(output: "\n\nZ\n", status: 1, errors: served.result.errors))
    #expect(served.said.contains("job 1 is over 67108864 bytes (--max-job-size)"), "\(served.said)")
    #expect(served.said.contains("job 2 is 2000017 bytes as a record, and the server accepts less"), "\(served.said)")
    #expect(served.got == [[3]])
  }

  @Test("large jobs and large answers pass each other: neither side waits for the other")
  func bothWays() throws {
    let line = "python3 -c 'for i in range(40): print(\"x\" * 1000000)' | prefork submit $SERVER | md5sum"
    let served = try serving("serve", to: line)
    let expected = try shell("python3 -c 'for i in range(40): print(\"X\" * 1000000)' | md5sum")
    #expect(served.result.output == expected.output)
  }

  @Test("a reader who has enough ends it quietly, with status 0")
  func closedReader() throws {
    let line = "{ yes | prefork submit $SERVER; echo $? >&2; } | head -n 1"
    let served = try serving("serve", to: line)
    #expect(served.result.output == "Y\n")
    #expect(served.said.hasSuffix("0"))
  }

  @Test("no input is no job and no trouble")
  func empty() throws {
    let served = try serving("serve", to: "prefork submit -v $SERVER")
    #expect(served.result.status == 0, "\(served.said)")
    #expect(served.result.output == "")
  }

  @Test("the first SIGINT sends nothing more and waits for what is on its way, the second leaves at once")
  func interrupted() throws {
    for (count, answered) in [(1, true), (2, false)] {
      try SignalTests.withGate { gate in
        let line = "exec prefork submit -v $SERVER"
        let session = try Session(fakeServer(["places=2 after=\(gate.path)"], line))
        session.send("a\nb\nc\n")
        session.waitForError("connected to")
        session.wait(for: "two jobs on their way") {
          session.signal(SIGUSR1)
          return session.errorText.contains("2 on their way") || !pause(0.05)
        }
        session.signal(SIGINT)
        session.waitForError("once more to stop now")
        if count == 2 { session.signal(SIGINT) } else { gate.open() }
        session.wait(for: "its end") { processes(with: session.cookie, named: "prefork").isEmpty }
        gate.open()  // for the server
        let served = Served(session.finish())
        #expect(served.result.status == 130)
        #expect(served.result.output == (answered ? "A\nB\n" : ""), "\(served.said)")
        #expect(served.said.contains("SIGINT: finishing 2 running jobs"), "\(served.said)")
      }
    }
  }

  @Test("USR1 tells how far it is")
  func state() throws {
    let session = try Session(fakeServer(["places=1"], "exec prefork submit -v $SERVER"))
    session.send("a\n")
    #expect(session.nextLine() == "A")
    session.signal(10)
    session.waitForError("1 job settled, 0 on their way, 0 waiting")
    session.waitForError("connected to unix:")
    #expect(session.finish().status == 0)
  }
}
