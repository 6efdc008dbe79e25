import JobCore
import TestSupport
import Testing
import Time

@testable import Chronicle

@Suite("What a report knows") struct ReportTests {
  @Test("every job and worker is counted, and every moment of every slot", arguments: [1, 2, 3] as [UInt64])
  func counts(seed: UInt64) {
    let run = BusyRun(seed: seed, slots: 4, jobs: 3000)
    let report = report(of: run.events).closed()
    for outcome in Outcome.allCases {
      #expect(report.outcomes[outcome, default: 0] == UInt64(run.settled.count { $0.outcome == outcome }))
    }
    #expect(report.jobs == 3000 && report.attempts == 3000 && report.runTimes.count == 3000)
    #expect(report.settledOK.values.reduce(0, +) == report.outcomes[.ok])
    #expect(report.settledOK.values.reduce(0, +) + report.settledNotOK.values.reduce(0, +) == 3000)
    #expect(report.elapsed == run.events.last.map { $0.time - .origin })
    for slot in 0..<4 {
      var jobs: UInt64 = 0
      var alive: UInt64 = 0
      var starts: UInt64 = 0
      var upkeep: UInt64 = 0
      var started: Instant = 0
      var stopped: Instant = 0
      for event in run.events {
        switch event {
        case .attemptEnded(_, _, slot, _, let since, let at): jobs += (at - since).count
        case .workerStarted(slot, _, let at): started = at
        case .workerReady(slot, _, let since, let at): starts += (at - since).count
        case .upkeep(let kind, slot, let since, let at, _):
          upkeep += (at - since).count
          stopped = kind == .stop ? since : stopped
        case .workerEnded(slot, _, let end, _, let at):
          alive += (at - started).count
          if end == .failedStart { starts += (stopped - started).count }
        default: break
        }
      }
      #expect(report.timelines.rows[slot].jobs.values.reduce(0, +) == jobs)
      #expect(report.timelines.rows[slot].alive.values.reduce(0, +) == alive)
      #expect(report.timelines.rows[slot].starts.values.reduce(0, +) == starts)
      #expect(report.timelines.rows[slot].upkeep.values.reduce(0, +) == upkeep)
      #expect(jobs + starts + upkeep <= alive, "nothing is counted twice")
    }
  }

  @Test("a run of any length is told in the same memory: at most 600 pieces of time, none of them lost")
  func bounded() {
    var report = RunReport()
    var time: Instant = 0
    for job in 1...5000 as ClosedRange<UInt64> {
      report.add(.attemptEnded(job: job, attempt: 1, slot: 0, failure: nil, since: time, at: time + .milliseconds(job)))
      time += .milliseconds(job)
      report.add(
        .jobSettled(
          SettledJob(sequence: job, outcome: .failed, acceptedAt: 0, settledAt: time, failure: "cause \(job)")))
      report.add(.sample(Sample(at: time, queued: Int(job), running: 1, settled: 1, notOK: 0, serving: 1, starting: 0)))
    }
    let whole = report.closed()
    #expect(whole.settledNotOK.values.count <= 600 && whole.settledNotOK.values.count > 290)
    #expect(whole.settledNotOK.values.reduce(0, +) == 5000)
    #expect(whole.timelines.rows[0].jobs.values.count <= 600)
    #expect(
      whole.timelines.rows[0].jobs.values.reduce(0, +) == time.sinceOrigin.count,
      "one job after the other, without a gap")
    #expect(whole.timelines.rows[0].jobs.values.dropLast().allSatisfy { $0 == whole.buckets.width.count })
    #expect(whole.waiting.values.max() == 5001)
    #expect(whole.html(title: "", command: "").count < 200_000)
  }

  @Test("more slots than rows are summed in the last row")
  func manySlots() {
    var report = RunReport()
    for slot in 0..<200 {
      report.add(.workerStarted(slot: slot, pid: Int32(slot), at: 0))
      report.add(.attemptEnded(job: UInt64(slot), attempt: 1, slot: slot, failure: nil, since: 100, at: 200))
    }
    let rows = report.closed().timelines.rows
    #expect(rows.count == 65 && rows[64].slots == 136 && rows[63].slots == 1)
    #expect(rows[64].jobs.values.reduce(0, +) == 13_600 && rows[63].jobs.values.reduce(0, +) == 100)
    #expect(rows[64].alive.values.reduce(0, +) == 136 * 200, "who lives at the end has lived until then")
  }

  @Test("the slowest jobs are kept, the slowest first, without those that ran into their limit")
  func slowest() {
    var chance = SplitMix64(state: 9)
    var report = RunReport()
    var times: [Nanoseconds] = []
    for job in 1...1000 as ClosedRange<UInt64> {
      let time = Nanoseconds.random(in: 0..<1_000_000, using: &chance)
      let isTimeout = job % 10 == 0
      if !isTimeout { times.append(time) }
      report.add(
        .jobSettled(
          SettledJob(
            sequence: job, outcome: isTimeout ? .timeout : .ok, acceptedAt: 0, startedAt: 500, settledAt: 500 + time)))
    }
    #expect(report.notable.slowest.map { $0.runTime! } == Array(times.sorted(by: >).prefix(20)))
  }

  @Test("of the jobs that did not end well, the first and the last are kept, and the causes of all are counted")
  func failed() {
    var report = RunReport()
    for job in 1...1007 as ClosedRange<UInt64> {
      let words = job % 2 == 0 ? "died of SIGSEGV" : "cause \(job)"
      let end = SettledJob(
        sequence: job, outcome: .crashed, acceptedAt: 0, settledAt: Instant(nanoseconds: job), failure: words)
      report.add(.jobSettled(end))
    }
    let notable = report.notable
    #expect(notable.firstFailed.map(\.sequence) == Array(1...20))
    #expect(notable.lastOfFailed.map(\.sequence) == Array(988...1007))
    #expect(notable.frequentCauses.count == 100 && notable.frequentCauses[0].count == 503)
    #expect(notable.frequentCauses.reduce(notable.otherCauses) { $0 + $1.count } == 1007)
  }

  @Test("long texts from outside are cut before they are kept")
  func longTexts() {
    var report = RunReport()
    let long = String(repeating: "é", count: 100_000)
    report.add(
      .jobSettled(
        SettledJob(
          sequence: 1, name: long, outcome: .failed, acceptedAt: 0, startedAt: 0, settledAt: 1, failure: long,
          errorLines: [String](repeating: long, count: 1000))))
    let kept = report.notable.firstFailed[0]
    #expect(kept.name!.count == 301 && kept.failure!.count == 301 && kept.errorLines.count == 10)
    #expect(kept.errorLines.allSatisfy { $0.count == 301 })
    #expect(report.notable.frequentCauses[0].cause.words.count == 301)
  }

  @Test("text is escaped for HTML, in attributes, too")
  func escaping() {
    var bytes: [UInt8] = []
    bytes.append(html: "<a b=\"c\" d='e'>&\u{1}é\n")
    let escaped = "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\u{FFFD}é\n"
    #expect(String(decoding: bytes, as: UTF8.self) == escaped)
  }

  @Test(
    "the marks of a time axis are round, few, and within it",
    arguments: [1, 7, 1_000_000, 61_000_000_000, 1 << 50, 1 << 62] as [UInt64])
  func ticks(end: UInt64) {
    let ticks = timeTicks(to: Nanoseconds(end))
    #expect(ticks.count <= 8 && ticks[0].text == "0" && ticks.allSatisfy { (0...1).contains($0.place) })
  }
}
