import TestSupport
import Testing
import Time

@testable import JobCore

@Suite struct AttemptTests {
  @Test func anAnsweredJobIsSettledEmittedAndForgotten() {
    var story = Story()
    let job = story.lease()[0]
    #expect(story.tell(.replied(job, resultBytes: 5)) == [.settled(job, .ok), .emit(job, .ok), .forget(job)])
    #expect(story.ledger.counts[.ok] == 1)
    #expect(story.ledger.counts.settled == 1)
  }

  @Test(arguments: AttemptFailure.allCases)
  func withoutRetriesTheFirstFailureIsTheOutcome(_ failure: AttemptFailure) {
    var story = Story()
    let job = story.lease()[0]
    let outcome = failure.outcome
    #expect(
      story.tell(.attemptFailed(job, failure)) == [.settled(job, outcome), .emit(job, outcome), .forget(job)])
    #expect(story.ledger.counts[outcome] == 1)
  }

  @Test(arguments: AttemptFailure.allCases)
  func aFailedAttemptIsRepeatedBeforeAllOthers(_ failure: AttemptFailure) {
    var story = Story { $0.retries = 1 }
    let job = story.lease()[0]
    let other = story.accept()[0]
    #expect(story.tell(.attemptFailed(job, failure)) == [])
    #expect(story.ledger.demand == 2)
    #expect(story.send() == Sending(job, attempt: 2))
    #expect(story.send() == Sending(other, attempt: 1))
    #expect(story.tell(.attemptFailed(job, failure)).first == .settled(job, failure.outcome))
  }

  @Test func aJobThatKilledEnoughWorkersIsQuarantined() {
    var story = Story {
      $0.retries = 10
      $0.quarantineAfter = 3
    }
    let job = story.lease()[0]
    for failure: AttemptFailure in [.crashed, .failed, .crashed, .timeout] {
      #expect(story.tell(.attemptFailed(job, failure)) == [])
      #expect(story.ledger.demand == 1)
      _ = story.send()
    }
    #expect(story.tell(.attemptFailed(job, .crashed)).first == .settled(job, .quarantined))
  }

  @Test func retriesSpentBeforeTheQuarantineEndAsCrashed() {
    var story = Story {
      $0.retries = 1
      $0.quarantineAfter = 3
    }
    let job = story.lease()[0]
    _ = story.tell(.attemptFailed(job, .crashed))
    _ = story.send()
    #expect(story.tell(.attemptFailed(job, .crashed)).first == .settled(job, .crashed))
  }

  @Test func theRunClockGoesFromSendToReply() {
    var story = Story { $0.runLimit = 9 }
    let job = story.accept()[0]
    #expect(story.send() == Sending(job, attempt: 1, .arm(.run(job), after: 9)))
    #expect(story.tell(.started(job)) == [.arm(.run(job), after: 9)])
    #expect(story.tell(.replied(job, resultBytes: 0)).first == .disarm(.run(job)))
    #expect(story.tell(.timerFired(.run(job))) == [])
  }

  @Test func withoutARunLimitThereIsNoRunClock() {
    var story = Story()
    let job = story.lease()[0]
    #expect(story.tell(.started(job)) == [])
  }

  @Test func overTheRunLimitTheWorkerIsInterrupted() {
    var story = Story {
      $0.runLimit = 9
      $0.retries = 1
    }
    let job = story.lease()[0]
    #expect(story.tell(.timerFired(.run(job))) == [.interrupt(job, because: .runLimit)])
    #expect(story.ledger.demand == 1)
    #expect(story.ledger.attempts(of: job) == 1)
    // Late, while the job is queued: it belongs to the attempt that is over.
    #expect(story.tell(.timerFired(.run(job))) == [])
    _ = story.send()
    #expect(
      story.tell(.timerFired(.run(job)))
        == [.interrupt(job, because: .runLimit), .settled(job, .timeout), .emit(job, .timeout), .forget(job)])
  }

  @Test func aJobThatNeverStartedGoesToTheFrontAndPaysNothing() {
    var story = Story { $0.runLimit = 9 }
    let jobs = story.lease(2)
    _ = story.accept()
    #expect(story.tell(.returnedUnstarted(jobs[1])) == [.disarm(.run(jobs[1]))])
    #expect(story.ledger.demand == 2)
    #expect(story.ledger.attempts(of: jobs[1]) == 0)
    #expect(story.send() == Sending(jobs[1], attempt: 1, .arm(.run(jobs[1]), after: 9)))
  }

  @Test func aRejectedJobFailsWhereverItIs() {
    var story = Story {
      $0.retries = 5
      $0.runLimit = 9
    }
    let jobs = story.accept(2)
    _ = story.send()
    #expect(story.ledger.demand == 1)
    #expect(
      story.tell(.rejected(jobs[0]))
        == [.disarm(.run(jobs[0])), .settled(jobs[0], .failed), .emit(jobs[0], .failed), .forget(jobs[0])])
    #expect(story.ledger.attempts(of: jobs[0]) == 0)
    #expect(
      story.tell(.rejected(jobs[1]))
        == [.settled(jobs[1], .failed), .emit(jobs[1], .failed), .forget(jobs[1])])
    #expect(story.ledger.demand == 0)
  }

  @Test func cancellingARunningJobInterruptsItsWorker() {
    var story = Story {
      $0.runLimit = 9
      $0.retries = 5
    }
    let job = story.lease()[0]
    #expect(
      story.tell(.cancel(job)) == [
        .disarm(.run(job)), .interrupt(job, because: .cancelled), .settled(job, .cancelled), .emit(job, .cancelled),
        .forget(job),
      ])
    #expect(story.tell(.cancel(job)) == [])
  }

  @Test func newsOfAQueuedJobFromAWorkerAreImpossible() {
    var story = Story()
    let job = story.accept()[0]
    let defects: [(JobEvent, StaticString)] = [
      (.replied(job, resultBytes: 1), "a reply came for a job that no worker has"),
      (.attemptFailed(job, .crashed), "an attempt failed of a job that no worker has"),
      (.returnedUnstarted(job), "a job came back that no worker has"),
      (.started(job), "a job was started that no worker has"),
    ]
    for (event, defect) in defects { #expect(story.tell(event) == [.reportInternalError(defect)]) }
    #expect(story.ledger.internalErrors == 4)
    #expect(story.send() == Sending(job, attempt: 1))
  }

  @Test func newsOfAHeldJobAreImpossibleButACancellationIsOnlyLate() {
    var story = Story()
    let jobs = story.lease(2)
    _ = story.tell(.replied(jobs[1], resultBytes: 1))
    #expect(story.tell(.cancel(jobs[1])) == [])
    #expect(story.tell(.rejected(jobs[1])) == [.reportInternalError("a job was rejected that is settled")])
    #expect(
      story.tell(.replied(jobs[1], resultBytes: 1))
        == [.reportInternalError("a reply came for a job that no worker has")])
    #expect(story.ledger.counts.settled == 1)
  }

  @Test func outcomesHaveTheWordsOfTheInterface() {
    let words = ["ok", "failed", "timeout", "crashed", "quarantined", "cancelled", "expired"]
    #expect(Outcome.allCases.map(\.description) == words)
  }
}
