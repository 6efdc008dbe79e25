import LinuxIO
import PoolCore
import TestSupport
import Testing
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess

@testable import WorkerCheck

/// What ended the check early, in the words of the report.
@Suite struct FindingTests {
  @Test func nothingIsWrongWithAGoodWorker() {
    let judged = judgement(goodWorker())
    #expect(judged.verdict == .nothingWrong)
    #expect(judged.findings.isEmpty)
  }

  private func only(_ failure: Failure, _ configuration: CheckConfiguration = configuration()) throws
    -> Judgement.Finding
  {
    let judged = judgement(worker(failure), configuration)
    #expect(judged.findings.count == 1)
    #expect(judged.advice.isEmpty || judged.verdict == .hurts, "a worker that must be mended first is given no advice")
    return try #require(judged.findings.first)
  }

  private func hearing(
    before: String = "", after: String = "", wasReading: Bool = true, wait: Nanoseconds? = 3 * millisecond,
    end: WorkerExit? = nil
  ) -> Failure.Hearing {
    Failure.Hearing(
      before: before, after: after, wasReading: wasReading, wait: wait, late: 200 * millisecond + (wait ?? 0), end: end)
  }

  private func silent(
    _ hearing: Failure.Hearing, isUnread: Bool = false, _ message: Message = .job(1)
  ) -> Failure {
    .silent(message, limit: 10 * second, isUnread: isUnread, hearing)
  }

  // MARK: Silence

