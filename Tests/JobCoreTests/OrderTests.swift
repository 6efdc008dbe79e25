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

  @Test func whatIsKeptAboutAJobCountsUntilItIsOut() {
    var story = Story()
    let jobs = story.lease(4)
    #expect(story.tell(.kept(jobs[1], bytes: 20)).isEmpty)
    _ = story.tell(.attemptFailed(jobs[1], .crashed))
    #expect(story.ledger.counts.heldBytes == 20 + JobLedger.heldJobCost)
    // It may be known only when the job is held.
    _ = story.tell(.attemptFailed(jobs[2], .crashed))
    _ = story.tell(.kept(jobs[2], bytes: 5))
    #expect(story.ledger.counts.heldBytes == 25 + 2 * JobLedger.heldJobCost)
    // The size of an answer holds all of it.
    _ = story.tell(.kept(jobs[3], bytes: 7))
    _ = story.tell(.replied(jobs[3], resultBytes: 30))
    #expect(story.ledger.counts.heldBytes == 55 + 3 * JobLedger.heldJobCost)
    _ = story.tell(.replied(jobs[0], resultBytes: 0))
    #expect(story.ledger.counts.heldBytes == 0)
    // It is out, and forgotten.
    #expect(story.tell(.kept(jobs[1], bytes: 9)).isEmpty && story.ledger.counts.heldBytes == 0)
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

  // MARK: An order for each client

  /// Two clients, who have brought jobs in turn, each of which has a worker.
  private func twoClients(_ count: Int) -> (story: Story, ones: [JobID], others: [JobID]) {
    var story = Story {
      $0.keepOrder = false
      $0.ordersEachClient = true
      $0.orderWindow = 0
    }
    let (one, other) = (story.join(0), story.join(1))
    var (ones, others): ([JobID], [JobID]) = ([], [])
    for _ in 0..<count {
      ones += story.accept(from: one)
      others += story.accept(from: other)
    }
    #expect(Set(story.grant(2 * count)) == Set(ones + others))
    return (story, ones, others)
  }

  @Test("each client's results come out in its order, and wait for nobody else's")
  func eachClient() {
    var (story, ones, others) = twoClients(2)
    let one = ClientID(index: 0, generation: 1)
    #expect(story.tell(.replied(ones[1], resultBytes: 30)) == [.settled(ones[1], .ok), .hold(ones[1])])
    #expect(story.ledger.heldBytes(of: one) == 30)
    #expect(story.ledger.canAccept, "the window of one order does not count")
    #expect(
      story.tell(.replied(others[0], resultBytes: 1))
        == [.settled(others[0], .ok), .emit(others[0], .ok), .forget(others[0])])
    #expect(
      story.tell(.attemptFailed(ones[0], .crashed)) == [
        .settled(ones[0], .crashed), .emit(ones[0], .crashed), .forget(ones[0]), .emit(ones[1], .ok),
        .forget(ones[1]),
      ])
    #expect(story.ledger.heldBytes(of: one) == 0 && story.ledger.counts.held == 0)
  }

  @Test("a job that is in no order comes out when it ends, and nothing waits for it")
  func unordered() {
    var story = Story {
      $0.keepOrder = false
      $0.ordersEachClient = true
    }
    var free = JobTerms.usual
    free.isOrdered = false
    let jobs = story.accept(1, free) + story.accept() + story.accept(1, free)
    #expect(story.grant(3) == jobs)
    for job in [jobs[2], jobs[1], jobs[0]] {
      #expect(story.tell(.replied(job, resultBytes: 1)) == [.settled(job, .ok), .emit(job, .ok), .forget(job)])
    }
  }

  @Test("an answer that waits in its client's order can be withdrawn")
  func withdrawnOfAClient() {
    var (story, ones, _) = twoClients(2)
    _ = story.tell(.replied(ones[1], resultBytes: 30))
    #expect(story.tell(.answerWithdrawn(ones[1])) == [.withdrawn(ones[1])])
    #expect(story.ledger.heldBytes(of: ClientID(index: 0, generation: 1)) == 0)
  }

  @Test("what waits for a client that has left comes out with its last job, and its place is free only then")
  func leavingWithHeldJobs() {
    var (story, ones, _) = twoClients(2)
    let one = ClientID(index: 0, generation: 1)
    _ = story.tell(.replied(ones[1], resultBytes: 30))
    #expect(story.tell(.clientLeft(one)) == [])
    #expect(story.ledger.knows(one))
    #expect(
      story.tell(.replied(ones[0], resultBytes: 1)) == [
        .settled(ones[0], .ok), .emit(ones[0], .ok), .forget(ones[0]), .emit(ones[1], .ok), .forget(ones[1]),
      ])
    #expect(!story.ledger.knows(one))
  }

  @Test("at an abort each client's jobs end in its order, so that nothing has to wait")
  func abortOfClients() {
    var (story, ones, others) = twoClients(1)
    let actions = story.tell(.abort)
    #expect(!actions.contains { if case .hold = $0 { true } else { false } })
    let ended = actions.compactMap { if case .emit(let job, .cancelled) = $0 { job } else { nil } }
    #expect(Set(ended) == Set(ones + others))
  }

  @Test("there is one order or one for each client, not both")
  func twoOrders() {
    var configuration = JobLedger.Configuration()
    configuration.ordersEachClient = true
    #expect(configuration.defect != nil)
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
