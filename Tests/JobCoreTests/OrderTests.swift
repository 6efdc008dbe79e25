import TestSupport
import Testing
import Time

@testable import JobCore

@Suite struct OrderTests {
  @Test func resultsComeOutInTheOrderOfTheInput() {
    var story = Story()
    let jobs = story.lease(3)
    #expect(story.tell(.replied(jobs[2], resultBytes: 30)) == [.settled(jobs[2], .ok), .hold(jobs[2])])
    #expect(
      story.tell(.attemptFailed(jobs[1], .failed)) == [.settled(jobs[1], .failed), .hold(jobs[1])])
    #expect(story.ledger.counts.held == 2)
    #expect(story.ledger.counts.heldBytes == 30 + 2 * JobLedger.heldJobCost)
    #expect(
      story.tell(.replied(jobs[0], resultBytes: 10)) == [
        .settled(jobs[0], .ok), .emit(jobs[0], .ok), .forget(jobs[0]), .emit(jobs[1], .failed), .forget(jobs[1]),
        .emit(jobs[2], .ok), .forget(jobs[2]),
      ])
    #expect(story.ledger.counts.heldBytes == 0)
    #expect(story.ledger.counts.held == 0)
  }

  @Test func anAnswerThatIsHeldCanBeWithdrawn() {
    var story = Story()
    let jobs = story.lease(3)
    _ = story.tell(.replied(jobs[1], resultBytes: 30))
    _ = story.tell(.attemptFailed(jobs[2], .crashed))
    #expect(story.ledger.findHeld(sequence: 2) == jobs[1])
    #expect(story.tell(.answerWithdrawn(jobs[1])) == [.withdrawn(jobs[1])])
    #expect(story.ledger.counts[.ok] == 0)
    #expect(story.ledger.counts[.failed] == 1)
    #expect(story.ledger.counts.heldBytes == 2 * JobLedger.heldJobCost)
    // Once, and only what was ok.
    #expect(story.tell(.answerWithdrawn(jobs[1])) == [])
    #expect(story.tell(.answerWithdrawn(jobs[2])) == [])
    // Running, and out: nothing can be done.
    #expect(story.tell(.answerWithdrawn(jobs[0])) == [])
    #expect(
      story.tell(.replied(jobs[0], resultBytes: 1)) == [
        .settled(jobs[0], .ok), .emit(jobs[0], .ok), .forget(jobs[0]), .emit(jobs[1], .failed), .forget(jobs[1]),
        .emit(jobs[2], .crashed), .forget(jobs[2]),
      ])
    #expect(story.tell(.answerWithdrawn(jobs[0])) == [])
    #expect(story.ledger.findHeld(sequence: 1) == nil)
  }

  @Test func aWithdrawnAnswerCountsForHalt() {
    var story = Story { $0.halt = HaltRule(.soon, .count(1)) }
    let jobs = story.lease(2)
    _ = story.tell(.replied(jobs[1], resultBytes: 30))
    _ = story.tell(.answerWithdrawn(jobs[1]))
    #expect(story.ledger.isHalted)
  }

  @Test func withoutOrderTheyComeOutAsTheyEnd() {
    var story = Story { $0.keepOrder = false }
    let jobs = story.lease(2)
    #expect(
      story.tell(.replied(jobs[1], resultBytes: 1)) == [.settled(jobs[1], .ok), .emit(jobs[1], .ok), .forget(jobs[1])])
    #expect(story.ledger.counts.held == 0)
  }

  /// A window of one held job, three jobs with leases, two in the queue.
  private func fullWindow() -> (Story, [JobID]) {
    var story = Story {
      $0.orderWindow = JobLedger.heldJobCost
      $0.retries = 1
    }
    var jobs = story.lease(2)
    jobs += story.accept(2)
    _ = story.tell(.replied(jobs[1], resultBytes: 0))
    return (story, jobs)
  }

  @Test func aFullWindowStartsNoOtherJob() {
    var (story, jobs) = fullWindow()
    #expect(!story.ledger.canAccept)
    #expect(story.send() == .nothing)
    #expect(story.ledger.demand == 0)
    // There is room again for those that wait.
    #expect(
      story.tell(.replied(jobs[0], resultBytes: 0)) == [
        .settled(jobs[0], .ok), .emit(jobs[0], .ok), .forget(jobs[0]), .emit(jobs[1], .ok), .forget(jobs[1]),
      ])
    #expect(story.ledger.canAccept)
    #expect(story.ledger.demand == 2)
    #expect(story.send() == Sending(jobs[2], attempt: 1))
    #expect(story.send() == Sending(jobs[3], attempt: 1))
  }

  @Test func aFullWindowStartsTheJobThatAllWaitFor() {
    var (story, jobs) = fullWindow()
    #expect(story.send() == .nothing)
    #expect(story.send() == .nothing)
    #expect(story.ledger.demand == 0)
    #expect(story.tell(.attemptFailed(jobs[0], .crashed)) == [])
    #expect(story.ledger.demand == 1)
    #expect(story.send() == Sending(jobs[0], attempt: 2))
  }

  /// The first job ends, the next in order is queued and was not sent, and the window is still full of later ones.
  @Test func theNextThatAllWaitForNeedsAWorkerEvenIfTheWindowStaysFull() {
    var story = Story { $0.orderWindow = JobLedger.heldJobCost }
    let jobs = story.lease(4)
    _ = story.tell(.returnedUnstarted(jobs[1]))
    _ = story.tell(.replied(jobs[2], resultBytes: 0))
    let queued = story.accept()
    #expect(story.send() == .nothing)
    #expect(story.ledger.demand == 0)
    #expect(
      story.tell(.replied(jobs[0], resultBytes: 0))
        == [.settled(jobs[0], .ok), .emit(jobs[0], .ok), .forget(jobs[0])])
    #expect(story.ledger.demand == 1)
    #expect(story.send() == Sending(jobs[1], attempt: 1))
    #expect(story.ledger.demand == 0)
    #expect(story.tell(.replied(jobs[1], resultBytes: 0)).last == .forget(jobs[2]))
    #expect(story.ledger.demand == 1)
    #expect(story.send() == Sending(queued[0], attempt: 1))
  }

  @Test func theJobThatAllWaitForIsTakenFromTheMiddleOfTheQueue() {
    var story = Story { $0.orderWindow = 0 }
    let jobs = story.lease(3)
    _ = story.tell(.returnedUnstarted(jobs[0]))
    _ = story.tell(.returnedUnstarted(jobs[1]))
    _ = story.tell(.replied(jobs[2], resultBytes: 0))
    #expect(story.send() == Sending(jobs[0], attempt: 1))
    #expect(story.send() == .nothing)
    #expect(story.ledger.demand == 0)
    _ = story.tell(.replied(jobs[0], resultBytes: 0))
    #expect(story.ledger.demand == 1)
    #expect(story.send() == Sending(jobs[1], attempt: 1))
  }

  @Test func withoutWorkersAndWithAFullWindowNoJobEndsThatCouldNotBeSent() {
    var (story, jobs) = fullWindow()
    #expect(story.ledger.demand == 0)
    #expect(story.tell(.workersUnavailable) == [])
    _ = story.tell(.replied(jobs[0], resultBytes: 0))
    #expect(story.tell(.workersUnavailable).first == .settled(jobs[2], .failed))
  }

  @Test func aWindowOfNothingStillTakesJobs() {
    let story = Story { $0.orderWindow = 0 }
    #expect(story.ledger.canAccept)
  }

  @Test func withoutWorkersAndWithAFullWindowTheJobThatAllWaitForEnds() {
    var story = Story { $0.orderWindow = 0 }
    let jobs = story.lease(3)
    _ = story.tell(.returnedUnstarted(jobs[0]))
    _ = story.tell(.returnedUnstarted(jobs[1]))
    _ = story.tell(.replied(jobs[2], resultBytes: 0))
    #expect(story.tell(.workersUnavailable).prefix(2) == [.settled(jobs[0], .failed), .emit(jobs[0], .failed)])
  }
}
