import PoolCore
import TestSupport
import Testing
import Time
import WorkerPoolDriver
import WorkerProcess

@testable import WorkerCheck

/// The lines of the report.
@Suite struct ReportTests {
  private func report(_ readiness: Readiness = .assumed) -> Report {
    Report(configuration: configuration(readiness: readiness))
  }

  @Test func theStartSaysWhatProvedIt() {
    let time = 312 * millisecond
    #expect(report().start(time, pid: 812) == "start      began to read after 312 ms, pid 812\n")
    #expect(report(.notified).start(time, pid: 812) == "start      ready after 312 ms (by READY=1), pid 812\n")
    #expect(report(.line(prefix: nil)).start(time, pid: 8).contains("(by its first line)"))
    #expect(report(.line(prefix: Array("OK".utf8))).start(time, pid: 8).contains("(by its line \"OK\")"))
    #expect(report(.probed).start(time, pid: 8).contains("(by its answer to the probe)"))
  }

  @Test func everyStepIsALine() {
    let report = report()
    var reply = Observations.Reply(message: .job(1), sent: "\"test\"", text: "\"TEST\"", elapsed: 1_440_000)
    #expect(report.exchange(reply) == "first job  \"test\" -> \"TEST\" in 1.4 ms\n")
    reply.isAtMost = true
    reply.message = .probe
    #expect(report.exchange(reply) == "probe      \"test\" -> \"TEST\" in under 1.4 ms\n")
    #expect(
      report.unanswered(.job(17), sent: "\"test\"", "no reply within 10 s")
        == "job 17     \"test\" -> no reply within 10 s\n")
    #expect(
      report.warmJobs([80_000, 400_000, 80_000, 80_000])
        == "warm jobs  4 in 0.64 ms: median 0.080 ms, 99 % 0.40 ms, slowest 0.40 ms\n")
    #expect(report.warmJobs([]) == "")
    reply.message = .reset
    #expect(report.resets(reply, [100_000]) == "reset      \"test\" -> \"TEST\" in 0.10 ms\n")
    #expect(
      report.resets(reply, [100_000, 300_000, 100_000]) == "reset      \"test\" -> \"TEST\" 3 times, median 0.10 ms\n")
  }

  @Test func memoryIsToldPerJob() {
    let samples = [(1, 31 << 20), (51, 31 << 20), (101, 32 << 20)].map { Observations.Memory(jobs: $0, bytes: $1) }
    #expect(report().memory(samples) == "memory     31 MB after the first job, 32 MB after 101: +10.2 KB per job\n")
    #expect(report().memory(Array(samples.prefix(1))) == "memory     31 MB after the first job\n")
    #expect(report().memory(samples.reversed().prefix(1).map { $0 }) == "memory     32 MB after the first job\n")
    #expect(report().memory([]) == "")
  }

  @Test func theStopSaysWhatEndedItAndWhatItLeft() {
    let status = WorkerExit.exited(code: 0)
    let kind = Observations.Stop(urgency: .graceful, elapsed: 12 * millisecond, status: status)
    #expect(report().stop(kind, leftBehind: []) == "stop       at the end of its input, in 12 ms, status 0\n")
    #expect(
      report().stop(kind, leftBehind: ["sleep"])
        == "stop       at the end of its input, in 12 ms, status 0; it left 1 process behind: sleep\n")
    #expect(report().stop(kind, leftBehind: ["a", "b"]).contains("; it left 2 processes behind: a, b\n"))
    #expect(
      report().stop(kind, leftBehind: Array(repeating: "x", count: 9)).hasSuffix(
        "9 processes behind: x, x, x, x, x, ...\n"))
    let killed = Observations.Stop(
      urgency: .graceful, elapsed: 11 * second, status: .killed(signal: 9, coreDumped: false))
    #expect(report().stop(killed, leftBehind: []) == "stop       by SIGKILL, in 11.0 s, signal 9\n")
    let crash = Observations.Stop(
      urgency: .graceful, elapsed: millisecond, status: .killed(signal: 11, coreDumped: false))
    #expect(report().stop(crash, leftBehind: []) == "stop       at the end of its input, in 1.0 ms, died of SIGSEGV\n")
  }

  @Test func theJudgementComesWithItsRemediesAndEndsWithAdvice() {
    var judged = Judgement()
    judged.advice = ["--start-timeout 2s"]
    judged.gain = "a warm job takes 0.10 ms, a cold one 313 ms"
    #expect(
      report().judgement(judged) == """
        ok: nothing wrong
        gain       a warm job takes 0.10 ms, a cold one 313 ms
        advice     --start-timeout 2s

        """)
    judged = Judgement()
    judged.findings = [
      Judgement.Finding(
        verdict: .breaksProtocol, text: "it is odd", evidence: ["its stderr: x"], remedies: ["do this", "or that"]),
      Judgement.Finding(verdict: .hurts, text: "it is slow"),
    ]
    #expect(
      report().judgement(judged) == """
        wrong      it is odd
                   its stderr: x
        remedy     do this
                   or that
        will hurt  it is slow
        not ok: it breaks the protocol

        """)
  }

  @Test(arguments: [
    (Judgement.Verdict.hurts, "not ok: it works, but not without trouble"),
    (.breaksProtocol, "not ok: it breaks the protocol"), (.doesNotStart, "not ok: it does not start"),
  ])
  func theWorstDecides(verdict: Judgement.Verdict, words: String) {
    let findings = [verdict, .hurts].map { Judgement.Finding(verdict: $0, text: "") }
    #expect(report().judgement(Judgement(findings: findings)).hasSuffix("\(words)\n"))
  }
}
