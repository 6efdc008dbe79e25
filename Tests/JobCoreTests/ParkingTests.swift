import Testing

@testable import JobCore

@Suite("Jobs wait behind others in one worker") struct ParkingTests {
  @Test("the clock of a parked job goes from when it comes to the head")
  func clock() {
    var story = Story { $0.runLimit = 9 }
    let jobs = story.accept(3)
    #expect(story.send() == Sending(jobs[0], attempt: 1, .arm(.run(jobs[0]), after: 9)))
    #expect(story.send(parked: true) == Sending(jobs[1], attempt: 1))
    #expect(story.send(parked: true) == Sending(jobs[2], attempt: 1))
    #expect(story.ledger.counts.leased == 3)
    // A clock that never went cannot run out.
    #expect(story.tell(.timerFired(.run(jobs[1]))) == [])
    _ = story.tell(.replied(jobs[0], resultBytes: 0))
    #expect(story.tell(.started(jobs[1])) == [.arm(.run(jobs[1]), after: 9)])
    // The answer of the last is there before it was started.
    #expect(story.tell(.replied(jobs[2], resultBytes: 0)) == [.settled(jobs[2], .ok), .hold(jobs[2])])
    #expect(
      story.tell(.timerFired(.run(jobs[1]))).prefix(2)
        == [.interrupt(jobs[1], because: .runLimit), .settled(jobs[1], .timeout)])
    #expect(story.ledger.internalErrors == 0)
  }

  @Test("a job with a limit of its own does not use it up behind another")
  func ownLimit() {
    var story = Story()
    _ = story.accept()
    let job = story.accept(1, JobTerms(runLimit: 4))[0]
    _ = story.send()
    #expect(story.send(parked: true) == Sending(job, attempt: 1))
    #expect(story.tell(.started(job)) == [.arm(.run(job), after: 4)])
  }

  @Test("the queue's clock stops when a job is parked, and starts anew when it comes back")
  func queueClock() {
    var story = Story { $0.queueLimitTime = 60 }
    let jobs = story.accept(2)
    _ = story.send()
    #expect(story.send(parked: true) == Sending(jobs[1], attempt: 1, .disarm(.queue(jobs[1]))))
    #expect(story.tell(.timerFired(.queue(jobs[1]))) == [])
    #expect(story.tell(.returnedUnstarted(jobs[1])) == [.arm(.queue(jobs[1]), after: 60)])
  }

  @Test("the first limit from the median starts the clocks of the heads, and of no parked job")
  func medianLimit() {
    var story = Story { $0.runLimitPercent = 200 }
    for job in story.lease(2) { _ = story.tell(.replied(job, resultBytes: 0, ran: 4)) }
    let jobs = story.accept(4)
    let other = story.grant()[0]
    #expect(story.grantSeats(3) == Array(jobs[1...]))
    #expect(story.tell(.replied(other, resultBytes: 0, ran: 4)).last == .arm(.run(jobs[1]), after: 8))
    #expect(story.tell(.started(jobs[2])) == [.arm(.run(jobs[2]), after: 8)])
    #expect(story.tell(.timerFired(.run(jobs[3]))) == [])
  }

  @Test("what was parked at a worker that died stands at the front as it stood, and pays nothing")
  func death() {
    var story = Story { $0.retries = 1 }
    let jobs = story.accept(6)
    #expect(story.grantSeats(4) == Array(jobs[..<4]))
    for job in jobs[1..<4].reversed() { #expect(story.tell(.returnedUnstarted(job)) == []) }
    #expect(story.tell(.attemptFailed(jobs[0], .crashed)) == [])
    #expect(jobs.map { story.ledger.attempts(of: $0) } == [1, 0, 0, 0, 0, 0])
    #expect(story.ledger.demand == 6)
    #expect(story.send() == Sending(jobs[0], attempt: 2))
    for job in jobs[1...] { #expect(story.send(parked: true) == Sending(job, attempt: 1)) }
  }

  @Test("priorities and clients keep their order when jobs come back")
  func orderOfReturns() {
    var story = Story { $0.keepOrder = false }
    let (first, second) = (story.join(0), story.join(1))
    let urgent = story.accept(2, from: first, priority: 5)
    let usual = story.accept(3, from: first)
    let others = story.accept(2, from: second)
    let sent = story.grantSeats(6)
    #expect(sent == [urgent[0], urgent[1], others[0], others[1], usual[0], usual[1]])
    let late = story.accept(from: first, priority: 5)
    for job in sent.reversed() { _ = story.tell(.returnedUnstarted(job)) }
    let again = story.grant(8)
    #expect(again.filter { usual.contains($0) } == usual)
    #expect(again.filter { others.contains($0) } == others)
    #expect(Array(again.prefix(3)) == urgent + late)
  }

  @Test("a job may come back from behind others any number of times; at the head it is limited, then as before")
  func freeReturns() {
    var story = Story()
    let job = story.accept()[0]
    func park() -> Sending { story.send(parked: true) }
    for _ in 0..<(3 * JobLedger.mostFreeReturns) {
      #expect(park() == Sending(job, attempt: 1))
      #expect(story.tell(.returnedUnstarted(job)) == [])
    }
    for _ in 1..<JobLedger.mostFreeReturns {
      // It counts where it is when it comes back, not where it was sent.
      #expect(park() == Sending(job, attempt: 1))
      _ = story.tell(.started(job))
      #expect(story.tell(.returnedUnstarted(job)) == [])
    }
    #expect(park() == Sending(job, attempt: 1))
    _ = story.tell(.started(job))
    #expect(story.tell(.returnedUnstarted(job)).first == .settled(job, .failed))
  }

  @Test("a job that was parked once and then has a worker to itself is parked no more")
  func parkedOnce() {
    var story = Story { $0.runLimit = 9 }
    let job = story.accept()[0]
    #expect(story.send(parked: true) == Sending(job, attempt: 1))
    _ = story.tell(.returnedUnstarted(job))
    #expect(story.send() == Sending(job, attempt: 1, .arm(.run(job), after: 9)))
    for _ in 1..<JobLedger.mostFreeReturns {
      _ = story.tell(.returnedUnstarted(job))
      _ = story.send()
    }
    #expect(story.tell(.returnedUnstarted(job)).contains(.settled(job, .failed)))
  }

  @Test("a parked job that kills the worker at its head is charged like any other")
  func kills() {
    var story = Story {
      $0.retries = 9
      $0.quarantineAfter = 2
    }
    let job = story.accept()[0]
    for attempt in 1...2 {
      #expect(story.send(parked: true) == Sending(job, attempt: attempt))
      _ = story.tell(.started(job))
      let end = story.tell(.attemptFailed(job, .crashed))
      #expect((end.first == .settled(job, .quarantined)) == (attempt == 2))
    }
  }

  @Test(
    "what comes back to a client that has left, or while nothing is started, is cancelled", arguments: [true, false])
  func cameBackTooLate(leaves: Bool) {
    var story = Story {
      $0.keepOrder = false
      $0.queueLimitTime = 60
    }
    let client = story.join(0)
    let jobs = story.accept(2, from: client)
    _ = story.grantSeats(2)
    #expect(story.tell(leaves ? .clientLeft(client) : .drain) == [])
    #expect(story.ledger.counts.leased == 2)
    let end: [JobAction] = [.settled(jobs[1], .cancelled), .emit(jobs[1], .cancelled), .forget(jobs[1])]
    #expect(story.tell(.returnedUnstarted(jobs[1])) == end)
    #expect(story.ledger.attempts(of: jobs[1]) == 0)
    #expect(story.tell(.attemptFailed(jobs[0], .crashed)).first == .settled(jobs[0], .crashed))
    #expect(story.ledger.knows(client) == !leaves)
    #expect(story.ledger.demand == 0)
  }

  @Test("while nothing is started, what is parked comes to the head and is answered")
  func drain() {
    var story = Story { $0.runLimit = 9 }
    let jobs = story.accept(3)
    _ = story.grantSeats(2)
    #expect(story.tell(.drain) == [.settled(jobs[2], .cancelled), .hold(jobs[2])])
    _ = story.tell(.replied(jobs[0], resultBytes: 0))
    #expect(story.tell(.started(jobs[1])) == [.arm(.run(jobs[1]), after: 9)])
    #expect(story.tell(.replied(jobs[1], resultBytes: 0)).last == .idle)
    #expect(story.ledger.counts[.ok] == 2)
  }

  @Test("an abort and a cancellation reach a parked job, whose clock does not go")
  func cancellation() {
    var story = Story {
      $0.keepOrder = false
      $0.runLimit = 9
    }
    let jobs = story.accept(3)
    _ = story.grantSeats(3)
    func end(_ job: JobID) -> [JobAction] {
      [
        .interrupt(job, because: .cancelled), .settled(job, .cancelled), .emit(job, .cancelled), .forget(job),
      ]
    }
    #expect(story.tell(.cancel(jobs[1])) == end(jobs[1]))
    #expect(story.tell(.abort) == [.disarm(.run(jobs[0]))] + end(jobs[0]) + end(jobs[2]) + [.idle])
  }

  @Test("a parked job can be rejected, fail, or be settled elsewhere")
  func otherEnds() {
    var story = Story { $0.keepOrder = false }
    let jobs = story.accept(4)
    _ = story.grantSeats(4)
    #expect(story.tell(.rejected(jobs[1])).first == .settled(jobs[1], .failed))
    #expect(story.ledger.attempts(of: jobs[1]) == 0)
    #expect(story.tell(.attemptFailed(jobs[2], .failed)).first == .settled(jobs[2], .failed))
    let elsewhere = JobEvent.settledElsewhere(jobs[3], .expired, resultBytes: 0, attempts: 2)
    #expect(story.tell(elsewhere).first == .settled(jobs[3], .expired))
    #expect(story.ledger.counts.leased == 1)
  }

  @Test("with a full order window nothing is parked but the job that all others wait for")
  func fullWindow() {
    var story = Story { $0.orderWindow = 0 }
    let jobs = story.lease(2)
    let waiting = story.accept()
    _ = story.tell(.replied(jobs[1], resultBytes: 0))
    #expect(story.send(parked: true) == .nothing)
    _ = story.tell(.returnedUnstarted(jobs[0]))
    #expect(story.send(parked: true) == Sending(jobs[0], attempt: 1))
    #expect(story.send(parked: true) == .nothing)
    _ = story.tell(.replied(jobs[0], resultBytes: 0))
    #expect(story.send(parked: true) == Sending(waiting[0], attempt: 1))
  }
}
