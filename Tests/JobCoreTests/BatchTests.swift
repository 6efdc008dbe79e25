import TestSupport
import Testing
import Time

@testable import JobCore

/// Which jobs go to a worker together, when they wait for each other, and what becomes of them when it is lost.
@Suite struct BatchTests {
  private static func story(_ rule: BatchRule, _ configure: (inout JobLedger.Configuration) -> Void = { _ in }) -> Story
  {
    Story {
      $0.batches = rule
      $0.keepOrder = false
      configure(&$0)
    }
  }

  @Test("a batch is what is there, up to its limit, and a lone job does not wait")
  func whatIsThere() {
    var story = Self.story(BatchRule(most: 4))
    let lone = story.accept()
    #expect(story.ledger.demand == 1)
    #expect(story.sendBatch() == lone)
    let jobs = story.accept(6)
    #expect(story.ledger.demand == 2)
    #expect(story.sendBatch() == Array(jobs[..<4]))
    #expect(story.ledger.demand == 1)
    #expect(story.sendBatch() == Array(jobs[4...]))
    #expect(story.ledger.demand == 0)
    #expect(story.sendBatch() == [])
  }

  @Test("a worker that may do fewer jobs gets fewer")
  func fewer() {
    var story = Self.story(BatchRule(most: 4))
    let jobs = story.accept(4)
    #expect(story.sendBatch(atMost: 3) == Array(jobs[..<3]))
    #expect(story.sendBatch(atMost: 3) == [jobs[3]])
  }

  @Test("a batch has no more bytes than it may, and a job that is larger goes alone")
  func bytes() {
    var story = Self.story(BatchRule(most: 10, mostBytes: 100))
    let jobs = [40, 50, 20, 500, 10, 10].flatMap { story.accept(1, sized: $0) }
    #expect(story.sendBatch() == Array(jobs[0...1]))
    #expect(story.sendBatch() == [jobs[2]])
    #expect(story.sendBatch() == [jobs[3]])
    #expect(story.sendBatch() == Array(jobs[4...5]))
    #expect(story.ledger.demand == 0)
  }

  @Test("only jobs of one group are in one batch; what is urgent goes first, and the others in the order of arrival")
  func groups() {
    var story = Self.story(BatchRule(most: 3, isByGroup: true))
    let jobs = [1, 2, 1, 2, 1, 1].flatMap { story.accept(1, group: $0) }
    let urgent = story.accept(1, group: 2, priority: 5)
    #expect(story.ledger.demand == 3)
    #expect(story.sendBatch() == [urgent[0], jobs[1], jobs[3]])
    #expect(story.sendBatch() == [jobs[0], jobs[2], jobs[4]])
    #expect(story.sendBatch() == [jobs[5]])
    #expect(story.ledger.demand == 0)
  }

  @Test("a batch waits until it is full, or its oldest job has waited long enough")
  func waits() {
    var story = Self.story(BatchRule(most: 3, wait: 50))
    let arrival = story.arrive()
    let first = arrival.job!
    #expect(arrival.actions == [.arm(.batch(first), after: 50)])
    let second = story.accept()[0]
    #expect(story.ledger.demand == 0 && story.sendBatch() == [])
    let third = story.accept()[0]
    #expect(story.ledger.demand == 1)
    var actions: [JobAction] = []
    #expect(story.sendBatch(&actions) == [first, second, third])
    #expect(actions == [first, second, third].map { .disarm(.batch($0)) })
    let late = story.accept(2)
    #expect(story.ledger.demand == 0)
    #expect(story.tell(.timerFired(.batch(late[0]))) == [])
    #expect(story.ledger.demand == 1 && story.sendBatch() == late)
  }

