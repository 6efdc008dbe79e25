import Chronicle
import JobCore
import JSON
import TestSupport
import Testing
import Time

@Suite("The trace") struct TraceTests {
  @Test("a finished trace is JSON to the letter, and each event says what it must", arguments: [1, 2, 3] as [UInt64])
  func finished(seed: UInt64) throws {
    let run = BusyRun(seed: seed, slots: 5, jobs: 500)
    let bytes = trace(of: run.events)
    #expect(try JSONScanner.check(bytes.span.bytes).kind == .array)
    let lines = try lines(of: bytes)
    for line in lines {
      #expect(line["name"] != nil && line["pid"] == "812")
      switch line["ph"] {
      case "X": #expect(line.nanoseconds("ts") != nil && line.nanoseconds("dur") != nil && line["tid"] != nil)
      case "i": #expect(line.nanoseconds("ts") != nil && ["t", "p"].contains(line["s"]))
      case "C": #expect(line.nanoseconds("ts") != nil && !line.arguments.isEmpty)
      case "M": #expect(!line.arguments.isEmpty)
      default: Issue.record("a phase nobody asked for: \(line.members)")
      }
    }
    let attempts = lines.filter { $0["cat"]?.hasPrefix("job") == true }.compactMap { $0.arguments["job"] }
    #expect(attempts.sorted() == run.settled.map { "\($0.sequence)" }.sorted(), "each attempt is one span")
  }

  @Test("a run that is killed leaves a trace at any line: without its last comma and with a bracket it is JSON")
  func killed() throws {
    let bytes = trace(of: BusyRun(seed: 4, slots: 2, jobs: 60).events)
    let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.dropFirst().dropLast(2)
    #expect(ends.count > 100)
    for end in ends {
      #expect(bytes[end - 1] == UInt8(ascii: ","))
      let whole = Array(bytes[..<(end - 1)]) + [UInt8(ascii: "]")]
      #expect(throws: Never.self) { try JSONScanner.check(whole.span.bytes) }
    }
  }

  @Test(
    "the spans of a row nest, even if jobs wait in the pipes of their workers", arguments: [1, 4],
    [5, 6, 7] as [UInt64])
  func nesting(ahead: Int, seed: UInt64) throws {
    let lines = try lines(of: trace(of: BusyRun(seed: seed, slots: 3, jobs: 800, ahead: ahead).events))
    let spans = lines.compactMap(Span.init)
    #expect(spans.count > 800)
    #expect(misnested(spans) == nil)
    let rows = Set(spans.map(\.row)).count
    #expect(ahead == 1 ? rows == 3 : rows > 3, "only jobs that overlap need more than a row per slot")
    let named = lines.filter { $0["name"] == "thread_name" }.map { $0["tid"]! }
    #expect(Set(named).count == named.count && Set(named) == Set(spans.map(\.row)), "each row is named once")
  }

  @Test("the check for nesting finds spans that overlap in part")
  func nestingIsChecked() {
    let outer = Span(row: "1", start: 10, end: 20)
    #expect(misnested([outer, Span(row: "1", start: 15, end: 21)]) != nil)
    #expect(misnested([outer, Span(row: "1", start: 9, end: 11)]) != nil)
    #expect(misnested([outer, Span(row: "1", start: 10, end: 20), Span(row: "1", start: 20, end: 25)]) == nil)
    #expect(misnested([outer, Span(row: "2", start: 15, end: 25)]) == nil)
  }

  @Test("the rows are the slots, by name and in their order")
  func rows() throws {
    let lines = try lines(of: trace(of: BusyRun(seed: 8, slots: 3, jobs: 30).events, title: "prefork run"))
    let names = lines.filter { $0["name"] == "thread_name" }.map { [$0["tid"], $0.arguments["name"]] }
    #expect(Set(names) == [["1", "slot 0"], ["2", "slot 1"], ["3", "slot 2"]])
    #expect(lines.first?["name"] == "process_name" && lines.first?.arguments["name"] == "prefork run")
    let order = lines.filter { $0["name"] == "thread_sort_index" }.map { Int($0.arguments["sort_index"]!)! }
    #expect(order == order.sorted() && Set(order).count == 3)
  }

