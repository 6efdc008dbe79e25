import EventLoop
import JobCore
import JobEngine
import JobSources
import LinuxIO

/// Jobs in: from the connections to the ledger.
extension PoolService {
  /// The number of jobs taken from one connection before it is the next one's turn.
  private static let quantum = 16
  /// The number of blocks read in one turn, and their sizes in bytes: the first is small, as most clients send little.
  private static let blocks = 4
  private static let firstBlock = 4096
  private static let block = 65536
  /// All incomplete jobs together may take this many times the size of one job. Half of it goes to the first that come,
  /// the other half is shared. Beyond its share only the longest goes on.
  private static let unreadFactor = 4

  /// How taking from a connection ended.
  private enum Taking {
    /// Nothing more is there at the moment.
    case dry
    /// More is there, but others want their turn.
    case more
    /// Its answers are not read, or too many of its jobs are not settled.
    case heldBack
    /// The queue is full.
    case noRoom
    /// It sends no more.
    case over
    /// It is gone.
    case gone
  }

  /// Takes jobs from those in line, in turn, as long as there is room.
  mutating func takeJobs(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    longestUnread = nil
    if releasesAll {
      releasesAll = false
      for index in connections.indices where connections.holds(index) { release(index) }
    }
    for _ in 0..<line.count {
      guard mayTakeJobs, let index = popLine() else { break }
      // The outcomes of others' jobs must be delivered before the places of those jobs are used again.
      settleActions(&loop, &reporter)
      guard connections.holds(index) else { continue }
      goOn(with: index, after: take(from: index, &loop, &reporter), &loop)
    }
  }

  private mutating func goOn(with index: Int, after taking: Taking, _ loop: inout EventLoop) {
    switch taking {
    case .dry: resume(index, &loop)
    case .more: standInLine(index)
    case .noRoom:
      standInLine(index)
      pause(index, &loop)
    case .heldBack:
      connections[index].isHeldBack = true
      pause(index, &loop)
    case .over:
      pause(index, &loop)
      finishIfAnswered(index, &loop)
    case .gone: break
    }
  }

  private mutating func take(
    from index: Int, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) -> Taking {
    let id = connections[index].id
    var jobsLeft = Self.quantum
    var blocksLeft = Self.blocks
    // What is answered at once is sent at once when it is much, and may find the client gone.
    while connections.holds(id) {
      if isHeldBack(index) { return .heldBack }
      if !mayTakeJobs { return .noRoom }
      // Nobody is refused while a worker is free for a job that waits.
      if !engine.jobs.ledger.canAccept {
        settle(&loop, &reporter)
        guard connections.holds(id) else { return .gone }
      }
      if jobsLeft == 0 { return .more }
      let step = noteUnread(of: index) { $0.next() }
      if connections[index].asksForRecords { greet(index) }
      if connections[index].speaksControl {
        reporter.repeated(
          .refusedClient, cause: "control",
          "\(connections[index].name) speaks to a job socket as if it were the control socket")
        close(index, .malformed, &loop)
        return .gone
      }
      if let other = connections[index].foreignProtocol {
        turnAway(index, other, &loop, &reporter)
        return .gone
      }
      switch step {
      case .job:
        takeJob(from: index, loop, &reporter)
        jobsLeft -= 1
        settleActions(&loop, &reporter)
      case .oversize(let limit):
        let rules = intakeRules(of: index)
        taken(engine.jobs.takeOversize(limit: limit, rules, at: loop.now()), from: index, &reporter)
        jobsLeft -= 1
        settleActions(&loop, &reporter)
      case .failed:
        close(index, .malformed, &loop)
        return .gone
      case .end: return .over
      // A connection reads nothing by itself, and gives only the first of these.
      case .notYet, .nextTurn, .inBackground, .notice:
        if blocksLeft == 0 { return .more }
        if !mayRead(index) { return .heldBack }
        let size = blocksLeft == Self.blocks ? Self.firstBlock : Self.block
        blocksLeft -= 1
        switch read(index, atMost: size, loop) {
        case .bytes: continue
        case .wouldBlock: return .dry
        case .endOfFile: connections[index].inputIsOver = true
        case .failed:
          close(index, .gone, &loop)
          return .gone
        }
      }
    }
    return .gone
  }