  @Test("a group that is full does not wait for another group, which goes on waiting")
  func fullGroup() {
    var story = Self.story(BatchRule(most: 2, wait: 50, isByGroup: true))
    let jobs = [1, 2, 3, 2].flatMap { story.accept(1, group: $0) }
    #expect(story.ledger.demand == 1)
    #expect(story.sendBatch() == [jobs[1], jobs[3]])
    #expect(story.ledger.demand == 0)
    _ = story.tell(.timerFired(.batch(jobs[2])))
    #expect(story.sendBatch() == [jobs[2]])
  }

  @Test("nothing waits for jobs that cannot come: at the end of the input, with a full queue, with a full window")
  func noMoreJobs() {
    var ended = Self.story(BatchRule(most: 8, wait: 50))
    let jobs = ended.accept(3)
    #expect(ended.ledger.demand == 0)
    _ = ended.tell(.inputEnded)
    #expect(ended.ledger.demand == 1 && ended.sendBatch() == jobs)

    var full = Self.story(BatchRule(most: 8, wait: 50)) { $0.queueLimit = 2 }
    let two = full.accept(2)
    #expect(full.ledger.demand == 1 && full.sendBatch() == two)

    var window = Self.story(BatchRule(most: 8)) {
      ($0.keepOrder, $0.orderWindow) = (true, 0)
    }
    let three = window.accept(3)
    #expect(window.sendBatch(atMost: 2) == Array(three[..<2]))
    _ = window.tell(.replied(three[1], resultBytes: 0))
    _ = window.tell(.batchLost(three[0]))
    #expect(window.ledger.demand == 1 && window.sendBatch() == [three[0]], "the others wait for this one")
  }

  @Test("jobs of a batch that is lost go on alone, in their order, and none is charged")
  func lost() {
    var story = Self.story(BatchRule(most: 4)) { $0.runLimit = 10 }
    let jobs = story.accept(3)
    let other = story.accept(2)
    #expect(story.sendBatch(atMost: 3) == jobs)
    #expect(jobs.allSatisfy { story.ledger.isInBatch($0) })
    for job in jobs.reversed() { _ = story.tell(.batchLost(job)) }
    #expect(story.ledger.demand == 4)
    for job in jobs {
      #expect(story.ledger.attempts(of: job) == 0)
      #expect(story.sendBatch() == [job])
      #expect(!story.ledger.isInBatch(job) && story.ledger.attempts(of: job) == 1)
    }
    #expect(story.sendBatch() == other)
    // Alone, it is to blame.
    #expect(story.tell(.attemptFailed(jobs[1], .crashed)).contains(.settled(jobs[1], .crashed)))
  }

  @Test("a batch that runs out of time is interrupted as a whole, without an outcome; a job alone runs out by itself")
  func timeout() {
    var story = Self.story(BatchRule(most: 4)) { $0.runLimit = 10 }
    let jobs = story.accept(2)
    _ = story.sendBatch()
    #expect(story.tell(.timerFired(.run(jobs[1]))) == [.interruptBatch(of: jobs[1])])
    for job in jobs.reversed() { _ = story.tell(.batchLost(job)) }
    #expect(story.sendBatch() == [jobs[0]])
    let actions = story.tell(.timerFired(.run(jobs[0])))
    #expect(actions.starts(with: [.interrupt(jobs[0], because: .runLimit), .settled(jobs[0], .timeout)]))
  }

  @Test("a job that is tried again goes alone")
  func retried() {
    var story = Self.story(BatchRule(most: 4)) { $0.retries = 1 }
    let jobs = story.accept(2)
    _ = story.sendBatch()
    _ = story.tell(.attemptFailed(jobs[0], .failed))
    let others = story.accept(2)
    #expect(story.sendBatch() == [jobs[0]])
    #expect(story.sendBatch() == others)
  }

  @Test("after the end of everything a lost batch is cancelled: nothing new is started")
  func draining() {
    var story = Self.story(BatchRule(most: 4))
    let jobs = story.accept(2)
    _ = story.sendBatch()
    _ = story.tell(.drain)
    #expect(story.tell(.batchLost(jobs[1])).first == .settled(jobs[1], .cancelled))
    #expect(story.ledger.isInBatch(jobs[0]))
  }

