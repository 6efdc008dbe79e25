import TestSupport
import Testing
import Time

@testable import JobCore

/// Random lives of a ledger that makes batches, in virtual time: against what is known of each job apart from it.
@Suite struct RandomBatchTests {
  @Test("what batches promise is kept in random lives", arguments: 1...200 as ClosedRange<UInt64>)
  func lives(seed: UInt64) {
    var life = BatchLife(seed: seed)
    for _ in 0..<300 { life.step() }
    life.finish()
    if let problem = life.problem { Issue.record("seed \(seed): \(problem)") }
  }
}

private struct BatchLife {
  private struct Job {
    var terms: JobTerms
    var dueAt: Instant
    var isAlone = false
    var isQueued = true
    var settlings = 0
  }

  private let rule: BatchRule
  private var ledger: JobLedger
  private var dice: SplitMix64
  private var now = Instant(nanoseconds: 0)
  private var jobs: [JobID: Job] = [:]
  private var timers: [JobID: Instant] = [:]
  private var sent: [[JobID]] = []
  private var clients: [ClientID] = [.sole]
  private var paused: Set<ClientID> = []
  private(set) var problem: String?

  init(seed: UInt64) {
    dice = SplitMix64(state: seed)
    rule = BatchRule(
      most: 1 + dice.below(6), wait: dice.below(2) == 0 ? .zero : 40, mostBytes: dice.below(2) == 0 ? nil : 100,
      isByGroup: dice.below(2) == 0)
    var configuration = JobLedger.Configuration(keepOrder: dice.below(2) == 0, queueLimit: 30, retries: dice.below(3))
    configuration.batches = rule
    ledger = JobLedger(configuration: configuration)
  }

  private mutating func require(_ holds: Bool, _ text: String) {
    if !holds, problem == nil { problem = text }
  }

  mutating func step() {
    switch dice.below(10) {
    case 0...3: accept()
    case 4...5: send()
    case 6: end()
    case 7: pass()
    case 8:
      let some = jobs.keys.sorted { $0.tag < $1.tag }.dropFirst(dice.below(20)).first
      if let some { handle(.cancel(some)) }
    default: changeClients()
    }
    check()
  }

  private mutating func accept() {
    for _ in 0..<(1 + dice.below(4)) where ledger.canAccept {
      var terms = JobTerms(priority: Int32(dice.below(2)), client: clients[dice.below(clients.count)])
      (terms.size, terms.group) = (dice.below(60), UInt64(dice.below(3)))
      var actions: [JobAction] = []
      guard let job = ledger.accept(terms, into: &actions) else { return require(false, "a job was not accepted") }
      jobs[job] = Job(terms: terms, dueAt: now + rule.wait)
      perform(actions)
    }
  }

  private mutating func send() {
    let demand = ledger.demand
    var (batch, actions): ([Assignment], [JobAction]) = ([], [])
    let limit = dice.below(4) == 0 ? 1 + dice.below(6) : .max
    let canAccept = ledger.canAccept
    ledger.sendBatch(atMost: limit, &batch, into: &actions)
    perform(actions)
    require(batch.isEmpty == (demand == 0), "\(demand) batches are wanted, and \(batch.count) jobs are sent")
    guard let head = batch.first.flatMap({ jobs[$0.job] }) else { return }
    let mates = batch.compactMap { jobs[$0.job] }
    require(mates.count == batch.count && mates.allSatisfy(\.isQueued), "a job is sent that does not wait")
    require(mates.allSatisfy { !paused.contains($0.terms.client) }, "a job of a paused client is sent")
    require(batch.count <= min(limit, rule.most), "\(batch.count) jobs are in one batch")
    if batch.count > 1 {
      require(!mates.contains(where: \.isAlone), "a job that goes alone is in a batch")
      if rule.isByGroup {
        require(mates.allSatisfy { $0.terms.group == head.terms.group }, "two groups are in one batch")
      }
      let bytes = mates.reduce(0) { $0 + $1.terms.size }
      require(bytes <= rule.mostBytes ?? .max, "\(bytes) bytes are in one batch")
    }
    let isFull = batch.count == rule.most || rule.mostBytes != nil || limit < rule.most
    let isDue = mates.contains { $0.isAlone || $0.dueAt <= now } || jobs.values.contains { $0.isQueued && $0.isAlone }
    require(isFull || isDue || !canAccept, "a batch of \(batch.count) did not wait")
    for assignment in batch { jobs[assignment.job]?.isQueued = false }
    sent.append(batch.map(\.job))
  }