  @Test func aReplyThatCameWithTheEndOfTheInputWasInABuffer() throws {
    let finding = try only(silent(hearing(after: "\"test\\n\"")))
    #expect(finding.verdict == .breaksProtocol)
    #expect(
      finding.text
        == "its stdout is block-buffered: it read the first job and the next message, was silent for 10 s, and "
        + "\"test\\n\" came 3.0 ms after the end of its input")
    let remedies = finding.remedies.joined(separator: "\n")
    // Nothing is known of ./worker: every language may be its.
    for cure in [
      "flush=True", "python3 -u", "setvbuf", "fflush()", "mawk -W interactive", "sed -u", "stdbuf -oL",
      "$stdout.sync = true", "$| = 1", "ob_flush()", "'line'", "Flush()", "PrintWriter",
    ] {
      #expect(remedies.contains(cure), "\(cure)")
    }
  }

  /// It would be unkind to call a worker buffered that only takes its time.
  @Test func aWorkerThatIsOnlySlowIsNotCalledBuffered() throws {
    let busy = try only(silent(hearing(after: "\"test\\n\"", wasReading: false)))
    #expect(busy.verdict == .hurts)
    #expect(busy.text == "it answered the first job only after 10.2 s, later than --timeout allows: \"test\\n\"")
    let beforeTheEnd = try only(silent(hearing(after: "\"test\\n\"", wait: nil)))
    #expect(beforeTheEnd.verdict == .hurts)
    let long = try only(silent(hearing(after: "\"test\\n\"", wait: 3 * second)))
    #expect(!long.text.contains("buffered"))
  }

  @Test func withOtherFramingsItMayWaitForANewline() throws {
    let finding = try only(silent(hearing(after: "\"4:test,\"")), configuration(framing: .netstring))
    #expect(finding.text.hasPrefix("it waits for a newline, or its stdout is block-buffered: "))
    #expect(finding.remedies.first?.contains("--protocol netstring") == true)
  }

  @Test(arguments: [
    (Framing.lines, "a reply ends with a newline"), (.nul, "a reply ends with a NUL byte"),
    (.length4, "a reply begins with its length in 4 bytes"), (.netstring, "a reply is LENGTH:BYTES, with the comma"),
  ])
  func aReplyWithoutItsEndIsShown(framing: Framing, remedy: String) throws {
    let finding = try only(
      silent(hearing(before: "\"test\"", after: "\"test\"")), configuration(framing: framing))
    #expect(finding.text == "it did not end its reply to the first job within 10 s: \"test\"")
    #expect(finding.remedies.first?.hasPrefix(remedy) == true)
  }

  @Test func aWorkerThatStoppedReadingIsToldFromOneThatHangs() throws {
    let unread = try only(silent(hearing(), isUnread: true, .job(2)))
    #expect(unread.text == "it stopped reading its stdin: job 2 was still unread after 10 s")
    let hanging = try only(silent(hearing()))
    #expect(
      hanging.text == "it read the first job and did not answer within 10 s (--timeout), not even when its input ended")
    #expect(hanging.remedies.contains { $0.hasPrefix("is \"test\" a job that it understands?") })
    let leaving = try only(silent(hearing(end: .exited(code: 1)), .reset))
    #expect(
      leaving.text
        == "it read the reset and did not answer within 10 s (--probe-timeout); at the end of its input it exited with status 1"
    )
  }

  // MARK: The start

  @Test func aWorkerThatCannotBeStartedIsToldWithItsHint() throws {
    let finding = try only(.cannotStart(words: "cannot start ./x: No such file", hint: "there is no such file"))
    #expect(finding.verdict == .doesNotStart)
    #expect(finding.text == "cannot start ./x: No such file")
    #expect(finding.remedies == ["there is no such file"])
  }

  @Test func anEarlyEndHasItsStatusItsTimeAndItsLastWords() throws {
    var seen = Observations()
    seen.failure = .ended(.starting, .exited(code: 127), unfinished: "")
    seen.age = 2_100_000
    seen.lastErrorLines = ["sh: 1: nosuch: not found"]
    let finding = try #require(judgement(seen).findings.first)
    #expect(finding.verdict == .doesNotStart)
    #expect(
      finding.text
        == "it exited with status 127 (to a shell: command not found) before it had read a job, 2.1 ms after its start")
    #expect(finding.evidence == ["its stderr: sh: 1: nosuch: not found"])
    #expect(
      judgement(seen, configuration(readiness: .notified)).findings.first?.text.contains(") before it was ready, ")
        == true)
  }

  @Test(arguments: [
    (Readiness.notified, "it did not send READY=1 within 60 s (--start-timeout)"),
    (.line(prefix: nil), "it did not write its first line within 60 s (--start-timeout)"),
    (
      .line(prefix: Array("READY".utf8)),
      "it did not write a line that begins with \"READY\" within 60 s (--start-timeout)"
    ),
    (.probed, "it did not answer the probe within 60 s (--start-timeout)"),
  ])
  func whatWasToProveItsReadinessIsNamed(readiness: Readiness, text: String) throws {
    let probe = Exchange(request: Array("ping".utf8), reply: nil)
    let checked = configuration(readiness: readiness, probe: probe)
    let finding = try only(.notReady(limit: 60 * second, nil), checked)
    #expect(finding.verdict == .doesNotStart)
    #expect(finding.text == text)
    #expect(finding.remedies.contains { $0.contains("--start-timeout DUR") })
    let buffered = try only(.notReady(limit: 60 * second, hearing(after: "\"READY\\n\"")), checked)
    #expect(buffered.text.hasPrefix(text + ", but \"READY\\n\" came with the end of its input"))
    #expect(buffered.text.hasSuffix("its stdout is block-buffered"))
    let unended = try only(.notReady(limit: 60 * second, hearing(before: "\"READY\"", after: "\"READY\"")), checked)
    #expect(unended.text == text + "; what it wrote is no whole message: \"READY\"")
    let late = try only(.notReady(limit: 60 * second, hearing(after: "\"READY\\n\"", wait: 4 * second)), checked)
    #expect(late.text == text + ", but 4.2 s later: \"READY\\n\"")
  }

  @Test func aJobThatWasNeverReadIsAFailedStart() throws {
    let finding = try only(.neverRead(.job(1), limit: 60 * second))
    #expect(finding.verdict == .doesNotStart)
    #expect(finding.text == "it left the first job unread for 60 s (--start-timeout)")
  }

  // MARK: Deaths

  @Test func aDeathOnAJobIsToldWithTheHalfReply() throws {
    let plain = try only(.ended(.message(.job(1)), .killed(signal: 11, coreDumped: false), unfinished: ""))
    #expect(plain.verdict == .breaksProtocol)
    #expect(plain.text == "it died of SIGSEGV on the first job, without a reply")
    let half = try only(.ended(.message(.job(50)), .exited(code: 1), unfinished: "\"te\""))
    #expect(half.text == "it exited with status 1 on job 50, in the middle of a reply: \"te\"")
    #expect(half.remedies.isEmpty, "49 such jobs went well")
  }

  @Test func whoLeavesAfterOneJobIsAFilterAndWhoLeavesAfterMoreNeedsMaxJobs() throws {
    var seen = worker(.ended(.idle(last: nil), .exited(code: 0), unfinished: ""))
    seen.warmJobs = []
    let filter = try #require(judgement(seen).findings.first)
    #expect(filter.verdict == .hurts)
    #expect(filter.text == "it left after 1 job (status 0): that is a filter, not a worker")
    seen.warmJobs = Array(repeating: millisecond, count: 49)
    let tidy = try #require(judgement(seen).findings.first)
    #expect(tidy.text == "it left by itself after 50 jobs (status 0)")
    #expect(tidy.remedies == ["if it is meant to: --max-jobs 40 starts its replacement before it leaves"])
    seen.failure = .ended(.idle(last: nil), .exited(code: 3), unfinished: "")
    #expect(judgement(seen).findings.first?.text == "it exited with status 3 after 50 jobs, while it had nothing to do")
    seen.failure = .asksToGo
    #expect(judgement(seen).findings.first?.text == "it asked to be replaced (STOPPING=1) after 50 jobs")
    #expect(judgement(seen).verdict == .hurts)
  }

  @Test func theKernelsWordOnADeathIsEvidence() throws {
    var seen = worker(.ended(.message(.job(1)), .killed(signal: 9, coreDumped: false), unfinished: ""))
    seen.outOfMemory = "out of memory: the kernel's OOM killer"
    #expect(judgement(seen).findings.first?.evidence == ["out of memory: the kernel's OOM killer"])
  }

  // MARK: Breaches

  @Test func aGreetingIsToldFromASecondReply() throws {
    let greeting = try only(.violation(.starting, .unaskedReply(shown: "\"Welcome\\n\"")))
    #expect(greeting.verdict == .breaksProtocol)
    #expect(greeting.text == "it wrote to its stdout before it had read a job: \"Welcome\\n\"")
    #expect(greeting.remedies.first?.hasPrefix("--ready line ") == true)
    let tooMuch = try only(
      .violation(.starting, .unaskedReply(shown: "\"b\"")), configuration(readiness: .line(prefix: nil)))
    #expect(tooMuch.remedies.first == "--ready line=TEXT: TEXT is how the last line of its greeting begins")
    let first = Observations.Reply(message: .job(1), sent: "\"test\"", text: "\"a\"", elapsed: 1)
    let second = try only(.violation(.idle(last: first), .unaskedReply(shown: "\"b\\n\"")))
    #expect(second.text == "it wrote more than one reply to the first job: after \"a\" came \"b\\n\"")
    #expect(second.remedies.contains { $0.contains("--protocol nul, length4 or netstring") })
    #expect(second.remedies.contains { $0.contains("--ready line") }, "the first of them may be a greeting")
    let later = Observations.Reply(message: .job(7), sent: "\"test\"", text: "\"a\"", elapsed: 1)
    let third = try only(.violation(.idle(last: later), .unaskedReply(shown: "\"b\"")), configuration(framing: .nul))
    #expect(third.text.hasPrefix("it wrote more than one reply to job 7"))
    #expect(!third.remedies.contains { $0.contains("--ready line") || $0.contains("--protocol") })
  }

  @Test func repliesTooManyAreShownWithTheOnesThatWereRight() throws {
    let atOnce = try only(.violation(.message(.job(7)), .surplusReply(first: "\"a\"", shown: "\"b\\n\"")))
    #expect(atOnce.text == "it wrote more than one reply to job 7: after \"a\" came \"b\\n\"")
    #expect(atOnce.remedies.contains { $0.contains("--protocol nul, length4 or netstring") })
    #expect(atOnce.remedies.contains { $0.contains("wrap it in a script") })
    let last = Observations.Reply(message: .job(9), sent: "\"test\"", text: "\"a\"", elapsed: 1)
    let atEnd = try only(.violation(.idle(last: last), .surplusAtEnd(shown: "\"bye\\n\"")))
    #expect(atEnd.verdict == .breaksProtocol)
    #expect(atEnd.text.hasPrefix("it had more to write when its input ended: \"bye\\n\""))
    #expect(atEnd.evidence.contains("so replies before that may have belonged to other jobs"))
  }

  @Test(arguments: [
    (
      ProtocolViolation.replyTooLarge(limit: 9),
      "on the first job it wrote a reply of more than 9 bytes (--max-reply-size)"
    ),
    (.closedOutput(unfinished: ""), "on the first job it closed its stdout but lives on"),
    (.closedInput, "on the first job it closed its stdin but lives on"),
    (
      .malformed("the length is none", shown: "\"hello\""),
      "on the first job it wrote a malformed reply: the length is none: \"hello\""
    ),
  ])
  func theOtherBreaches(violation: ProtocolViolation, text: String) throws {
    let finding = try only(.violation(.message(.job(1)), violation))
    #expect(finding.verdict == .breaksProtocol)
    #expect(finding.text == text)
    #expect(!finding.remedies.isEmpty)
  }

  @Test func aWrongAnswerIsAFailedStartOnlyIfItWasToProveTheStart() throws {
    let wrong = Failure.wrongAnswer(.probe, text: "\"ping\"", expected: "\"pong\"")
    var seen = Observations()
    seen.failure = wrong
    #expect(judgement(seen).verdict == .doesNotStart)
    #expect(judgement(seen).findings.first?.text == "it answered the probe with \"ping\" instead of \"pong\"")
    #expect(judgement(worker(wrong)).verdict == .breaksProtocol)
    #expect(judgement(worker(wrong)).findings.first?.text.hasSuffix("instead of \"pong\", after 101 jobs") == true)
    let reset = try only(.wrongAnswer(.reset, text: "\"no\"", expected: "\"ok\""))
    #expect(reset.remedies.first?.contains("--reset TEXT=REPLY") == true)
  }
}
