import TestSupport
import Testing
import Time

@testable import JobCore

@Suite struct LeasingTests {
  @Test func aJobAsksForALeaseAndGetsTheFirstThatComes() {
    var story = Story()
    let first = story.ledger.nextID
    #expect(story.tell(.accepted(first)) == [.requestLease])
    let second = story.ledger.nextID
    #expect(story.tell(.accepted(second)) == [.requestLease])
    #expect(story.tell(.leaseGranted) == [.send(first, attempt: 1)])
    #expect(story.tell(.leaseGranted) == [.send(second, attempt: 1)])
    #expect(story.ledger.counts.leased == 2)
    #expect(story.ledger.sequence(of: first) == 1)
    #expect(story.ledger.sequence(of: second) == 2)
    #expect(story.ledger.attempts(of: second) == 1)
  }

  @Test func aLeaseThatNobodyNeedsIsDeclined() {
    var story = Story()
    #expect(story.tell(.leaseGranted) == [.declineLease])
    #expect(story.ledger.internalErrors == 0)
  }

  @Test func aCancelledJobNeedsNoLease() {
    var story = Story()
    let jobs = story.accept(2)
    #expect(
      story.tell(.cancel(jobs[0]))
        == [.settled(jobs[0], .cancelled), .emit(jobs[0], .cancelled), .forget(jobs[0]), .withdrawLease])
    // The lease that was just withdrawn had been granted already: the next job takes it, and asks for no second one.
    #expect(story.tell(.leaseGranted) == [.send(jobs[1], attempt: 1)])
    #expect(story.tell(.leaseGranted) == [.declineLease])
  }

  @Test func theMiddleOfTheQueueCanLeave() {
    var story = Story { $0.keepOrder = false }
    let jobs = story.accept(5)
    for gone in [2, 4, 0] { _ = story.tell(.cancel(jobs[gone])) }
    #expect(story.tell(.leaseGranted) == [.send(jobs[1], attempt: 1)])
    #expect(story.tell(.leaseGranted) == [.send(jobs[3], attempt: 1)])
    #expect(story.tell(.leaseGranted) == [.declineLease])
  }

  @Test func aJobThatWaitedTooLongExpires() {
    var story = Story { $0.queueLimitTime = 60 }
    let job = story.ledger.nextID
    #expect(story.tell(.accepted(job)) == [.arm(.queue(job), after: 60), .requestLease])
    #expect(
      story.tell(.timerFired(.queue(job)))
        == [.settled(job, .expired), .emit(job, .expired), .forget(job), .withdrawLease])
    #expect(story.tell(.timerFired(.queue(job))) == [])
  }

  @Test func theQueueClockStopsWithTheLeaseAndStartsAgainInTheQueue() {
    var story = Story { $0.queueLimitTime = 60 }
    let job = story.accept()[0]
    #expect(story.tell(.leaseGranted) == [.disarm(.queue(job)), .send(job, attempt: 1)])
    #expect(story.tell(.timerFired(.queue(job))) == [])
    #expect(story.tell(.returnedUnstarted(job)) == [.arm(.queue(job), after: 60), .requestLease])
  }

  @Test func aTimerThatWasNeverArmedIsIgnored() {
    var story = Story()
    let jobs = story.accept(2)
    _ = story.tell(.leaseGranted)
    #expect(story.tell(.timerFired(.queue(jobs[1]))) == [])
    #expect(story.tell(.timerFired(.run(jobs[0]))) == [])
  }

  @Test func aRefusedLeaseEndsOneJob() {
    var story = Story()
    let jobs = story.accept(2)
    #expect(
      story.tell(.leaseRefused) == [.settled(jobs[0], .failed), .emit(jobs[0], .failed), .forget(jobs[0])])
    #expect(story.ledger.requestedLeases == 1)
    #expect(story.tell(.leaseGranted) == [.send(jobs[1], attempt: 1)])
    #expect(story.tell(.leaseRefused) == [])
  }

  @Test func theQueueIsFullAtItsLimit() {
    var story = Story { $0.queueLimit = 2 }
    _ = story.accept()
    #expect(story.ledger.canAccept)
    _ = story.accept()
    #expect(!story.ledger.canAccept)
    _ = story.tell(.leaseGranted)
    #expect(story.ledger.canAccept)
  }

  @Test func aJobOverTheLimitIsReportedAndServed() {
    var story = Story { $0.queueLimit = 1 }
    let jobs = story.accept()
    let second = story.ledger.nextID
    #expect(
      story.tell(.accepted(second))
        == [.reportInternalError("a job was accepted while the queue is full"), .requestLease])
    #expect(story.ledger.internalErrors == 1)
    #expect(story.tell(.leaseGranted) == [.send(jobs[0], attempt: 1)])
    #expect(story.tell(.leaseGranted) == [.send(second, attempt: 1)])
  }

  @Test func aWrongIdentifierIsReported() {
    var story = Story()
    let wrong = JobID(index: 7, generation: 1)
    #expect(
      story.tell(.accepted(wrong)) == [.reportInternalError("a job was accepted whose identifier is not nextID")])
    #expect(story.ledger.counts.accepted == 0)
  }

  @Test func anIndexIsUsedAgainWithANewGeneration() {
    var story = Story()
    let first = story.lease()[0]
    _ = story.tell(.replied(first, resultBytes: 1))
    #expect(story.ledger.sequence(of: first) == 1)
    #expect(story.ledger.attempts(of: first) == 1)
    let second = story.lease()[0]
    #expect(second.index == first.index)
    #expect(second.generation == first.generation + 1)
    #expect(story.ledger.sequence(of: first) == 0)
    #expect(story.ledger.sequence(of: second) == 2)
    // All that is late for the first does not touch the second.
    for late: JobEvent in [
      .replied(first, resultBytes: 1), .attemptFailed(first, .crashed), .returnedUnstarted(first), .started(first),
      .rejected(first), .cancel(first), .timerFired(.run(first)), .timerFired(.queue(first)),
    ] {
      #expect(story.tell(late) == [])
    }
    #expect(story.ledger.counts.leased == 1)
    #expect(story.ledger.internalErrors == 0)
  }

  @Test func nothingIsKnownOfAJobThatNeverWas() {
    let story = Story()
    for job in [JobID(index: 0, generation: 0), JobID(index: 0, generation: 1), JobID(index: .max, generation: 0)] {
      #expect(story.ledger.sequence(of: job) == 0)
      #expect(story.ledger.attempts(of: job) == 0)
    }
  }

  @Test func aConfigurationThatCannotWorkSaysSo() {
    #expect(JobLedger.Configuration().defect == nil)
    #expect(JobLedger.Configuration(queueLimit: 0).defect == "queueLimit is 0, it must be 1 or more")
    #expect(JobLedger.Configuration(retries: -1).defect == "retries is -1, it must be 0 or more")
    #expect(JobLedger.Configuration(orderWindow: -1).defect == "orderWindow is -1, it must be 0 or more")
    #expect(JobLedger.Configuration(quarantineAfter: 0).defect == "quarantineAfter is 0, it must be 1 or more")
  }
}
