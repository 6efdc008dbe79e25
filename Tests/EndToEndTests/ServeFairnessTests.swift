import Glibc
import Testing

/// Connections share the pool of `prefork serve`, and none harms another.
@Suite struct ServeFairnessTests {
  /// Writes down each job, waits until `$DIR/go` is there, and answers.
  static let gated =
    #"sh -c 'while read -r x; do echo "$x" >>$DIR/seen; while [ ! -e $DIR/go ]; do sleep 0.02; done; echo "$x"; done'"#

  @Test("one job does not wait behind another client's hundred thousand")
  func flood() throws {
    let server = try Server("-w 2", worker: "workers/examples/upper.py", seconds: 300)
    let many = try server.connect()
    // No answer of it is read before the other has its own: what is not taken waits in the sockets.
    let flood = Array(String(repeating: "job\n", count: 100_000).utf8)
    let sent = many.sendWithoutReading(flood)
    let one = try server.connect()
    let before = try server.metric(#"prefork_jobs_total{pool="default",outcome="ok"}"#) ?? 0
    one.send("hello\n")
    #expect(one.next() == "HELLO")
    let after = try server.metric(#"prefork_jobs_total{pool="default",outcome="ok"}"#) ?? .infinity
    #expect(after > before)
    many.send(Array(flood[sent...]))
    many.endInput()
    #expect(many.rest() == String(repeating: "JOB\n", count: 100_000))
    #expect(server.stop().status == 0)
  }

  @Test("while a client keeps many slow jobs waiting, another's is next but for those that run")
  func bounded() throws {
    let server = try Server(
      "-w 1", worker: #"sh -c 'while read -r x; do echo "$x" >>$DIR/seen; sleep 0.03; echo "$x"; done'"#)
    let many = try server.connect()
    many.send((1...300).map { "many \($0)\n" }.joined())
    server.wait(for: "some of its jobs") { server.lines(of: "seen").count >= 3 }
    let one = try server.connect()
    one.send("one\n")
    let before = server.lines(of: "seen").count
    #expect(one.next() == "one")
    let seen = server.lines(of: "seen")
    let place = try #require(seen.firstIndex(of: "one"))
    #expect(place - before <= 4, "\(place - before) jobs between")
    many.close()
    server.stop()
  }

  @Test("records go by priority, within a connection and across them")
  func priorities() throws {
    let server = try Server("-w 1 --input records --output records", worker: Self.gated)
    let (one, other) = (try server.connect(), try server.connect())
    one.send(#"{"job":"first"}"# + "\n")
    server.wait(for: "the first") { server.lines(of: "seen") == ["first"] }
    for (job, priority) in [("low", -5), ("usual", 0), ("high", 5)] {
      one.send(#"{"job":"one \#(job)","priority":\#(priority)}"# + "\n")
    }
    other.send(#"{"job":"other highest","priority":9}"# + "\n" + #"{"job":"other lowest","priority":-9}"# + "\n")
    server.wait(for: "all of them to come in") { try server.control("status").output.contains("6 came in") }
    server.touch("go")
    _ = (one.next(4), other.next(2))
    #expect(server.lines(of: "seen") == ["first", "other highest", "one high", "one usual", "one low", "other lowest"])
    server.stop()
  }

  @Test("a slow reader stops being read, costs little memory, and nobody else waits for it")
  func slowReader() throws {
    let server = try Server(
      "-w 2 --control unix:$DIR/control",
      worker: "python3 -c 'import sys\nfor x in sys.stdin: print(\"y\" * 20000, flush=True)'")
    let fast = try server.connect()
    fast.send("x\n")
    #expect(fast.next()?.count == 20000)
    let before = server.residentBytes
    let slow = try server.connect()
    let sent = slow.sendWithoutReading([UInt8](repeating: UInt8(ascii: "\n"), count: 4_000_000))
    #expect(sent < 4_000_000, "all was read, although no answer was")
    for _ in 0..<50 {
      fast.send("x\n")
      #expect(fast.next()?.count == 20000)
    }
    #expect(server.residentBytes - before < 24 << 20, "\(server.residentBytes - before) bytes more")
    // It was only slow: what it asked is answered.
    #expect(slow.next(300).allSatisfy { $0.count == 20000 })
    slow.close()
    #expect(server.stop().status == 0)
  }

  @Test("the jobs of a client that goes away are cancelled; the answer of the running one is dropped, and counted")
  func departure() throws {
    let server = try Server("-w 1", worker: Self.gated)
    let gone = try server.connect()
    gone.send("running\nwaiting 1\nwaiting 2\n")
    server.wait(for: "its first job") { server.lines(of: "seen") == ["running"] }
    let stays = try server.connect()
    stays.send("stays\n")
    server.wait(for: "all jobs") { try server.control("status").output.contains("4 came in") }
    gone.close()
    server.wait(for: "its end") { try server.control("status").output.contains("2 cancelled") }
    server.touch("go")
    #expect(stays.next() == "stays")
    #expect(server.lines(of: "seen") == ["running", "stays"])
    #expect(try server.metric("prefork_answers_dropped_total") == 1)
    #expect(try server.metric(#"prefork_connections_closed_total{pool="default",reason="gone"}"#) == 1)
    server.stop()
  }

  @Test("a client that was silent while others filled the queue is heard when it speaks")
  func silentMeanwhile() throws {
    let server = try Server("-w 1 --queue 2", worker: Self.gated)
    // All of them are to come in the same turn of the loop.
    server.session.signal(SIGSTOP)
    _ = pause(0.05)
    let (silent, greedy, third) = (try server.connect(), try server.connect(), try server.connect())
    greedy.send("1\n2\n3\n4\n5\n")
    third.send("third\n")
    server.session.signal(SIGCONT)
    server.wait(for: "a full queue") { try server.control("status").output.contains("3 came in") }
    server.touch("go")
    #expect(greedy.next(5) == ["1", "2", "3", "4", "5"])
    #expect(third.next() == "third")
    silent.send("silent\n")
    #expect(silent.next() == "silent")
    server.stop()
  }

  @Test("answers that wait behind a slow one do not keep their client from bringing more jobs than it may have at once")
  func slowHead() throws {
    let gate = #"[ "$x" != slow ] || while [ ! -e $DIR/go ]; do sleep 0.01; done"#
    let server = try Server(
      "-w 2 --client-jobs 2 --prefetch 1",
      worker: "sh -c 'while read -r x; do \(gate); echo \"$x\" >>$DIR/seen; echo \"$x\"; done'")
    let client = try server.connect()
    let others = (1...50).map { "\($0)" }
    client.send("slow\n" + others.joined(separator: "\n") + "\n")
    server.wait(for: "the other jobs") { server.lines(of: "seen") == others }
    server.touch("go")
    #expect(client.next(51) == ["slow"] + others)
    server.stop()
  }

  @Test("a client killed in the middle of a job is forgotten, and nobody else notices")
  func killedMidway() throws {
    let server = try Server("-w 1 --listen tcp:127.0.0.1:0", worker: Self.gated)
    server.session.waitForError("tcp:")
    server.touch("go")
    for client in [try server.connect(), try Client(port: server.port)] {
      client.send("whole\nha")
      #expect(client.next() == "whole")
      client.close()
    }
    let other = try server.connect()
    other.send("other\n")
    #expect(other.next() == "other")
    // TCP cannot tell a client that has gone from one that sends no more: its half line is a job, whose answer nobody
    // reads.
    server.wait(for: "their ends") { try server.metric("prefork_connections{") == 1 }
    #expect(!server.lines(of: "seen").dropLast(2).contains { $0 != "whole" && $0 != "ha" })
    #expect(server.stop().status == 0)
  }
}
