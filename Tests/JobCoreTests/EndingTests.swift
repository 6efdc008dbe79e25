import TestSupport
import Testing
import Time

@testable import JobCore

@Suite struct EndingTests {
  @Test func anEmptyInputIsIdleAtOnce() {
    var story = Story()
    #expect(story.tell(.inputEnded) == [.idle])
    #expect(!story.ledger.canAccept)
    #expect(story.tell(.inputEnded) == [])
    #expect(story.tell(.drain) == [])
  }

  @Test func idleIsSaidOnceWhenTheLastJobIsOut() {
    var story = Story()
    let jobs = story.lease(2)
    #expect(story.tell(.inputEnded) == [])
    #expect(story.tell(.replied(jobs[1], resultBytes: 0)) == [.settled(jobs[1], .ok), .hold(jobs[1])])
    #expect(story.tell(.replied(jobs[0], resultBytes: 0)).last == .idle)
  }

  @Test("what is refused after the end has its outcome, and the end is not reported twice", arguments: [true, false])
  func refusedAfterTheEnd(isDrain: Bool) throws {
    var story = Story { $0.halt = HaltRule(.now, .count(1)) }
    #expect(story.tell(isDrain ? .drain : .inputEnded) == [.idle])
    let late = story.arrive(refused: true)
    let job = try #require(late.job)
    #expect(
      late.actions == [
        .reportInternalError("a job was accepted after the end of the input"),
        .settled(job, .expired), .emit(job, .expired), .forget(job),
      ])
    #expect(story.ledger.isHalted == !isDrain)
    #expect(!story.arrive(refused: true).actions.contains(.idle))
  }

  @Test func aJobBetweenTwoEndsIsNotTheLast() {
    var story = Story { $0.retries = 1 }
    let job = story.lease()[0]
    _ = story.tell(.inputEnded)
    #expect(story.tell(.attemptFailed(job, .failed)) == [])
    #expect(story.ledger.demand == 1)
    _ = story.send()
    #expect(story.tell(.replied(job, resultBytes: 0)).last == .idle)
  }

  @Test func aDrainCancelsWhatWaitsAndFinishesWhatRuns() {
    var story = Story { $0.queueLimitTime = 60 }
    let running = story.lease()[0]
    let waiting = story.accept()[0]
    #expect(story.ledger.demand == 1)
    #expect(
      story.tell(.drain)
        == [.disarm(.queue(waiting)), .settled(waiting, .cancelled), .hold(waiting)])
    #expect(story.ledger.demand == 0)
    #expect(!story.ledger.canAccept)
    #expect(
      story.tell(.replied(running, resultBytes: 0)) == [
        .settled(running, .ok), .emit(running, .ok), .forget(running), .emit(waiting, .cancelled), .forget(waiting),
        .idle,
      ])
  }

  @Test func aDrainRepeatsNothing() {
    var story = Story { $0.retries = 5 }
    let jobs = story.lease(2)
    _ = story.tell(.drain)
    #expect(story.tell(.attemptFailed(jobs[0], .crashed)).first == .settled(jobs[0], .crashed))
    #expect(
      story.tell(.returnedUnstarted(jobs[1]))
        == [.settled(jobs[1], .cancelled), .emit(jobs[1], .cancelled), .forget(jobs[1]), .idle])
  }

  @Test func aDrainStillKeepsTheRunLimit() {
    var story = Story { $0.runLimit = 9 }
    let job = story.lease()[0]
    _ = story.tell(.drain)
    let actions = story.tell(.timerFired(.run(job)))
    #expect(actions.prefix(2) == [.interrupt(job, because: .runLimit), .settled(job, .timeout)])
  }

  @Test(arguments: [true, false])
  func anAbortCancelsEverything(_ keepOrder: Bool) {
    var story = Story {
      $0.keepOrder = keepOrder
      $0.runLimit = 9
    }
    let running = story.lease(2)
    let waiting = story.accept()[0]
    _ = story.tell(.replied(running[1], resultBytes: 3))
    let actions = story.tell(.abort)
    #expect(actions.contains(.interrupt(running[0], because: .cancelled)))
    #expect(actions.contains(.disarm(.run(running[0]))))
    #expect(story.ledger.demand == 0)
    #expect(actions.contains(.settled(waiting, .cancelled)))
    #expect(!actions.contains(.hold(waiting)))
    #expect(actions.last == .idle)
    #expect(story.ledger.counts[.ok] == 1)
    #expect(story.ledger.counts[.cancelled] == 2)
    #expect(story.tell(.abort) == [])
  }

  @Test func anAbortEmitsInOrder() {
    var story = Story()
    let jobs = story.lease(2) + story.accept()
    _ = story.tell(.returnedUnstarted(jobs[0]))
    _ = story.tell(.replied(jobs[1], resultBytes: 3))
    let emitted = story.tell(.abort).filter { "\($0)".hasPrefix("emit") }
    #expect(emitted == [.emit(jobs[0], .cancelled), .emit(jobs[1], .ok), .emit(jobs[2], .cancelled)])
  }

  @Test func aJobAfterTheEndIsReportedAndStillGetsItsOutcome() throws {
    var ended = Story()
    _ = ended.tell(.inputEnded)
    let defect = JobAction.reportInternalError("a job was accepted after the end of the input")
    let late = ended.arrive()
    #expect(late.actions == [defect])
    #expect(ended.send().assignment?.job == late.job)
    #expect(ended.ledger.internalErrors == 1)

    var draining = Story()
    #expect(draining.tell(.drain) == [.idle])
    let lost = draining.arrive()
    let job = try #require(lost.job)
    #expect(lost.actions == [defect, .settled(job, .cancelled), .emit(job, .cancelled), .forget(job)])
    #expect(draining.ledger.demand == 0)
    #expect(draining.send() == .nothing)
  }
}
