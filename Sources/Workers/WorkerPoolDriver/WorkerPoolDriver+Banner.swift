import EventLoop
import LinuxIO
import PoolCore
import Text
import Time
import WorkerProcess

/// How the workers of a pool behave between their start and their first job, if nothing else shows that they are ready
/// (`Readiness.assumed`).
///
/// A worker that prints a banner and then reads its first job at once looks like one that answers at once. So a fresh
/// worker gets no job before it is seen waiting for one: anything that it wrote until then is a banner, which is
/// dropped. Once one worker was seen waiting without a banner, its successors get their first job at once.
enum StartManner {
  /// No worker was seen waiting for its first job yet.
  case unknown
  /// A worker waited for its first job, and had written nothing.
  case silent
  /// A worker wrote a banner: each worker is watched.
  case greets
  /// Workers cannot be watched, or none was seen waiting in time: they get their first job at once.
  case hidden
  /// Workers wait for their first job in a way that looks like loading: they get it at once.
  case waitsOtherwise

  /// Whether fresh workers are watched before they get a job.
  var isWatched: Bool {
    switch self {
    case .unknown, .greets: true
    case .silent, .hidden, .waitsOtherwise: false
    }
  }
}

extension WorkerPoolDriver {
  /// The longest banner in bytes; a longer one breaks the protocol.
  static let longestBanner = 1 << 20
  /// The longest pause before the next look at a worker that has just written something.
  private static let pauseAfterBanner = Nanoseconds.microseconds(200)

  /// Whether a worker is being watched that does not wait for its first job yet.
  public var watchesStarts: Bool {
    workers.indices.contains { workers.holds($0) && isWatched($0) }
  }

  private func isWatched(_ slot: Int) -> Bool {
    workers[slot].startWatch != nil && workers[slot].duty == .starting && !workers[slot].isStopping
  }

  /// The worker runs. It is ready as soon as it waits for its first job, or at once if workers are not watched.
  mutating func watchStart(_ slot: Int, _ loop: inout EventLoop) {
    // A worker that waits for events may peek at its job, and answer before it has read it.
    workers[slot].mayGreet = startManner != .waitsOtherwise
    // A message is no banner, and a banner no message.
    guard startManner.isWatched, !workers[slot].speaksInMessages else { return assumeReady(slot, &loop) }
    workers[slot].startWatch = StartWatch()
    timers.arm(.look(workers[slot].id), at: loop.now() + StartWatch.pause(atAge: .zero))
  }

  /// A watched worker may have written something: it is loading, or about to read. Its output is kept until it reads.
  mutating func hasGreeted(_ slot: Int, _ loop: inout EventLoop) {
    guard !workers[slot].inbound.isEmpty else { return }
    if workers[slot].inbound.count > Self.longestBanner { return spokeOutOfTurn(slot, &loop) }
    workers[slot].startWatch?.hasWritten()
    let pause = StartWatch.pause(atAge: loop.now() - workers[slot].startedAt)
    timers.arm(.look(workers[slot].id), at: loop.now() + min(pause, Self.pauseAfterBanner))
  }

  /// Checks whether a fresh worker waits for its first job. Reads a few files of /proc.
  mutating func lookAtStart(_ id: WorkerID, _ loop: inout EventLoop) {
    let slot = id.slot.index
    guard workers.holds(id), isWatched(slot), var watch = workers[slot].startWatch else { return }
    let age = loop.now() - workers[slot].startedAt
    let verdict = watch.judge(sight(of: slot, age: age), at: loop.now())
    workers[slot].startWatch = watch
    switch verdict {
    case .loads where age < configuration.pool.startLimit / 2:
      timers.arm(.look(id), at: loop.now() + StartWatch.pause(atAge: age))
    case .loads, .cannotBeSeen: endWatch(slot, .hidden, &loop)
    case .waitsOtherwise: endWatch(slot, .waitsOtherwise, &loop)
    case .reads: endWatch(slot, .silent, &loop)
    }
  }

  private func sight(of slot: Int, age: Nanoseconds) -> StartWatch.Sight {
    if let simulated = workers[slot].process.simulated { return .init(simulated.waitsForInput ? .readsInput : .hidden) }
    let input = ProcessTable.nameOfPipe(workers[slot].process.input) ?? ""
    return StartWatch.Sight(of: workers[slot].process.pid, input: input, age: age)
  }

  /// Ends the watch: the worker behaves like this. Anything that it has written so far is its banner.
  private mutating func endWatch(_ slot: Int, _ manner: StartManner, _ loop: inout EventLoop) {
    let id = workers[slot].id
    // We may not have read yet what it wrote before it went to sleep.
    while workers[slot].process.unreadOutput() > 0 {
      outputReady(slot, &loop)
      guard workers.holds(id), isWatched(slot) else { return }
    }
    switch manner {
    case .unknown, .greets, .hidden: break
    case .silent, .waitsOtherwise: workers[slot].mayGreet = false
    }
    if !workers[slot].inbound.isEmpty {
      reportBanner(slot, loop)
    } else if startManner == .unknown {
      startManner = manner
    }
    assumeReady(slot, &loop)
    if !startManner.isWatched { endWatches(&loop) }
  }

  /// The manner of the workers is known: ends the watch of all others, except those that have written something.
  private mutating func endWatches(_ loop: inout EventLoop) {
    for slot in workers.indices where workers.holds(slot) && isWatched(slot) {
      if startManner == .waitsOtherwise { workers[slot].mayGreet = false }
      if workers[slot].inbound.isEmpty { assumeReady(slot, &loop) }
    }
  }

  private mutating func assumeReady(_ slot: Int, _ loop: inout EventLoop) {
    let id = workers[slot].id
    timers.disarm(.look(id))
    workers[slot].startWatch = nil
    if !workers[slot].terms.initialMessages.isEmpty { return becomeReady(slot, &loop) }
    workers[slot].isReady = true
    workers[slot].duty = .none
    events.append(.ready(id))
    tell(.workerReady(id), &loop)
  }

  private mutating func reportBanner(_ slot: Int, _ loop: borrowing EventLoop) {
    startManner = .greets
    let shown = workers[slot].inbound.withUnsafeBytes { quoted($0) }
    events.append(.banner(workers[slot].account(at: loop.now()), shown: shown))
    workers[slot].inbound.removeAll()
  }

  /// Drops the output of a worker that counts as ready but has read nothing of its first message, however many jobs
  /// that holds: it is a banner. False if the worker was not allowed to write anything.
  mutating func dropBanner(_ slot: Int, _ loop: borrowing EventLoop) -> Bool {
    guard workers[slot].mayGreet, !workers[slot].isProved,
      workers[slot].bannerSize + workers[slot].inbound.count <= Self.longestBanner
    else { return false }
    let isMore = workers[slot].bannerSize > 0
    workers[slot].bannerSize += workers[slot].inbound.count
    if isMore { workers[slot].inbound.removeAll() } else { reportBanner(slot, loop) }
    workers[slot].decodeAnew(configuration.workerProtocol)
    return true
  }
}
