import Glibc
import Testing

/// Short jobs wait in the pipe of their worker behind the one that runs, so that it never waits for us (--prefetch).
@Suite struct PrefetchTests {
  private let counter = "workers/faulty/counts_parked.py"

  @Test("short jobs are parked, once a worker has proved itself one job at a time; all come out in order")
  func parked() throws {
    let session = try Session("exec prefork run -w 1 -- \(counter)", seconds: 300)
    var first: [String] = []
    // The second time after it was let run empty.
    for _ in 0..<2 {
      var isParked = false
      // Jobs are short only while the machine lets them be.
      while !isParked && !session.hasEnded() {
        session.send((1...2000).map { "\($0)\n" }.joined())
        let waiting = (1...2000).map { _ in session.nextLine() ?? "" }
        if first.isEmpty { first = Array(waiting.prefix(64)) }
        isParked = waiting.contains { $0 != "1" }
      }
      #expect(isParked)
    }
    #expect(first.allSatisfy { $0 == "1" }, "\(first)")
    #expect(session.finish().status == 0)
    let numbers = try shell("seq 20000 | prefork run -w 3 -- cat | cmp - $(seq 20000 >$0.in; echo $0.in); rm $0.in")
    #expect(numbers.output == "", "\(numbers)")
  }

  @Test("--prefetch is the most that a worker has; 1 parks nothing", arguments: [1, 3])
  func limit(most: Int) throws {
    let result = try shell("seq 5000 | prefork run -w 1 --prefetch \(most) -- \(counter)")
    let waiting = result.lines.compactMap { Int($0) }
    #expect(result.status == 0 && waiting.count == 5000)
    #expect(waiting.max()! <= most)
  }

  @Test("what --prefetch cannot be is refused, and the message names both forms", arguments: ["0", "257", "all"])
  func refused(value: String) throws {
    let result = try shell("prefork run --prefetch \(value) -- cat </dev/null 2>&1")
    #expect(result.status == 64 && result.output.contains("want auto or a whole number from 1 to 256"), "\(result)")
  }

  @Test("jobs that take longer than a millisecond are never parked")
  func slow() throws {
    let result = try shell("yes pause | head -n 90 | prefork run -w 1 -- \(counter)")
    #expect(result.lines == Array(repeating: "1", count: 90))
  }

  @Test("short jobs are parked at many workers, too, though these wait for each other most of the time")
  func manyWorkers() throws {
    let session = try Session("exec prefork run -w 40 -- python3 -IS \(counter)", seconds: 300)
    var isParked = false
    // Jobs are short only while the machine lets them be.
    while !isParked && !session.hasEnded() {
      session.send((1...8000).map { "\($0)\n" }.joined())
      isParked = (1...8000).count { _ in Int(session.nextLine() ?? "") ?? 0 >= 8 } > 1000
    }
    #expect(session.finish().status == 0)
  }

  @Test("jobs that sleep are never parked at many workers, though they cost hardly any CPU time")
  func sleeping() throws {
    let result = try shell("yes nap | head -n 8000 | prefork run -w 40 -- python3 -IS \(counter)")
    #expect(result.status == 0 && result.lines == Array(repeating: "1", count: 8000))
  }