  @Test("no name breaks the file, whatever is in it")
  func hostileNames() throws {
    let names = [
      "\"},{\"ph\":\"X\"", "back\\slash", "\u{0}\u{1}\u{8}\n\r\t\u{1F}\u{7F}", "\u{2028}\u{FFFF}🙂",
      String(decoding: [0x66, 0xFF, 0xC0, 0x80, 0xED, 0xA0, 0x80] as [UInt8], as: UTF8.self), "],\n[",
    ]
    for name in names {
      let bytes = trace(
        of: [
          .workerEnded(slot: 0, pid: 7, .died, cause: name, at: 2),
          .attemptEnded(job: 1, attempt: 2, slot: 0, failure: name, since: 1, at: 2),
        ], title: name)
      #expect(throws: Never.self) { try JSONScanner.check(bytes.span.bytes) }
      let lines = try lines(of: bytes)
      #expect(lines[0].arguments["name"] == name)
      #expect(lines.first { $0["ph"] == "i" }?.arguments["cause"] == name)
      #expect(lines.first { $0["ph"] == "X" }?.arguments["failure"] == name)
    }
  }

  @Test("a start that fails is a span until the worker is stopped or ends, whichever is told first")
  func failedStart() throws {
    let stop = RunEvent.upkeep(.stop, slot: 0, since: 60_000, at: 75_000, wentWell: true)
    let end = RunEvent.workerEnded(slot: 0, pid: 9, .failedStart, cause: "not ready after 50 µs", at: 75_000)
    for news in [[stop, end], [end, stop], [end]] {
      let lines = try lines(of: trace(of: [.workerStarted(slot: 0, pid: 9, at: 10_000)] + news))
      let starts = lines.filter { $0["name"] == "failed start" }
      #expect(starts.count == 1 && starts[0].nanoseconds("ts") == 10_000)
      #expect(misnested(lines.compactMap(Span.init)) == nil)
      let instant = try #require(lines.first { $0["name"] == "did not start" })
      #expect(instant.nanoseconds("ts") == 75_000 && instant.arguments["worker"] == "9")
    }
  }

  @Test("a death is an instant in its row with its cause, and its worker's attempt says how it ended")
  func death() throws {
    let lines = try lines(
      of: trace(of: [
        .workerStarted(slot: 4, pid: 70, at: 0), .workerReady(slot: 4, pid: 70, since: 0, at: 1_000),
        .attemptStarted(job: 12, attempt: 3, slot: 4, at: 1_000),
        .attemptEnded(job: 12, attempt: 3, slot: 4, failure: "crashed", since: 1_000, at: 3_456),
        .workerEnded(slot: 4, pid: 70, .died, cause: "died of SIGSEGV", at: 3_456),
      ]))
    let death = try #require(lines.first { $0["name"] == "died" })
    #expect(death["tid"] == "5" && death["s"] == "t" && death["ts"] == "3.456")
    #expect(death.arguments == ["worker": "70", "cause": "died of SIGSEGV"])
    let job = try #require(lines.first { $0["name"] == "job 12" })
    #expect(job["ts"] == "1.000" && job["dur"] == "2.456" && job["tid"] == "5")
    #expect(job.arguments == ["worker": "70", "job": "12", "attempt": "3", "failure": "crashed"])
  }

  @Test("samples are counters; the throughput is that since the sample before")
  func counters() throws {
    let samples = [(500_000_000, 50), (1_500_000_000, 250), (1_500_000_000, 250), (2_000_000_000, 250)].map {
      Sample(at: $0.0, queued: 3, running: 2, settled: $0.1, notOK: 0, serving: 4, starting: 1)
    }
    let lines = try lines(of: trace(of: samples.map { .sample($0) }))
    let rates = lines.filter { $0["name"] == "jobs per second" }.map { $0.arguments["settled"] }
    #expect(rates == ["100", "200", "0"])
    #expect(lines.first { $0["name"] == "jobs" }?.arguments == ["waiting": "3", "running": "2"])
    #expect(lines.first { $0["name"] == "workers" }?.arguments == ["serving": "4", "starting": "1"])
  }
}
