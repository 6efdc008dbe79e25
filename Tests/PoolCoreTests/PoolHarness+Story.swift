import TestSupport
import Testing
import Time

@testable import PoolCore

let millisecond: Nanoseconds = 1_000_000
let second: Nanoseconds = 1_000_000_000

/// Short words for the stories.
extension PoolHarness {
  /// An open pool of `minimum` to `maximum`; with `isUp` every worker that was started is ready.
  static func open(
    _ minimum: Int, _ maximum: Int? = nil, isUp: Bool = true, seed: UInt64 = 1,
    _ adjust: (inout PoolConfiguration) -> Void = { _ in }
  ) -> PoolHarness {
    var configuration = PoolConfiguration(minimum: minimum, maximum: maximum ?? minimum)
    configuration.jitter = 0
    adjust(&configuration)
    var harness = PoolHarness(configuration, seed: seed)
    harness.send(.start)
    if isUp { harness.bringUp() }
    return harness
  }

  /// The worker that lives, or lived last, in the slot.
  func worker(_ slot: Int) -> WorkerID { WorkerID(slot: SlotID(slot), serial: shadows[slot].serial) }

  func slots(_ life: Shadow.Life) -> [Int] { shadows.indices.filter { shadows[$0].life == life } }
  var starting: [Int] { slots(.starting) }
  var stopping: [Int] { slots(.stopping) }
  /// Slots whose workers are ready and do not retire.
  var serving: [Int] { slots(.ready).filter { !shadows[$0].isRetiring } }

  /// Everything that starts becomes ready, until nothing starts any more.
  mutating func bringUp(sourceLocation: SourceLocation = #_sourceLocation) {
    while let slot = starting.first { ready(slot, sourceLocation: sourceLocation) }
  }

  /// All that are starting now become ready.
  mutating func bringUpOnce(sourceLocation: SourceLocation = #_sourceLocation) {
    for slot in starting { ready(slot, sourceLocation: sourceLocation) }
  }

  @discardableResult
  mutating func ready(_ slot: Int, sourceLocation: SourceLocation = #_sourceLocation) -> [PoolAction] {
    send(.workerReady(worker(slot)), sourceLocation: sourceLocation)
  }

  @discardableResult
  mutating func gone(
    _ slot: Int, _ cause: GoneCause = .died, sourceLocation: SourceLocation = #_sourceLocation
  ) -> [PoolAction] {
    send(.workerGone(worker(slot), cause), sourceLocation: sourceLocation)
  }

  /// All that are on the stop ladder end.
  mutating func buryStopped(sourceLocation: SourceLocation = #_sourceLocation) {
    while let slot = stopping.first { gone(slot, .stopped, sourceLocation: sourceLocation) }
  }

  @discardableResult
  mutating func request(
    _ limit: WaitLimit = .forever, sourceLocation: SourceLocation = #_sourceLocation
  ) -> [PoolAction] {
    send(.leaseRequested(WaiterID(lastWaiter + 1), limit), sourceLocation: sourceLocation)
  }

  /// A lease that must be granted at once; the slot that has it.
  mutating func lease(sourceLocation: SourceLocation = #_sourceLocation) -> Int {
    request(sourceLocation: sourceLocation)
    guard let slot = granted.last?.slot.index else {
      Issue.record("no worker was granted: \(actions)", sourceLocation: sourceLocation)
      return 0
    }
    return slot
  }

  @discardableResult
  mutating func release(
    _ slot: Int, _ end: LeaseEnd = .healthy, sourceLocation: SourceLocation = #_sourceLocation
  ) -> [PoolAction] {
    send(.leaseReleased(worker(slot), end), sourceLocation: sourceLocation)
  }

  /// The lease goes on with the next job at once, or it does not.
  mutating func goOn(
    _ slot: Int, _ expected: Bool = true, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let known = violations.count
    let goesOn = continueLease(worker(slot))
    #expect(goesOn == expected, comment, sourceLocation: sourceLocation)
    checkInvariants()
    for violation in violations[known...] { Issue.record("\(violation)", sourceLocation: sourceLocation) }
  }

  /// Fires this timer of the slot at its time, whatever else is due before.
  mutating func fire(_ slot: Int, _ kind: SlotTimer, sourceLocation: SourceLocation = #_sourceLocation) {
    let generation = timers.armed(slot, kind)
    #expect(generation != 0, "the \(kind) timer of slot \(slot) is not armed", sourceLocation: sourceLocation)
    send(.timerFired(.slot(SlotID(slot), kind, generation: generation)), sourceLocation: sourceLocation)
  }

  /// Workers granted by the last event.
  var granted: [WorkerID] {
    actions.compactMap { if case .grantLease(_, let worker) = $0 { worker } else { nil } }
  }

  /// Workers offered by the last event, by slot.
  var offered: [Int] {
    actions.compactMap { if case .offer(let worker) = $0 { worker.slot.index } else { nil } }
  }

  /// From now on, `count` jobs wait.
  @discardableResult
  mutating func demand(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) -> [PoolAction] {
    send(.demandChanged(count), sourceLocation: sourceLocation)
  }

  /// `count` jobs of the lease are done; the lease goes on.
  @discardableResult
  mutating func done(
    _ slot: Int, _ count: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) -> [PoolAction] {
    send(.jobsDone(worker(slot), count), sourceLocation: sourceLocation)
  }

  /// Refusals of the last event.
  var refused: [LeaseRefusal] {
    actions.compactMap { if case .refuseLease(_, let refusal) = $0 { refusal } else { nil } }
  }

  /// Refusals of the demand by the last event.
  var refusedDemand: [LeaseRefusal] {
    actions.compactMap { if case .refuseDemand(let refusal) = $0 { refusal } else { nil } }
  }

  /// All notices so far.
  var notices: [PoolNotice] {
    history.compactMap { if case .report(let notice) = $0 { notice } else { nil } }
  }

  /// Why each worker retired, in order.
  var retirements: [RetireReason] {
    notices.compactMap { if case .retiring(_, let reason) = $0 { reason } else { nil } }
  }

  /// The wait after each failed start, in order.
  var backoffs: [Nanoseconds] {
    notices.compactMap { if case .startFailed(_, _, let wait) = $0 { wait } else { nil } }
  }

  var starts: Int { history.count { if case .startWorker = $0 { true } else { false } } }
}
