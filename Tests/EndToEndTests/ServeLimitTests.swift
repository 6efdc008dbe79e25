import Glibc
import Testing

/// What one client may do to `prefork serve`, and what becomes of the rest.
@Suite struct ServeLimitTests {
  private static let gated = ServeFairnessTests.gated

  @Test("one connection too many is turned away, told, and counted; when one leaves there is room")
  func connections() throws {
    let server = try Server("-w 1 --max-connections 2")
    let (one, two) = (try server.connect(), try server.connect())
    for client in [one, two] {
      client.send("x\n")
      #expect(client.next() == "x")
    }
    let three = try server.connect()
    #expect(three.rest() == "")
    server.session.waitForError("2 connections open already (--max-connections)")
    #expect(try server.metric(#"prefork_connections_refused_total{pool="default",reason="limit"}"#) == 1)
    let submit = try shell("echo four | prefork submit \(server.socket)")
    #expect(submit.status == 75)
    #expect(submit.errors.contains("busy: 2 connections open already (--max-connections)"))
    one.endInput()
    #expect(one.rest() == "")
    let four = try server.connect()
    four.send("four\n")
    #expect(four.next() == "four")
    server.stop()
  }

  @Test("the bad jobs of one client, each of which costs a fresh worker its life, do not stop the pool for another")
  func poison() throws {
    let worker =
      "sh -c 'while read -r l; do case $l in big) printf \"%0100d\\n\" 0;; two) printf \"a\\nb\\n\";; *) echo $l;; esac; done'"
    let server = try Server("-w 2 --max-reply-size 50", worker: worker)
    let (bad, good) = (try server.connect(), try server.connect())
    bad.send(String(repeating: "big\n", count: 30) + String(repeating: "two\n", count: 10))
    for _ in 0..<10 {
      good.send("good\n")
      #expect(good.next() == "good")
    }
    server.stop()
  }

  @Test("a client of control at the job socket is turned away, and its call is no job")
  func wrongDoor() throws {
    let server = try Server("--control unix:$DIR/c", worker: "tee -a $DIR/seen")
    let status = try shell("prefork status \(server.socket)")
    #expect(status.status == 69)
    #expect(server.lines(of: "seen") == [])
    server.session.waitForError("as if it were the control socket")
    let client = try server.connect()
    client.send("{\"method\":\"mine\"}\n")
    #expect(client.next() == "{\"method\":\"mine\"}")
    server.stop()
  }