  /// A worker answers, or is lost.
  private mutating func end() {
    guard !sent.isEmpty else { return }
    let batch = sent.remove(at: dice.below(sent.count)).filter { ledger.isLeased($0) }
    switch dice.below(3) {
    case 0: for job in batch { handle(.replied(job, resultBytes: 0)) }
    case 1:
      for job in batch.reversed() {
        jobs[job]?.dueAt = .origin
        jobs[job]?.isQueued = true
        handle(.returnedUnstarted(job))
      }
    default:
      for job in batch.reversed() {
        // The last of a batch is not known to be innocent, either.
        guard ledger.isInBatch(job) else {
          goesBackAlone(job)
          handle(.attemptFailed(job, .crashed))
          continue
        }
        goesBackAlone(job)
        let attempts = ledger.attempts(of: job)
        handle(.batchLost(job))
        require(ledger.attempts(of: job) == attempts - 1, "a job of a lost batch is charged")
      }
    }
  }

  private mutating func goesBackAlone(_ job: JobID) {
    jobs[job]?.isAlone = true
    jobs[job]?.isQueued = true
  }

  private mutating func pass() {
    now += Nanoseconds(UInt64(dice.below(30)))
    for job in timers.keys.sorted(by: { $0.tag < $1.tag }) where (timers[job] ?? .distantFuture) <= now {
      timers[job] = nil
      handle(.timerFired(.batch(job)))
    }
  }

  private mutating func changeClients() {
    guard !ledger.configuration.keepOrder else { return }
    if clients.count < 4 {
      let client = ClientID(index: UInt32(clients.count), generation: 1)
      handle(.clientJoined(client))
      clients.append(client)
      return
    }
    let client = clients[1 + dice.below(3)]
    handle(paused.contains(client) ? .clientResumed(client) : .clientPaused(client))
    paused.formSymmetricDifference([client])
  }

  private mutating func handle(_ event: JobEvent) {
    var actions: [JobAction] = []
    ledger.handle(event, into: &actions)
    perform(actions)
  }

  private mutating func perform(_ actions: [JobAction]) {
    for action in actions {
      switch action {
      case .arm(.batch(let job), let wait): timers[job] = now + wait
      case .disarm(.batch(let job)): timers[job] = nil
      case .settled(let job, _): jobs[job]?.settlings += 1
      case .forget(let job):
        require(jobs[job]?.settlings == 1, "a job has \(jobs[job]?.settlings ?? -1) outcomes")
        require(timers[job] == nil, "a job is gone, and waits for a batch")
        jobs[job] = nil
      case .interrupt, .interruptBatch, .emit, .hold, .withdrawn, .arm, .disarm, .idle: break
      case .reportInternalError(let text): require(false, "\(text)")
      }
    }
  }

  private mutating func check() {
    let queued = jobs.values.filter { $0.isQueued && $0.settlings == 0 && !paused.contains($0.terms.client) }
    if queued.contains(where: { $0.isAlone || $0.dueAt <= now }) {
      require(ledger.demand > 0, "a job is due, and no worker is wanted")
    }
    require(ledger.demand <= queued.count, "\(ledger.demand) batches of \(queued.count) jobs are wanted")
    if !ledger.canAccept, !queued.isEmpty { require(ledger.demand > 0, "no job can come, and no worker is wanted") }
  }

  /// Nothing is left behind.
  mutating func finish() {
    handle(.inputEnded)
    for client in paused.sorted(by: { $0.index < $1.index }) { handle(.clientResumed(client)) }
    paused = []
    var rounds = 0
    while ledger.counts.unsettled > 0, rounds < 10_000, problem == nil {
      rounds += 1
      send()
      end()
    }
    require(jobs.isEmpty, "\(jobs.count) jobs are left")
    require(ledger.internalErrors == 0 && ledger.demand == 0, "the ledger has errors, or wants workers for nothing")
  }
}
