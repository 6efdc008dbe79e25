import TestSupport
import Testing
import Time

@testable import JobCore

@Suite("What a job is given of its own, and when a run is given up") struct TermsTests {
  // MARK: Terms

  @Test("a job with retries of its own has those, whatever is configured")
  func ownRetries() {
    var story = Story { $0.retries = 5 }
    let job = story.accept(1, JobTerms(retries: 0))[0]
    _ = story.send()
    #expect(story.tell(.attemptFailed(job, .failed)).first == .settled(job, .failed))
  }

  @Test(
    "a job with a time limit of its own has that one, also where none is configured",
    arguments: [nil, 9] as [Nanoseconds?])
  func ownLimit(configured: Nanoseconds?) {
    var story = Story { $0.runLimit = configured }
    let job = story.accept(1, JobTerms(runLimit: 4))[0]
    #expect(story.send().actions.contains(.arm(.run(job), after: 4)))
    let actions = story.tell(.timerFired(.run(job)))
    #expect(actions.prefix(2) == [.interrupt(job, because: .runLimit), .settled(job, .timeout)])
  }

  @Test("a higher priority goes first, equals in the order of the input, and a retry before its equals")
  func priorities() {
    var story = Story { $0.retries = 1 }
    let priorities: [Int32] = [0, 5, 0, 5, -1, 9]
    let jobs = priorities.map { story.accept(1, JobTerms(priority: $0))[0] }
    func next() -> JobID? { story.send().assignment?.job }
    #expect([next(), next()] == [jobs[5], jobs[1]])
    _ = story.tell(.attemptFailed(jobs[1], .failed))
    #expect([next(), next(), next(), next(), next(), next()] == [jobs[1], jobs[3], jobs[0], jobs[2], jobs[4], nil])
  }

  @Test("results keep the order of the input whatever the priorities")
  func prioritiesKeepOrder() {
    var story = Story()
    let first = story.accept()[0]
    let second = story.accept(1, JobTerms(priority: 1))[0]
    _ = story.send()
    #expect(story.tell(.replied(second, resultBytes: 1)).contains(.hold(second)))
    _ = story.send()
    let emitted = story.tell(.replied(first, resultBytes: 1)).compactMap {
      if case .emit(let job, _) = $0 { job } else { nil }
    }
    #expect(emitted == [first, second])
  }

  // MARK: Retries

  @Test("a retry waits: doubled with each failure, capped, the same for the same seed, another for another job")
  func retryDelay() {
    let delay = RetryDelay(minimum: 1000, maximum: 4000)
    for (attempt, full) in [(1, 1000), (2, 2000), (3, 4000), (4, 4000), (90, 4000)] as [(Int32, Nanoseconds)] {
      let waits = (1...200).map { delay.wait(afterAttempt: attempt, of: $0, seed: 1) }
      #expect(waits.allSatisfy { (full / 2...full).contains($0) })
      #expect(Set(waits).count > 50, "they come all at once")
      #expect(waits == (1...200).map { delay.wait(afterAttempt: attempt, of: $0, seed: 1) })
    }
  }

  @Test("a job that waits for its retry holds up no other, and is told as failed when the run drains")
  func delayedJobs() {
    var story = Story {
      $0.retries = 1
      $0.queueLimit = 1
      $0.retryDelay = RetryDelay(minimum: 100, maximum: 100)
    }
    let job = story.lease()[0]
    let actions = story.tell(.attemptFailed(job, .crashed))
    guard case .arm(.retry(job), _)? = actions.first else { return #expect(Bool(false), "\(actions)") }
    #expect(story.ledger.canAccept && story.ledger.counts.delayed == 1)
    #expect(
      story.tell(.drain) == [.disarm(.retry(job)), .settled(job, .crashed), .emit(job, .crashed), .forget(job), .idle])
  }

  @Test("a job that workers keep handing back unread has failed in the end")
  func refusedForEver() {
    var story = Story()
    let job = story.lease()[0]
    for _ in 1..<JobLedger.mostFreeReturns {
      #expect(story.tell(.returnedUnstarted(job)) == [])
      #expect(story.ledger.demand == 1)
      _ = story.send()
    }
    #expect(story.tell(.returnedUnstarted(job)).first == .settled(job, .failed))
  }

  // MARK: Timeouts relative to the median

