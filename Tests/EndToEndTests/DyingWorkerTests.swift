import Glibc
import Testing

/// Workers that die: the job in hand is named and settled, no other job is touched, and the slot is filled again.
@Suite struct DyingWorkerTests {
  /// Lesson 13 (joblib #812), and 26: a death has a job, a cause and evidence, and the exit status shows it.
  @Test(arguments: [
    ("die", "exited with status 7"), ("segv", "died of SIGSEGV"), ("abort", "died of SIGABRT"),
    ("quit", "exited normally (status 0)"),
  ])
  func lesson13ADeathInAJobIsNamedWithJobSlotPidAndCause(word: String, cause: String) throws {
    let result = try shell("prefork run -w 1 -- workers/faulty/dies_mid_job.py", input: "a\nb\n\(word)\nc\nd\n")
    #expect(result.output == "a\nb\n\nc\nd\n")
    #expect(result.status == 1)
    let line = result.errors.split(separator: "\n").first { $0.hasPrefix("prefork: worker 0 (pid ") } ?? ""
    #expect(line.contains("\(cause) "), "\(result.errors)")
    #expect(line.contains("into job 3 (its 3rd job, age "), "\(result.errors)")
    #expect(result.errors.contains("4 ok, 1 crashed"), "\(result.errors)")
    if word == "die" {
      #expect(result.errors.contains("worker 0: the parser met a comma it did not expect\nprefork: worker 0 (pid "))
    }
  }

  @Test func aDeathIsRetriedAndQuarantinedWhateverRetriesSays() throws {
    let result = try shell(
      "prefork run -w 2 -r 9 --quarantine-after 2 -- workers/faulty/dies_mid_job.py", input: "a\nsegv\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("2 ok, 1 quarantined"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count { $0.contains("died of SIGSEGV") } == 2, "\(result.errors)")
  }

  @Test func everyJobMayBeADeathAndStillEachHasOneLine() throws {
    let result = try shell("seq 1 40 | sed 's/$/ quit/' | prefork run -w 3 -- workers/faulty/dies_mid_job.py")
    #expect(result.output == String(repeating: "\n", count: 40))
    #expect(result.status == 1)
    #expect(result.errors.contains("all crashed"), "\(result.errors.suffix(300))")
    // Said in full a few times, then counted: no flood.
    #expect(result.errors.split(separator: "\n").count { $0.contains(" into job ") } == 4, "\(result.errors)")
    #expect(result.errors.contains("10 worker deaths of that cause so far (-v shows each); the last: worker "))
    #expect(result.errors.contains("40 worker deaths in all: exited normally (status 0) in a job"), "\(result.errors)")
  }

  @Test func withoutRetriesEveryNthJobIsCrashedAndNoOther() throws {
    let result = try shell("seq 10 | prefork run -w 1 -- workers/faulty/kills_itself_on_job.py 5")
    #expect(result.lines == ["1", "2", "3", "4", "", "6", "7", "8", "9", ""])
    #expect(result.status == 1)
    #expect(result.errors.contains("was killed by SIGKILL"))
  }

  /// Lesson 25 (mod_fcgid): a worker that leaves after its Nth answer is no failure, and costs no job an attempt.
  @Test(arguments: [1, 7]) func lesson25AWorkerThatLeavesBetweenJobsCostsNothing(answers: Int) throws {
    let result = try shell("seq 40 | prefork run -w 2 -- workers/faulty/exits_after.py \(answers)")
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(firstDifference(result.lines) { "\($0)" } == nil)
    #expect(result.lines.count == 40)
  }

  /// Lesson 6 (cpython #96062): a SIGKILLed worker is noticed at once, not by the next job, and settles nothing.
  @Test func lesson6ADeathWhileIdleIsNoticedWithoutAJobAndCostsNone() throws {
    let session = try Session("exec prefork run -w 1 -- workers/faulty/dies_between_jobs.py")
    for job in ["a", "b", "c"] {
      let deaths = session.errorText.split(separator: "\n").count
      session.send("\(job)\n")
      #expect(session.nextLine() == job)
      session.wait(for: "the news of its death") { session.errorText.split(separator: "\n").count > deaths }
    }
    let result = session.finish()
    #expect(result.status == 0)
    #expect(result.errors.contains("was killed by SIGKILL"))
    #expect(result.errors.contains("while idle (after 1 job"), "\(result.errors)")
  }

  @Test func halfAReplyIsNeverPassedOn() throws {
    let result = try shell("prefork run -w 1 -- workers/faulty/half_reply.py", input: "a\nhalf of this\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("exited with status 1"))
    #expect(result.errors.contains("in the middle of a reply: \"half o\""), "\(result.errors)")
  }

  @Test func halfAReplyIsRetriedElsewhere() throws {
    let result = try shell(
      "prefork run -w 2 -r 2 --quarantine-after 9 -- workers/faulty/half_reply.py", input: "a\nhalf\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.errors.split(separator: "\n").count { $0.contains("in the middle of a reply") } == 3)
  }

  /// A reply that came whole counts, even if its worker dies in the same breath.
  @Test func aReplyBeforeADeathCounts() throws {
    let worker = "read -r job; echo $job; kill -9 $$"
    let result = try shell("seq 20 | prefork run -w 2 -- sh -c '\(worker)'")
    #expect(result.lines.elementsEqual((1...20).map { "\($0)" }))
    #expect(result.status == 0)
  }

  /// EOF on a pipe is not death, and death is not EOF: here the pipes stay open in a grandchild.
  @Test(arguments: ["", "setsid"]) func aGrandchildThatHoldsThePipesKeepsNobodyWaiting(option: String) throws {
    // One that called setsid is out of reach of this version: it is swept up by the test.
    let result = try shell(
      "prefork run -w 1 -- workers/faulty/grandchild_holds_pipes.py \(option)", input: "a\ndie\nb\n",
      sweeping: option == "setsid")
    #expect(result.output == "a\n\nb\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("exited with status 9"))
  }

  @Test func killedWorkersInTheMiddleOfAStreamLoseNothingWithARetry() throws {
    let session = try Session("exec prefork run -w 3 -r 5 --quarantine-after 9 -- workers/examples/upper.py")
    session.send((1...20_000).map { "\($0)\n" }.joined())
    for part in 1...6 {
      session.wait(for: "replies") { session.outputBytes.count > part * 15_000 }
      if let victim = session.workers.randomElement() { kill(victim, SIGKILL) }
    }
    let result = session.finish()
    #expect(result.status == 0)
    #expect(firstDifference(result.lines) { "\($0)" } == nil)
    #expect(result.lines.count == 20_000)
    #expect(result.errors.contains("was killed by SIGKILL"))
  }

  @Test func noZombieIsKeptWhileTheRunGoesOn() throws {
    let session = try Session("exec prefork run -w 2 -- workers/faulty/dies_mid_job.py")
    session.send("quit 1\nsegv 2\nquit 3\ndie 4\nx\n")
    #expect((1...5).map { _ in session.nextLine() } == ["", "", "", "", "x"])
    #expect(children(of: session.pid).filter { $0.state == "Z" }.map(\.pid) == [])
    #expect(session.finish().status == 1)
  }
}