  @Test("clients take turns within a batch, and those that are paused have no part in it")
  func clients() {
    var story = Self.story(BatchRule(most: 4, wait: 50))
    let (one, two, three) = (story.join(1), story.join(2), story.join(3))
    let many = story.accept(3, from: one)
    _ = story.tell(.clientPaused(three))
    let paused = story.accept(5, from: three)
    #expect(story.ledger.demand == 0)
    let few = story.accept(1, from: two)
    #expect(story.ledger.demand == 1)
    #expect(Set(story.sendBatch().prefix(2)) == [many[0], few[0]])
    _ = story.tell(.clientResumed(three))
    #expect(story.ledger.demand == 1 && story.sendBatch() == Array(paused[..<4]))
    _ = story.tell(.clientPaused(three))
    _ = story.tell(.timerFired(.batch(paused[4])))
    #expect(story.ledger.demand == 0)
    _ = story.tell(.clientResumed(three))
    #expect(story.ledger.demand == 1)
    _ = story.tell(.clientLeft(three))
    #expect(story.ledger.demand == 0 && story.ledger.internalErrors == 0)
  }

  @Test("in a long queue the first jobs are looked at for others of the group, and the clients share these looks")
  func longQueue() {
    var story = Self.story(BatchRule(most: 512, isByGroup: true)) { $0.queueLimit = 100_000 }
    let near = story.accept(2, group: 1)
    let others = story.accept(BatchRule.mostLookedAt, group: 2)
    let far = story.accept(2, group: 1)
    #expect(story.sendBatch() == near)
    #expect(story.sendBatch() == Array(others[..<512]))
    #expect(story.sendBatch() == Array(others[512..<1024]))
    let client = story.join(1)
    let its = story.accept(1, from: client)
    var batches: [[JobID]] = []
    while story.ledger.demand > 0 { batches.append(story.sendBatch()) }
    #expect(Set(batches.joined()) == Set(others[1024...] + far + its), "each is sent")
    #expect(batches.contains(far) && story.ledger.internalErrors == 0)
  }

  @Test("a full batch far behind in a long queue does not stop the jobs before it, nor wait for ever")
  func fullFarBehind() {
    var story = Self.story(BatchRule(most: 2, wait: 50, isByGroup: true)) { $0.queueLimit = 100_000 }
    let lone = (0..<BatchRule.mostLookedAt + 10).flatMap { story.accept(1, group: UInt64($0) + 10) }
    #expect(story.ledger.demand == 0)
    let pair = story.accept(2, group: 1)
    #expect(story.ledger.demand == 1)
    var batches: [[JobID]] = []
    while story.ledger.demand > 0, batches.count < 100 { batches.append(story.sendBatch()) }
    // The first of the pair is then the last that is looked at, and goes without the second.
    #expect(batches == lone.prefix(11).map { [$0] } + [[pair[0]]])
    #expect(story.ledger.demand == 0 && story.ledger.internalErrors == 0)
  }
}

extension Story {
  /// Accepts jobs of this group, size and priority.
  mutating func accept(_ count: Int, group: UInt64 = 0, sized size: Int = 0, priority: Int32 = 0) -> [JobID] {
    var terms = JobTerms(priority: priority)
    (terms.group, terms.size) = (group, size)
    return accept(count, terms)
  }

  /// The jobs that a worker gets in one message.
  mutating func sendBatch(atMost limit: Int = .max) -> [JobID] {
    var actions: [JobAction] = []
    return sendBatch(atMost: limit, &actions)
  }

  mutating func sendBatch(atMost limit: Int = .max, _ actions: inout [JobAction]) -> [JobID] {
    var batch: [Assignment] = []
    ledger.sendBatch(atMost: limit, &batch, into: &actions)
    return batch.map(\.job)
  }
}