  @Test("a limit in percent of the median begins with the third answer, also for those that run already")
  func medianLimit() {
    var story = Story { $0.runLimitPercent = 200 }
    let jobs = story.lease(5)
    _ = story.tell(.replied(jobs[0], resultBytes: 0, ran: 1000))
    #expect(!story.tell(.replied(jobs[1], resultBytes: 0, ran: 1000)).contains { $0.isRunClock })
    let armed = story.tell(.replied(jobs[2], resultBytes: 0, ran: 1000)).filter(\.isRunClock)
    #expect(armed.count == 2)
    guard case .arm(.run, let limit)? = armed.first else { return }
    #expect((1900...2100).contains(limit), "\(limit)")
    #expect(story.tell(.timerFired(.run(jobs[3]))).first == .interrupt(jobs[3], because: .runLimit))
  }

  @Test("of an absolute and a relative limit the shorter counts")
  func bothLimits() {
    var story = Story {
      $0.runLimitPercent = 1000
      $0.runLimit = 5000
    }
    for _ in 0..<3 { _ = story.tell(.replied(story.lease()[0], resultBytes: 0, ran: 1000)) }
    let job = story.accept()[0]
    #expect(story.send().actions.contains(.arm(.run(job), after: 5000)))
  }

  @Test("the limit from the median is never less than it may be")
  func leastMedianLimit() {
    var story = Story {
      $0.runLimitPercent = 200
      $0.leastMedianLimit = 10_000
    }
    for _ in 0..<3 { _ = story.tell(.replied(story.lease()[0], resultBytes: 0, ran: 1000)) }
    let job = story.accept()[0]
    #expect(story.send().actions.contains(.arm(.run(job), after: 10_000)))
  }

  // MARK: Halt

  @Test("halt soon: the n-th bad end stops the queue, what runs finishes")
  func haltSoon() {
    var story = Story {
      $0.halt = HaltRule(.soon, .count(2))
      $0.keepOrder = false
    }
    let jobs = story.lease(3)
    let waiting = story.accept()[0]
    _ = story.tell(.attemptFailed(jobs[0], .failed))
    #expect(!story.ledger.isHalted)
    #expect(story.tell(.attemptFailed(jobs[1], .crashed)).contains(.settled(waiting, .cancelled)))
    #expect(story.ledger.isHalted && !story.ledger.canAccept)
    #expect(story.tell(.replied(jobs[2], resultBytes: 0)).contains(.idle))
    #expect(story.ledger.counts[.ok] == 1)
  }

  @Test("a refused job can be the one too many, and then the run is over at once")
  func haltByRefusal() throws {
    var story = Story { $0.halt = HaltRule(.now, .count(1)) }
    let running = story.lease()[0]
    let waiting = story.accept()[0]
    let refusal = story.arrive(refused: true)
    let job = try #require(refusal.job)
    #expect(
      refusal.actions == [
        .settled(job, .expired), .hold(job), .interrupt(running, because: .cancelled),
        .settled(running, .cancelled), .emit(running, .cancelled), .forget(running),
        .settled(waiting, .cancelled), .emit(waiting, .cancelled), .forget(waiting),
        .emit(job, .expired), .forget(job), .idle,
      ])
    #expect(story.ledger.isHalted)
    #expect(story.ledger.demand == 0)
  }

  @Test("halt now: what runs is interrupted, too")
  func haltNow() {
    var story = Story { $0.halt = HaltRule(.now, .count(1)) }
    let jobs = story.lease(2)
    let actions = story.tell(.attemptFailed(jobs[0], .failed))
    #expect(
      actions.contains(.interrupt(jobs[1], because: .cancelled)) && actions.contains(.settled(jobs[1], .cancelled))
        && actions.last == .idle)
  }

  @Test("halt at a share: not before the third bad end, and a retry that may still work is none")
  func haltAtShare() {
    var story = Story {
      $0.halt = HaltRule(.soon, .percent(10))
      $0.retries = 1
    }
    func end(_ outcome: Outcome) {
      let job = story.lease()[0]
      switch outcome {
      case .ok: _ = story.tell(.replied(job, resultBytes: 0))
      default:
        _ = story.tell(.attemptFailed(job, .failed))
        #expect(!story.ledger.isHalted)
        _ = story.send()
        _ = story.tell(.attemptFailed(job, .failed))
      }
    }
    for _ in 0..<2 { end(.failed) }
    #expect(!story.ledger.isHalted)
    for _ in 0..<28 { end(.ok) }
    end(.failed)
    #expect(!story.ledger.isHalted, "3 of 31 are less than 10 %")
    end(.failed)
    #expect(story.ledger.isHalted, "4 of 32")
  }

  @Test("what cannot be is told", arguments: [HaltRule(.now, .count(0)), HaltRule(.soon, .percent(101))])
  func badRules(rule: HaltRule) {
    var configuration = JobLedger.Configuration()
    configuration.halt = rule
    #expect(configuration.defect != nil)
  }
}

extension JobAction {
  fileprivate var isRunClock: Bool { if case .arm(.run, _) = self { true } else { false } }
}