  @Test("nobody is refused for a full queue while a worker is free")
  func freeWorkers() throws {
    let server = try Server(
      "-w 4 --queue 1 --when-full refuse", worker: "sh -c 'while read -r l; do sleep 0.2; echo $l; done'")
    let client = try server.connect()
    server.wait(for: "four workers") {
      try server.control("status --json").output.ranges(of: #""state":"idle""#).count == 4
    }
    client.send("1\n2\n3\n4\n")
    #expect(client.next(4) == ["1", "2", "3", "4"])
    server.stop()
  }

  @Test("of one connection no more jobs are taken than --client-jobs; the others bring theirs")
  func clientJobs() throws {
    let server = try Server("-w 1 --client-jobs 3", worker: Self.gated)
    let (greedy, other) = (try server.connect(), try server.connect())
    greedy.send((1...10).map { "\($0)\n" }.joined())
    server.wait(for: "three jobs") { try server.control("status").output.contains("3 came in") }
    other.send("other\n")
    server.wait(for: "the other's") { try server.control("status").output.contains("4 came in") }
    server.touch("go")
    #expect(greedy.next(10) == (1...10).map(String.init))
    #expect(other.next() == "other")
    #expect(server.lines(of: "seen").firstIndex(of: "other") ?? 9 <= 2)
    server.stop()
  }

  @Test("with --when-full refuse, a job for which there is no room is answered at once as busy")
  func refuse() throws {
    let server = try Server("-w 1 --queue 2 --when-full refuse --input records --output records", worker: Self.gated)
    let client = try server.connect()
    client.send(#"{"job":"1"}"# + "\n")
    server.wait(for: "the first") { server.lines(of: "seen") == ["1"] }
    client.send((2...5).map { #"{"id":\#($0),"job":"\#($0)"}"# + "\n" }.joined())
    for id in 4...5 {
      let answer = try #require(client.next())
      #expect(answer.contains(#""id":\#(id)"#) && answer.contains(#""outcome":"expired""#), "\(answer)")
      #expect(
        answer.contains(#""message":"busy: 2 jobs waiting already"#) && answer.contains(#""code":75"#), "\(answer)")
    }
    server.touch("go")
    #expect(client.next(3).allSatisfy { $0.contains(#""outcome":"ok""#) })
    #expect(try server.metric("prefork_jobs_refused_total") == 2)
    #expect(server.lines(of: "seen") == ["1", "2", "3"])
    server.stop()
  }

  @Test("with --when-full wait, jobs wait unread, and all are done")
  func wait() throws {
    let server = try Server("-w 1 --queue 2", worker: Self.gated)
    let clients = try (0..<4).map { _ in try server.connect() }
    for (number, client) in clients.enumerated() { client.send("\(number) a\n\(number) b\n") }
    server.wait(for: "three jobs") { try server.control("status").output.contains("3 came in") }
    #expect(clients[3].isSilent(for: 0.1))
    server.touch("go")
    for (number, client) in clients.enumerated() { #expect(client.next(2) == ["\(number) a", "\(number) b"]) }
    server.stop()
  }

  @Test("a job that waits too long for a worker expires; one that runs does not")
  func queueTimeout() throws {
    let server = try Server("-w 1 --queue-timeout 2s --input records --output records", worker: Self.gated)
    let client = try server.connect()
    client.send(#"{"id":1,"job":"1"}"# + "\n")
    server.wait(for: "the first") { server.lines(of: "seen") == ["1"] }
    client.send(#"{"id":2,"job":"2"}"# + "\n")
    #expect(client.next()?.contains(#""id":2,"seq":2,"outcome":"expired""#) == true)
    server.touch("go")
    #expect(client.next()?.contains(#""outcome":"ok""#) == true)
    server.stop()
  }

  @Test(
    "a connection on which nothing moves is closed, but not one that waits for its answer, or for room in the queue")
  func idle() throws {
    let server = try Server("-w 1 --queue 1 --idle-connection-timeout 2s", worker: Self.gated)
    let running = try server.connect()
    running.send("running\n")
    server.wait(for: "the first") { server.lines(of: "seen") == ["running"] }
    let queued = try server.connect()
    queued.send("queued\n")
    server.wait(for: "the second") { try server.control("status").output.contains("2 came in") }
    let unread = try server.connect()
    unread.send("unread\n")
    let (silent, half) = (try server.connect(), try server.connect())
    half.send("half a jo")
    #expect(silent.rest() == "")
    _ = pause(2.5)
    server.touch("go")
    #expect(running.next() == "running")
    #expect(queued.next() == "queued")
    #expect(unread.next() == "unread")
    #expect(half.rest() == "" || server.lines(of: "seen").count == 3)
    #expect(try server.metric(#"prefork_connections_closed_total{pool="default",reason="idle"}"#) ?? 0 >= 1)
    server.stop()
  }

  @Test("a job over --max-job-size fails alone, in lines and in records", arguments: ["lines", "records"])
  func oversize(format: String) throws {
    let server = try Server("-w 1 --max-job-size 100 --input \(format) --output \(format)")
    let client = try server.connect()
    let long = String(repeating: "x", count: 300_000)
    let jobs = ["one", long, "two"]
    client.send(jobs.map { format == "lines" ? $0 + "\n" : #"{"job":"\#($0)"}"# + "\n" }.joined())
    client.endInput()
    let answers = client.rest()
    if format == "lines" {
      #expect(answers == "one\n\ntwo\n")
    } else {
      let lines = answers.split(separator: "\n")
      #expect(lines.count == 3)
      #expect(
        lines.contains { $0.contains(#""seq":2,"outcome":"failed""#) && $0.contains("--max-job-size") }, "\(lines)")
      #expect(lines.contains { $0.contains(#""seq":3"#) && $0.contains(#""result":"two""#) })
    }
    server.session.waitForError("is over 100 bytes (--max-job-size)")
    server.stop()
  }

  @Test("a hundred megabytes without a newline are read over, and cost little memory")
  func endlessLine() throws {
    let server = try Server("-w 1 --max-job-size 1M")
    let (client, other) = (try server.connect(), try server.connect())
    other.send("x\n")
    #expect(other.next() == "x")
    let before = server.residentBytes
    let block = [UInt8](repeating: UInt8(ascii: "x"), count: 10 << 20)
    for _ in 0..<10 {
      client.send(block)
      other.send("x\n")
      #expect(other.next() == "x")
    }
    #expect(server.residentBytes - before < 12 << 20, "\(server.residentBytes - before) bytes more")
    client.send("\nnext\n")
    #expect(client.next(2) == ["", "next"])
    server.stop()
  }

  @Test("half jobs of some clients do not keep another's from coming in, and leave with them")
  func halfJobs() throws {
    let server = try Server("-w 1 --max-job-size 1M --listen tcp:127.0.0.1:0")
    let half = [UInt8](repeating: UInt8(ascii: "h"), count: 900_000)
    let hoarders = try (0..<6).map { _ in try server.connect() }
    for hoarder in hoarders { _ = hoarder.sendWithoutReading(half) }
    // More than is let in freely, and less than what the hoarders have.
    let big = String(repeating: "b", count: 200_000)
    let client = try server.connect()
    client.send(big + "\n")
    #expect(client.next() == big)
    // One that is held back goes on when others have gone.
    let late = try server.connect()
    let most = String(repeating: "m", count: 850_000)
    _ = late.sendWithoutReading(Array(most.utf8))
    for hoarder in hoarders { hoarder.close() }
    late.send("\n")
    let answer = try #require(late.next())
    #expect(answer.utf8.count > 0 && answer.utf8.allSatisfy { $0 == UInt8(ascii: "m") })
    server.stop()
  }

  @Test("a client that is gone while its bad jobs are answered ends nobody but itself")
  func goneWhileAnswered() throws {
    let server = try Server("-w 1 --max-job-size 1 --input records --output records")
    let jobs = [UInt8]("xx\n".utf8)
    for _ in 0..<5 {
      let client = try server.connect()
      var flood: [UInt8] = []
      for _ in 0..<60_000 { flood += jobs }
      _ = client.sendWithoutReading(flood)
      client.close()
    }
    let other = try server.connect()
    other.send("xx\n")
    #expect(other.next()?.contains("--max-job-size") == true)
    #expect(server.stop().status == 0)
  }

  @Test("garbage on the control socket is named, and harms nobody")
  func controlGarbage() throws {
    let server = try Server("-w 1")
    let control = server.socket + ".control"
    let client = try server.connect()
    for garbage in ["GET / HTTP/1.1\r\n\r\n\0", "{\"method\":3}\0", "\u{1}\u{2}\0\0\0"] {
      let stranger = try Client(unix: control)
      stranger.send(garbage)
      stranger.endInput()
      _ = stranger.rest()
    }
    let endless = try Client(unix: control)
    _ = endless.sendWithoutReading([UInt8](repeating: UInt8(ascii: "["), count: 3 << 20))
    _ = endless.rest()
    server.session.waitForError("a client of the control socket is not understood")
    client.send("x\n")
    #expect(client.next() == "x")
    #expect(try server.control("status").status == 0)
    #expect(server.stop().status == 0)
  }

  @Test(
    "a crowd may not take the descriptors that a worker's replacement needs, nor those of control; turning it away costs nothing"
  )
  func descriptors() throws {
    let server = try Server(
      "-w 1", worker: "sh -c 'while read -r l; do [ \"$l\" = die ] && kill -9 $$; echo $l; done'",
      prelude: "ulimit -n 90")
    let crowd = try (0..<60).map { _ in try server.connect() }
    server.session.waitForError("connections open already (--max-connections)")
    let before = processorTime(of: server.session.pid)
    _ = pause(0.8)
    #expect(processorTime(of: server.session.pid) - before < 0.15, "it spins")
    crowd[0].send("die\nalive\n")
    #expect(crowd[0].next(2) == ["", "alive"])
    #expect(try server.control("status").status == 0)
    #expect(server.stop().status == 0)
  }

  /// What a process has used, in seconds.
  private func processorTime(of pid: pid_t) -> Double {
    let stat = (try? contents(of: "/proc/\(pid)/stat")) ?? ""
    let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) / Double(sysconf(CInt(_SC_CLK_TCK)))
  }
}
