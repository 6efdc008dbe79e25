import TestSupport
import Testing
import Time

@testable import JobCore

@Suite struct LeasingTests {
  @Test func eachJobNeedsAWorkerAndGetsTheFirstThatComes() {
    var story = Story()
    #expect(story.ledger.demand == 0)
    let (first, second) = (JobID(index: 0, generation: 1), JobID(index: 1, generation: 1))
    #expect(story.arrive() == Arrival(job: first, actions: []))
    #expect(story.ledger.demand == 1)
    #expect(story.arrive() == Arrival(job: second, actions: []))
    #expect(story.ledger.demand == 2)
    #expect(story.send() == Sending(first, attempt: 1))
    #expect(story.ledger.demand == 1)
    #expect(story.send() == Sending(second, attempt: 1))
    #expect(story.ledger.demand == 0)
    #expect(story.ledger.counts.leased == 2)
    #expect(story.ledger.sequence(of: first) == 1)
    #expect(story.ledger.sequence(of: second) == 2)
    #expect(story.ledger.attempts(of: second) == 1)
  }

  @Test func aWorkerThatNobodyNeedsGetsNothing() {
    var story = Story()
    #expect(story.send() == .nothing)
    #expect(story.ledger.internalErrors == 0)
  }

  @Test func aCancelledJobNeedsNoWorker() {
    var story = Story()
    let jobs = story.accept(2)
    #expect(
      story.tell(.cancel(jobs[0]))
        == [.settled(jobs[0], .cancelled), .emit(jobs[0], .cancelled), .forget(jobs[0])])
    #expect(story.ledger.demand == 1)
    // The worker that was there for it is there for the next one.
    #expect(story.send() == Sending(jobs[1], attempt: 1))
    #expect(story.send() == .nothing)
  }

  @Test func theMiddleOfTheQueueCanLeave() {
    var story = Story { $0.keepOrder = false }
    let jobs = story.accept(5)
    for gone in [2, 4, 0] { _ = story.tell(.cancel(jobs[gone])) }
    #expect(story.send() == Sending(jobs[1], attempt: 1))
    #expect(story.send() == Sending(jobs[3], attempt: 1))
    #expect(story.send() == .nothing)
  }

  @Test func aJobThatWaitedTooLongExpires() throws {
    var story = Story { $0.queueLimitTime = 60 }
    let arrival = story.arrive()
    let job = try #require(arrival.job)
    #expect(arrival.actions == [.arm(.queue(job), after: 60)])
    #expect(
      story.tell(.timerFired(.queue(job)))
        == [.settled(job, .expired), .emit(job, .expired), .forget(job)])
    #expect(story.ledger.demand == 0)
    #expect(story.tell(.timerFired(.queue(job))) == [])
  }

  @Test func theQueueClockStopsWithTheLeaseAndStartsAgainInTheQueue() {
    var story = Story { $0.queueLimitTime = 60 }
    let job = story.accept()[0]
    #expect(story.send() == Sending(job, attempt: 1, .disarm(.queue(job))))
    #expect(story.tell(.timerFired(.queue(job))) == [])
    #expect(story.tell(.returnedUnstarted(job)) == [.arm(.queue(job), after: 60)])
    #expect(story.ledger.demand == 1)
  }

  @Test func aTimerThatWasNeverArmedIsIgnored() {
    var story = Story()
    let jobs = story.accept(2)
    _ = story.send()
    #expect(story.tell(.timerFired(.queue(jobs[1]))) == [])
    #expect(story.tell(.timerFired(.run(jobs[0]))) == [])
  }

  @Test func whenNoWorkerCanBeStartedOneJobEnds() {
    var story = Story()
    let jobs = story.accept(2)
    #expect(
      story.tell(.workersUnavailable) == [.settled(jobs[0], .failed), .emit(jobs[0], .failed), .forget(jobs[0])])
    #expect(story.ledger.demand == 1)
    #expect(story.send() == Sending(jobs[1], attempt: 1))
    #expect(story.tell(.workersUnavailable) == [])
    #expect(story.ledger.counts.settled == 1)
  }

  @Test func theQueueIsFullAtItsLimit() {
    var story = Story { $0.queueLimit = 2 }
    _ = story.accept()
    #expect(story.ledger.canAccept)
    _ = story.accept()
    #expect(!story.ledger.canAccept)
    _ = story.send()
    #expect(story.ledger.canAccept)
  }

  @Test func aJobOverTheLimitIsReportedAndServed() throws {
    var story = Story { $0.queueLimit = 1 }
    let jobs = story.accept()
    let arrival = story.arrive()
    let second = try #require(arrival.job)
    #expect(arrival.actions == [.reportInternalError("a job was accepted while the queue is full")])
    #expect(story.ledger.internalErrors == 1)
    #expect(story.ledger.demand == 2)
    #expect(story.send() == Sending(jobs[0], attempt: 1))
    #expect(story.send() == Sending(second, attempt: 1))
  }

  @Test("jobs that workers take to park them may wait beyond the limit of the queue", arguments: [0, 3, .max])
  func prefetchRoom(_ room: Int) {
    var story = Story { $0.queueLimit = 2 }
    story.ledger.prefetchRoom = room
    let most = room == .max ? 40 : 2 + room
    for _ in 0..<most {
      #expect(story.ledger.canAccept)
      #expect(story.arrive().actions == [])
    }
    #expect(story.ledger.canAccept == (room == .max))
    #expect(story.ledger.demand == most)
    // Without the room there is only what waits too much.
    story.ledger.prefetchRoom = 0
    #expect(story.grant(most - 2).count == most - 2)
    #expect(!story.ledger.canAccept)
    #expect(story.grant().count == 1)
    #expect(story.ledger.canAccept)
    #expect(story.ledger.internalErrors == 0)
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

  @Test func generationsBeginAgainAfterTheLast() {
    var story = Story()
    let first = story.lease()[0]
    _ = story.tell(.replied(first, resultBytes: 1))
    story.ledger.slab[0].generation = .max - 1
    let last = story.lease()[0]
    #expect(last == JobID(index: 0, generation: .max))
    _ = story.tell(.replied(last, resultBytes: 1))
    // Not 0, which names no job.
    let next = story.lease()[0]
    #expect(next == JobID(index: 0, generation: 1))
    #expect(story.tell(.replied(last, resultBytes: 1)) == [])
    #expect(story.tell(.replied(next, resultBytes: 1)).first == .settled(next, .ok))
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
