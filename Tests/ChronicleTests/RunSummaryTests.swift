import JobCore
import TestSupport
import Testing
import Time

@testable import Chronicle

@Suite("The summary") struct RunSummaryTests {
  private let millisecond: Nanoseconds = 1_000_000

  private func worker(_ summary: inout RunSummary, _ slot: Int, startTime: Nanoseconds?, end: WorkerEnd) {
    summary.take(.workerStarted(slot: slot, pid: 100, at: 0))
    if let startTime { summary.take(.workerReady(slot: slot, pid: 100, since: 0, at: .origin + startTime)) }
    summary.take(.workerEnded(slot: slot, pid: 100, end, cause: "", at: .origin + 10 * second))
  }

  @Test("it says what became of the jobs, how long they ran, and how long workers took to start")
  func full() {
    var summary = RunSummary()
    for _ in 0..<5 { worker(&summary, 0, startTime: 500 * millisecond, end: .stopped) }
    for _ in 0..<2 { worker(&summary, 1, startTime: 500 * millisecond, end: .recycled) }
    worker(&summary, 2, startTime: 500 * millisecond, end: .died)
    for number in 1...1000 as ClosedRange<UInt64> {
      let outcome: Outcome = number <= 2 ? .crashed : .ok
      let time = (number <= 980 ? 12 : 40) * millisecond
      summary.take(
        .jobSettled(
          SettledJob(
            sequence: number, outcome: outcome, acceptedAt: 0, startedAt: .origin + second,
            settledAt: .origin + second + time)))
    }
    #expect(
      summary.lines(elapsed: 12_300 * millisecond) == [
        "1000 jobs in 12.3 s (81/s): 998 ok, 2 crashed",
        "run time median 12 ms, p99 40 ms",
        "8 worker starts (mean 500 ms), 2 recycled, 1 died",
      ])
  }

  @Test("one job is no statistics")
  func one() {
    var summary = RunSummary()
    worker(&summary, 0, startTime: nil, end: .stopped)
    summary.settled(.ok, ran: 250 * millisecond)
    #expect(summary.lines(elapsed: second) == ["1 job in 1.0 s: ok", "run time 250 ms", "1 worker start"])
  }

  @Test("few jobs have a longest, not a 99th percentile")
  func few() {
    var summary = RunSummary()
    for time in 1...10 as ClosedRange<UInt64> { summary.settled(.ok, ran: time * second) }
    let lines = summary.lines(elapsed: 20 * second)
    #expect(lines[0] == "10 jobs in 20.0 s (30/min): all ok")
    // Whatever was counted, answers that may be wrong are not "all ok".
    summary.isInDoubt = true
    let doubtful = "10 jobs in 20.0 s (30/min): 10 ok, but workers broke the protocol: answers may be wrong"
    #expect(summary.lines(elapsed: 20_000_000_000)[0] == doubtful)
    summary.take(.answerWithdrawn(job: 3, at: 20_000_000_000))
    #expect(
      summary.lines(elapsed: 20_000_000_000)[0] == doubtful.replacing("10 ok", with: "9 ok, 1 failed"))
    #expect(lines[1].hasSuffix(", longest 10.0 s"))
    #expect(lines.count == 2)
  }

  @Test("nothing to do, nothing to tell")
  func none() { #expect(RunSummary().lines(elapsed: 3 * millisecond) == ["0 jobs in 3.0 ms"]) }

  @Test("jobs that no worker had have no run time, and those that waited after it neither")
  func neverRan() {
    var summary = RunSummary()
    summary.settled(.failed, ran: nil)
    summary.settled(.expired, ran: 9 * second)
    summary.settled(.cancelled, ran: 9 * second)
    #expect(summary.runTimes.count == 0)
    #expect(summary.lines(elapsed: second) == ["3 jobs in 1.0 s (3.0/s): 1 failed, 1 cancelled, 1 expired"])
  }

  @Test("of starts it says what was measured, and nothing that was not: no time that might have been saved")
  func onlyMeasured() {
    var slow = RunSummary()
    worker(&slow, 0, startTime: 1_200 * millisecond, end: .stopped)
    for _ in 0..<12_000 { slow.settled(.ok, ran: second) }
    #expect(slow.lines(elapsed: second).last == "1 worker start (1.2 s)")
    var unknown = RunSummary()
    worker(&unknown, 0, startTime: nil, end: .stopped)
    #expect(unknown.lines(elapsed: second).last == "1 worker start")
    var fast = RunSummary()
    for _ in 0..<3 { worker(&fast, 0, startTime: millisecond, end: .stopped) }
    #expect(fast.lines(elapsed: second).last == "3 worker starts", "a fork is not worth a word")
  }

  @Test("workers that never took a job are told of as such")
  func failedStarts() {
    var summary = RunSummary()
    for _ in 0..<5 { worker(&summary, 0, startTime: nil, end: .failedStart) }
    #expect(summary.lines(elapsed: second).last == "5 worker starts, 5 failed to start")
  }
}