  /// Whether no job is taken from it: its answers are not read, or too many of its jobs are not settled.
  private func isHeldBack(_ index: Int) -> Bool {
    let heldBytes = engine.jobs.ledger.heldBytes(of: connections[index].id)
    return connections[index].isFull(outputLimit, heldBytes: heldBytes)
      || !engine.jobs.ledger.canAccept(from: connections[index].id)
  }

  private mutating func read(_ index: Int, atMost size: Int, _ loop: borrowing EventLoop) -> ReadResult {
    let result = connections[index].readOnce(atMost: size)
    if case .bytes(let count) = result {
      unreadBytes += count
      metrics.received(bytes: count)
      connections[index].movedAt = loop.now()
    }
    return result
  }

  /// Has the connection do something that may take bytes from what was read.
  @inline(__always)
  private mutating func noteUnread<R>(of index: Int, _ body: (inout Connection) -> R) -> R {
    let before = connections[index].unreadBytes
    let result = body(&connections[index])
    noteConsumed(before - connections[index].unreadBytes)
    return result
  }

  /// Bytes that were read are no more: where there was no room for those of others, there may be now.
  mutating func noteConsumed(_ count: Int) {
    if count > 0, unreadBytes >= unreadLimit { releasesAll = true }
    unreadBytes -= count
  }

  private var unreadLimit: Int { max(Self.unreadFactor / 2 * configuration.maximumJobSize, 16 * Self.block) }

  /// Unfinished jobs of many clients must not fill the memory, nor may clients that begin big jobs keep small ones out.
  /// Beyond the limit each client goes on to its share of as much again, and further only the one with the most, so
  /// that one job gets finished: all together never take more than twice the limit and the longest job.
  private mutating func mayRead(_ index: Int) -> Bool {
    let own = connections[index].unreadBytes
    if unreadBytes < unreadLimit || own < max(Self.firstBlock, unreadLimit / connections.count) { return true }
    if longestUnread == nil {
      longestUnread = index
      var most = own
      for other in connections.indices where connections.holds(other) && connections[other].unreadBytes > most {
        most = connections[other].unreadBytes
        longestUnread = other
      }
    }
    return longestUnread == index
  }

  private mutating func resume(_ index: Int, _ loop: inout EventLoop) {
    _ = connections[index].resume(&loop, token: token(of: connections[index].id))
  }

  mutating func pause(_ index: Int, _ loop: inout EventLoop) {
    connections[index].pause(&loop, token: token(of: connections[index].id))
  }

  /// Lets a connection that was held back go on, if it can by now.
  mutating func release(_ index: Int) {
    if connections[index].isPaused, connections[index].unsent.count < outputLimit {
      connections[index].isPaused = false
      engine.jobs.handle(.clientResumed(connections[index].id))
    }
    guard connections[index].isHeldBack, !isHeldBack(index) else { return }
    connections[index].isHeldBack = false
    standInLine(index)
  }

  // MARK: One job

  private func intakeRules(of index: Int) -> IntakeRules {
    var rules = IntakeRules()
    rules.client = connections[index].id
    rules.answer = connections[index].answerFraming
    rules.isOrdered = connections[index].isOrdered
    rules.refusesWhenFull = true
    return rules
  }

  private mutating func takeJob(from index: Int, _ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    let rules = intakeRules(of: index)
    let shared = noteUnread(of: index) { $0.shareJob() }
    var intake = Intake.nothing
    connections[index].withJob { bytes in
      intake = engine.jobs.take(
        bytes, sharing: shared, as: connections[index].form, rules, at: loop.now(),
        position: connections[index].position)
    }
    taken(intake, from: index, &reporter)
  }

  private mutating func taken(_ intake: Intake, from index: Int, _ reporter: inout Reporter) {
    if case .refused = intake { metrics.jobRefused() }
    noteOrigin(of: intake.job, index)
    if case .rejected(_, let reason, _) = intake {
      reporter.repeated(
        .rejectedJob, cause: reason, "job \(connections[index].jobs) of \(connections[index].name) \(reason)")
    }
    noteUnread(of: index) { $0.consume(as: intake.job) }
  }

  /// Where the answer of a job that has just come in is to go.
  private mutating func noteOrigin(of job: JobID?, _ index: Int) {
    guard let job else { return }
    metrics.jobAccepted()
    while origins.count <= Int(job.index) { origins.append(Origin()) }
    connections[index].jobs += 1
    origins[Int(job.index)] = Origin(client: connections[index].id, number: connections[index].jobs)
  }
}