  @Test("a worker that dies costs only the job at its head: those behind go to others, and it is no attempt of theirs")
  func death() throws {
    let jobs = "(seq 3000; echo die; seq 3000; echo die; seq 3000)"
    let result = try shell("\(jobs) | prefork run -q -w 2 --output records --no-accounting -- \(counter)")
    #expect(result.status == 1)
    let bad = result.lines.filter { !$0.contains(#""outcome":"ok""#) }
    #expect(result.lines.count == 9002 && bad.count == 2, "\(bad)")
    #expect(bad.allSatisfy { $0.contains(#""outcome":"crashed""#) })
    #expect(result.lines.allSatisfy { $0.contains(#""attempts":1"#) })
  }

  @Test("jobs that were parked at a worker which died are done next, in their order")
  func orderAfterDeath() throws {
    let jobs = "(seq 3000; echo die; seq 3000; echo die; seq 3000)"
    let result = try shell("\(jobs) | prefork run -q -w 1 --unordered --output records --no-accounting -- \(counter)")
    #expect(result.lines.compactMap { number("seq", $0) } == (1...9002).map { Double($0) })
  }

  @Test("while a job is parked it waits, and does not run")
  func waiting() throws {
    let run = "exec prefork run -q -w 1 --output records --no-accounting -- \(counter)"
    let session = try Session(run, seconds: 300)
    let jobs = (1...1000).map { "\($0)\n" }.joined() + "pause\n"
    session.send(jobs)
    var isParked = false
    // Jobs are short only while the machine lets them be.
    while !isParked && !session.hasEnded() {
      session.send(jobs)
      let pause = (1...1001).map { _ in session.nextLine() ?? "" }.last ?? ""
      // The worker had read the next job, too, when it paused for 50 ms.
      isParked = !pause.contains(#""result":"1""#)
      if isParked {
        #expect(number("ran", pause[...]) ?? 0 >= 0.04)
        #expect(number("queued", session.nextLine()?[...] ?? "") ?? 0 >= 0.04)
      }
    }
    #expect(session.finish().status == 0)
  }

  @Test("the time limit counts from when a job is at the head, and costs only that one")
  func timeLimit() throws {
    let jobs = "(seq 3000; echo sleep; seq 3000)"
    let result = try shell("\(jobs) | prefork run -q -w 2 -t 3s --output records --no-accounting -- \(counter)")
    let bad = result.lines.filter { !$0.contains(#""outcome":"ok""#) }
    #expect(result.lines.count == 6001 && bad.count == 1, "\(bad)")
    #expect(bad.first?.contains(#""outcome":"timeout""#) == true)
    #expect(result.lines.allSatisfy { $0.contains(#""attempts":1"#) })
  }

  @Test("--max-jobs is kept with jobs that are parked", arguments: [1, 7, 200, 1000])
  func jobLimit(most: Int) throws {
    let worker = #"n=0; while read -r j; do n=$((n+1)); echo $n; done"#
    let jobs = most * 20
    let limits = "--surge 0 --max-jobs \(most) --jitter 0%"
    let result = try shell("seq \(jobs) | prefork run -q -w 2 \(limits) -- sh -c '\(worker)'")
    let counts = result.lines.compactMap { Int($0) }
    #expect(result.status == 0 && counts.count == jobs)
    #expect(counts.max()! == most)
  }

  @Test("a line too many now and then is never missed, whatever is parked")
  func strays() throws {
    let result = try shell("seq 20000 | prefork run -q -w 1 -- workers/faulty/strays.py")
    #expect(result.status == 76)
  }

  @Test("nothing is parked at a worker that does several jobs at a time: it answers in order as long as it has one")
  func concurrent() throws {
    let result = try shell("seq 3000 | prefork run -w 2 -- workers/faulty/handles_concurrently.py")
    #expect(result.status == 0)
    #expect(result.lines == (1...3000).map { "\($0)" })
  }

  @Test("a worker that leaves answers out is found as soon as it waits for jobs and owes some: never silently shifted")
  func leavesOut() throws {
    let session = try Session("exec prefork run -w 1 -t 2s -- workers/faulty/leaves_out.py", seconds: 300)
    // If jobs are too slow to be parked, the one without an answer is alone, and runs out of time.
    session.wait(for: "the breach") {
      if session.unsentCount == 0 { session.send((1...3000).map { "\($0)\n" }.joined()) }
      return session.errorText.contains("it has left some out")
    }
    #expect(session.finish().status == 76)
  }

  @Test("a worker that ends in order after its last job costs none of those that it had read ahead")
  func exitsInOrder() throws {
    let result = try shell("seq 5000 | prefork run -w 2 -- workers/faulty/exits_after_reading_ahead.py 500")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.lines == (1...5000).map { "\($0)" })
  }

  @Test("a parked job that is cancelled is cancelled alone: all others are answered, each once and in order")
  func cancelParked() throws {
    let server = try Server("-w 1", worker: counter)
    let client = try server.connect()
    client.send((1...400).map { "\($0)\n" }.joined())
    #expect(client.next(400).count == 400)
    client.send("wait \(server.folder)/go\n" + (402...420).map { "\($0)\n" }.joined())
    server.wait(for: "all jobs") { try server.control("status").output.contains("420 came in") }
    let running = try server.control("jobs").output
    #expect(running.contains("running"), "\(running)")
    #expect(try server.control("cancel", "410").status == 0)
    server.touch("go")
    let answers = client.next(20)
    #expect(answers.count == 20 && answers[9] == "", "\(answers)")
    #expect(answers.count { $0 == "" } == 1, "\(answers)")
    client.send("x\n")
    #expect(client.next() == "1")
    server.stop()
  }

  @Test(
    "the first SIGINT lets the running job finish, the second ends all; each job that came in has one outcome, in order"
  )
  func interrupt() throws {
    let session = try Session("exec prefork run -w 1 --output records --no-accounting -- \(counter)")
    session.send((1...5000).map { "\($0)\n" }.joined() + "sleep\n" + (1...5000).map { "\($0)\n" }.joined())
    session.wait(for: "what comes before the sleep") { session.outputText.contains(#""seq":5000,"#) }
    session.signal(SIGINT)
    session.waitForError("once more to stop now")
    session.signal(SIGINT)
    session.wait(for: "the end") { session.hasEnded() }
    let result = session.finish()
    #expect(result.status == 130)
    let sequences = result.lines.compactMap { $0.firstMatch(of: #/"seq":([0-9]+)/#).flatMap { Int($0.1) } }
    #expect(sequences == Array(1...max(1, sequences.count)))
    #expect(sequences.count > 5000)
    #expect(result.lines.dropFirst(5000).allSatisfy { $0.contains(#""outcome":"cancelled""#) })
  }

  /// The number in this field of a record.
  private func number(_ field: String, _ record: Substring) -> Double? {
    guard let label = record.firstRange(of: "\"\(field)\":") else { return nil }
    return Double(record[label.upperBound...].prefix { $0.isNumber || $0 == "." })
  }
}
