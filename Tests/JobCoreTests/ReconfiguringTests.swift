import TestSupport
import Testing
import Time

@testable import JobCore

@Suite("New limits for a ledger that lives") struct ReconfiguringTests {
  private func reconfigure(
    _ story: inout Story, _ adjust: (inout JobLedger.Configuration) -> Void
  ) -> [JobAction] {
    var configuration = story.ledger.configuration
    adjust(&configuration)
    var actions: [JobAction] = []
    story.ledger.reconfigure(configuration, into: &actions)
    return actions
  }

  @Test("a queue that is longer than its new limit loses nothing, and takes nothing until it is shorter")
  func shorterQueue() {
    var story = Story()
    let jobs = story.accept(3)
    #expect(reconfigure(&story) { $0.queueLimit = 2 }.isEmpty)
    #expect(!story.ledger.canAccept)
    #expect(story.grant(2) == Array(jobs[..<2]))
    #expect(story.ledger.canAccept)
    #expect(story.grant() == [jobs[2]])
  }

  @Test("a client with more jobs than it may have keeps them, and brings no more until they are fewer")
  func fewerJobsOfAClient() {
    var story = Story { $0.keepOrder = false }
    let client = story.join(0)
    let jobs = story.accept(2, from: client)
    _ = reconfigure(&story) { $0.clientLimit = 2 }
    #expect(!story.ledger.canAccept(from: client))
    #expect(story.grant() == [jobs[0]])
    _ = story.tell(.replied(jobs[0], resultBytes: 0))
    #expect(story.ledger.canAccept(from: client))
  }

  @Test("an attempt that runs keeps its limit, the next one has the new one")
  func runLimit() {
    var story = Story { $0.runLimit = 5 }
    let running = story.lease()[0]
    #expect(reconfigure(&story) { $0.runLimit = 9 }.isEmpty)
    let next = story.accept()[0]
    #expect(story.send().actions.contains(.arm(.run(next), after: 9)))
    #expect(story.tell(.timerFired(.run(running))).contains(.interrupt(running, because: .runLimit)))
  }

  @Test("a job keeps the retries that it came with")
  func retries() {
    var story = Story { $0.retries = 1 }
    let job = story.lease()[0]
    _ = reconfigure(&story) { $0.retries = 0 }
    #expect(!story.tell(.attemptFailed(job, .failed)).contains(.settled(job, .failed)))
    let other = story.accept()[0]
    _ = story.send()
    _ = story.send()
    #expect(story.tell(.attemptFailed(other, .failed)).contains(.settled(other, .failed)))
  }

  @Test(
    "when the longest wait in the queue changes, those who are there begin to wait anew",
    arguments: [(nil, 7), (5, 7), (5, nil), (5, 5), (nil, nil)] as [(Nanoseconds?, Nanoseconds?)])
  func queueTime(old: Nanoseconds?, new: Nanoseconds?) {
    var story = Story { $0.queueLimitTime = old }
    let running = story.lease()[0]
    let waiting = story.accept(2)
    let actions = reconfigure(&story) { $0.queueLimitTime = new }
    var expected: [JobAction] = []
    for job in waiting where old != new {
      if old != nil { expected.append(.disarm(.queue(job))) }
      if let new { expected.append(.arm(.queue(job), after: new)) }
    }
    #expect(actions == expected)
    #expect(story.ledger.counts.leased == 1, "\(running) is not touched")
    // What was armed is disarmed exactly when it should be.
    let left = story.send().actions
    #expect(left.contains(.disarm(.queue(waiting[0]))) == (new != nil))
  }

  @Test("a share of the median counts from the run times that are known")
  func median() {
    var story = Story()
    for job in story.lease(3) { _ = story.tell(.replied(job, resultBytes: 0, ran: 1000)) }
    _ = reconfigure(&story) { $0.runLimitPercent = 200 }
    let job = story.accept()[0]
    let limits = story.send().actions.compactMap { action -> Nanoseconds? in
      if case .arm(.run(job), let limit) = action { limit } else { nil }
    }
    #expect(limits.count == 1)
    #expect(limits.allSatisfy { (1500...2500).contains($0) }, "\(limits)")
    _ = story.tell(.replied(job, resultBytes: 0))
    _ = reconfigure(&story) { $0.runLimitPercent = nil }
    let last = story.accept()[0]
    let arms = story.send().actions.filter { if case .arm(.run, _) = $0 { true } else { false } }
    #expect(arms.isEmpty, "\(last) may run for ever again")
  }

  @Test("a halt rule that is reached already counts at once")
  func halt() {
    var story = Story()
    let jobs = story.lease(2)
    let waiting = story.accept()[0]
    _ = story.tell(.attemptFailed(jobs[0], .failed))
    #expect(
      reconfigure(&story) { $0.halt = HaltRule(.soon, .count(1)) } == [.settled(waiting, .cancelled), .hold(waiting)])
    #expect(story.ledger.isHalted)
    #expect(story.send() == .nothing)
    #expect(story.tell(.replied(jobs[1], resultBytes: 0)).last == .idle)
  }

  @Test("limits that cannot be change nothing, and are reported")
  func impossible() {
    var story = Story()
    #expect(reconfigure(&story) { $0.keepOrder = false }.count == 1)
    #expect(reconfigure(&story) { $0.queueLimit = 0 }.count == 1)
    #expect(story.ledger.internalErrors == 2)
    #expect(story.ledger.configuration == JobLedger.Configuration())
  }
}
