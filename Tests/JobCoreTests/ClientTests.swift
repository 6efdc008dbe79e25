import TestSupport
import Testing
import Time

@testable import JobCore

@Suite("Clients come, have limits, and go") struct ClientTests {
  @Test("a client that leaves has its waiting jobs cancelled, and the running one goes on")
  func leaving() {
    var story = Story {
      $0.keepOrder = false
      $0.retries = 1
      $0.retryDelay = RetryDelay(minimum: 8, maximum: 8)
    }
    let (leaving, staying) = (story.join(0), story.join(1))
    let jobs = story.accept(4, from: leaving)
    let other = story.accept(from: staying)
    #expect(story.grant(3) == [jobs[0], other[0], jobs[1]])
    _ = story.tell(.attemptFailed(jobs[1], .failed))
    #expect(story.ledger.counts(of: leaving) == ClientCounts(queued: 2, delayed: 1, leased: 1))
    #expect(story.ledger.demand == 2)
    #expect(
      story.tell(.clientLeft(leaving)) == [
        .settled(jobs[2], .cancelled), .emit(jobs[2], .cancelled), .forget(jobs[2]),
        .settled(jobs[3], .cancelled), .emit(jobs[3], .cancelled), .forget(jobs[3]),
        .disarm(.retry(jobs[1])), .settled(jobs[1], .cancelled), .emit(jobs[1], .cancelled), .forget(jobs[1]),
      ])
    #expect(story.ledger.demand == 0)
    #expect(story.ledger.counts(of: leaving) == ClientCounts(leased: 1))
    #expect(story.ledger.knows(leaving))
    #expect(story.tell(.replied(jobs[0], resultBytes: 9)).first == .settled(jobs[0], .ok))
    #expect(!story.ledger.knows(leaving))
    #expect(story.ledger.knows(staying))
    #expect(story.ledger.internalErrors == 0)
  }

  @Test("a client that is paused keeps its jobs, gets no lease and takes nobody's room, and goes on when it is resumed")
  func pausing() {
    var story = Story {
      $0.keepOrder = false
      $0.queueLimit = 3
    }
    let (paused, other) = (story.join(0), story.join(1))
    let jobs = story.accept(3, from: paused)
    #expect(story.grant() == [jobs[0]])
    #expect(story.ledger.demand == 2)
    #expect(story.tell(.clientPaused(paused)) == [])
    #expect(story.ledger.demand == 0)
    #expect(story.tell(.clientPaused(paused)) == [])
    #expect(story.ledger.demand == 0)
    // A worker that comes all the same, and one that cannot be started.
    #expect(story.send() == .nothing)
    #expect(story.tell(.workersUnavailable) == [])
    // Its running job goes on, and one that comes to it in spite of all waits, too.
    _ = story.tell(.replied(jobs[0], resultBytes: 9))
    let late = story.accept(from: paused, priority: 9)
    let others = story.accept(3, from: other)
    #expect(!story.ledger.canAccept)
    #expect(story.ledger.counts.queued == 6)
    #expect(story.ledger.demand == 3)
    #expect(story.grant(2) == [others[0], others[1]])
    #expect(story.ledger.demand == 1)
    #expect(story.tell(.clientResumed(paused)) == [])
    #expect(story.ledger.demand == 4)
    #expect(!story.ledger.canAccept)
    #expect(story.grant(4) == [late[0], jobs[1], others[2], jobs[2]])
    #expect(story.ledger.internalErrors == 0)
  }

  @Test("of a client that is paused the queue's time goes on, and nothing is left of it when it goes")
  func leavingPaused() {
    var story = Story {
      $0.keepOrder = false
      $0.queueLimitTime = 60
    }
    let client = story.join(0)
    let jobs = story.accept(2, from: client)
    _ = story.tell(.clientPaused(client))
    #expect(story.tell(.timerFired(.queue(jobs[0]))).first == .settled(jobs[0], .expired))
    #expect(story.tell(.clientLeft(client)).contains(.settled(jobs[1], .cancelled)))
    #expect(!story.ledger.knows(client))
    let next = ClientID(index: 0, generation: 2)
    _ = story.tell(.clientJoined(next))
    let job = story.accept(from: next)
    #expect(story.grant() == job)
    #expect(
      story.tell(.clientPaused(client)) == [.reportInternalError("a client was paused or resumed that is not there")])
  }

  @Test("nothing is begun again for a client that has left", arguments: [nil, RetryDelay(minimum: 8, maximum: 8)])
  func noRetryForTheGone(_ delay: RetryDelay?) {
    var story = Story {
      $0.keepOrder = false
      $0.retries = 5
      $0.retryDelay = delay
    }
    let client = story.join(0)
    let jobs = story.accept(2, from: client)
    _ = story.grant(2)
    _ = story.tell(.clientLeft(client))
    #expect(story.tell(.attemptFailed(jobs[0], .crashed)).first == .settled(jobs[0], .crashed))
    #expect(story.tell(.returnedUnstarted(jobs[1])).first == .settled(jobs[1], .cancelled))
    #expect(!story.ledger.knows(client))
  }

  @Test("an index is used again only when its last client is not known any more")
  func indicesAreUsedAgain() {
    var story = Story { $0.keepOrder = false }
    let first = story.join(0)
    let second = ClientID(index: 0, generation: 2)
    let inUse = JobAction.reportInternalError("a client joined at the index of one that is known")
    #expect(story.tell(.clientJoined(second)) == [inUse])
    let job = story.accept(from: first)[0]
    _ = story.grant()
    _ = story.tell(.clientLeft(first))
    #expect(story.tell(.clientJoined(second)) == [inUse])
    _ = story.tell(.replied(job, resultBytes: 0))
    #expect(story.tell(.clientJoined(first)) == [inUse])
    #expect(story.tell(.clientJoined(second)) == [])
    #expect(story.ledger.knows(second) && !story.ledger.knows(first))
    #expect(story.ledger.counts(of: second) == ClientCounts())
    #expect(story.ledger.internalErrors == 3)
  }

  @Test("what a driver cannot mean is reported and changes nothing")
  func defects() {
    var story = Story { $0.keepOrder = false }
    let client = story.join(1)
    _ = story.tell(.clientLeft(client))
    let strangers = [client, ClientID(index: 0, generation: 7), ClientID(index: 9, generation: 1)]
    for stranger in strangers {
      for refused in [false, true] {
        let stranded = story.arrive(JobTerms(client: stranger), refused: refused)
        #expect(
          stranded
            == Arrival(
              job: nil, actions: [.reportInternalError("a job was accepted from a client that is not there")]))
      }
      #expect(story.tell(.clientLeft(stranger)) == [.reportInternalError("a client left that is not there")])
      #expect(!story.ledger.canAccept(from: stranger))
    }
    let broken = JobAction.reportInternalError("a client joined without a generation")
    #expect(story.tell(.clientJoined(ClientID(index: 2, generation: 0))) == [broken])
    #expect(story.ledger.counts.accepted == 0)
    #expect(story.ledger.demand == 0)
    let other = story.join(3)
    #expect(story.accept(from: other) == [JobID(index: 0, generation: 1)])
    #expect(story.ledger.internalErrors == 10)
  }

  @Test("the sole client goes when others come, unless it has brought jobs")
  func theSoleClient() {
    var story = Story()
    #expect(story.ledger.knows(.sole))
    _ = story.join(0)
    #expect(!story.ledger.knows(.sole))

    var busy = Story()
    _ = busy.accept()
    #expect(busy.tell(.clientJoined(ClientID(index: 0, generation: 1))).count == 1)
    #expect(busy.ledger.internalErrors == 1)
  }

  @Test("where clients fill the seats of workers, one may have as many jobs more as may be parked")
  func clientsFillSeats() {
    var story = Story {
      $0.keepOrder = false
      $0.clientLimit = 2
      $0.clientsFillSeats = true
    }
    let client = story.join(0)
    _ = story.accept(2, from: client)
    #expect(!story.ledger.canAccept(from: client))
    story.ledger.prefetchRoom = 3
    _ = story.accept(3, from: client)
    #expect(!story.ledger.canAccept(from: client))
    #expect(story.ledger.internalErrors == 0)
  }

  @Test("a client with as many jobs as it may have is read again when one has ended")
  func clientLimit() {
    var story = Story {
      $0.keepOrder = false
      $0.clientLimit = 2
      $0.retries = 1
      $0.retryDelay = RetryDelay(minimum: 8, maximum: 8)
    }
    let (full, other) = (story.join(0), story.join(1))
    let jobs = story.accept(2, from: full)
    #expect(!story.ledger.canAccept(from: full))
    #expect(story.ledger.canAccept(from: other))
    #expect(story.ledger.canAccept)
    _ = story.grant()
    #expect(!story.ledger.canAccept(from: full))
    _ = story.tell(.attemptFailed(jobs[0], .failed))
    #expect(!story.ledger.canAccept(from: full))
    #expect(
      story.arrive(JobTerms(client: full)).actions.first
        == .reportInternalError("a job was accepted from a client that has too many"))
    _ = story.tell(.cancel(jobs[0]))
    _ = story.tell(.cancel(jobs[1]))
    #expect(story.ledger.canAccept(from: full))
    _ = story.tell(.inputEnded)
    #expect(!story.ledger.canAccept(from: other))
  }

  @Test("a limit of no jobs is no limit that can be")
  func limitOfNothing() {
    var configuration = JobLedger.Configuration()
    configuration.clientLimit = 0
    #expect(configuration.defect == "clientLimit is 0, it must be 1 or more")
  }

  @Test("a job that comes to a full queue is told at once that it expired, and asks for nothing")
  func refused() throws {
    var story = Story {
      $0.keepOrder = false
      $0.queueLimit = 1
      $0.queueLimitTime = 60
    }
    _ = story.accept()
    let refusal = story.arrive(refused: true)
    let job = try #require(refusal.job)
    #expect(refusal.actions == [.settled(job, .expired), .emit(job, .expired), .forget(job)])
    #expect(story.ledger.demand == 1)
    #expect(story.ledger.counts.accepted == 2)
    #expect(story.ledger.counts.queued == 1)
    #expect(story.ledger.sequence(of: job) == 2)
    #expect(story.ledger.internalErrors == 0)
  }

  @Test("a refused job waits for its turn in the order like any other")
  func refusedInOrder() throws {
    var story = Story { $0.queueLimit = 1 }
    let first = story.accept()[0]
    let refusal = story.arrive(refused: true)
    let job = try #require(refusal.job)
    #expect(refusal.actions == [.settled(job, .expired), .hold(job)])
    _ = story.grant()
    #expect(story.tell(.replied(first, resultBytes: 0)).suffix(2) == [.emit(job, .expired), .forget(job)])
  }

  @Test("an outcome from elsewhere is the job's, with the attempts made there", arguments: Outcome.allCases)
  func settledElsewhere(_ outcome: Outcome) {
    var story = Story {
      $0.retries = 5
      $0.runLimit = 9
    }
    let job = story.lease()[0]
    #expect(
      story.tell(.settledElsewhere(job, outcome, resultBytes: 3, attempts: 4, ran: 70))
        == [.disarm(.run(job)), .settled(job, outcome), .emit(job, outcome), .forget(job)])
    #expect(story.ledger.attempts(of: job) == 4)
    #expect(story.ledger.counts[outcome] == 1)
    #expect(story.ledger.runTimes.count == (outcome == .ok ? 1 : 0))
    #expect(story.tell(.settledElsewhere(job, outcome, resultBytes: 3, attempts: 4)) == [])
  }

  @Test("outcomes from elsewhere are held in order, charged for their results, and counted by the halt rule")
  func elsewhereInOrder() {
    var story = Story { $0.halt = HaltRule(.soon, .count(2)) }
    let jobs = story.lease(3)
    _ = story.tell(.settledElsewhere(jobs[1], .quarantined, resultBytes: 30, attempts: 3))
    #expect(story.ledger.counts.heldBytes == 30 + JobLedger.heldJobCost)
    _ = story.tell(.settledElsewhere(jobs[0], .expired, resultBytes: 0, attempts: 0))
    #expect(story.ledger.isHalted)
    let late = story.tell(.settledElsewhere(jobs[2], .timeout, resultBytes: 0, attempts: 2))
    #expect(late == [.settled(jobs[2], .timeout), .emit(jobs[2], .timeout), .forget(jobs[2]), .idle])
    let never = story.tell(.settledElsewhere(jobs[2], .ok, resultBytes: 0, attempts: 2))
    #expect(never == [])
  }

  @Test("those who look in see each job that has no outcome yet, and find it by its number")
  func listing() {
    var story = Story {
      $0.retries = 1
      $0.retryDelay = RetryDelay(minimum: 8, maximum: 8)
    }
    let client = story.join(0)
    let jobs = story.accept(4, from: client, priority: 2)
    _ = story.grant(3)
    _ = story.tell(.attemptFailed(jobs[1], .failed))
    _ = story.tell(.replied(jobs[2], resultBytes: 0))
    var seen: [UnsettledJob] = []
    story.ledger.forEachUnsettled { seen.append($0) }
    let expected: [(Int, UnsettledJob.State, Int)] = [(0, .leased, 1), (1, .delayed, 1), (3, .queued, 0)]
    #expect(
      seen
        == expected.map { place, state, attempts in
          UnsettledJob(
            id: jobs[place], state: state, client: client, attempts: attempts, priority: 2, sequence: UInt64(place + 1))
        })
    #expect(story.ledger.find(sequence: 4) == jobs[3])
    #expect(story.ledger.find(sequence: 3) == nil)
    // Who found a job can cancel it, also one that runs.
    #expect(
      story.tell(.cancel(jobs[0])).prefix(2) == [
        .interrupt(jobs[0], because: .cancelled), .settled(jobs[0], .cancelled),
      ])
  }
}
