import Glibc
import TestSupport

@testable import ObjectPool

/// A factory that fails and hangs now and then, and a checker that believes nothing the pool says.
final class StressWorld: ObjectFactory, BlockingObjectFactory {
  struct Counts: Equatable {
    var (made, ended, alive) = (0, 0, 0)
    var (granted, timedOut, exhausted, cancelled, misuses) = (0, 0, 0, 0, 0)
    var (notMade, closed) = (0, 0)
    var answered: Int { granted + timedOut + exhausted + cancelled + notMade + closed }
  }

  struct State {
    var random: SplitMix64
    var counts = Counts()
    var violations: [String] = []
  }

  /// What the pool promises about the objects it hands out.
  let promisesHealth: Bool
  /// The greatest maximum there ever is.
  let ceiling: Int
  private let state: Locked<State>

  init(seed: UInt64, ceiling: Int, promisesHealth: Bool) {
    self.ceiling = ceiling
    self.promisesHealth = promisesHealth
    state = Locked(State(random: SplitMix64(state: seed)))
  }

  var counts: Counts { state.withLock { $0.counts } }
  var violations: [String] { state.withLock { $0.violations } }
  func count(_ change: (inout Counts) -> Void) { state.withLock { change(&$0.counts) } }
  func accuse(_ what: String) { state.withLock { $0.violations.append(what) } }
  private func oneOf(_ number: Int) -> Bool { state.withLock { Int.random(in: 0..<number, using: &$0.random) == 0 } }

  // MARK: The factory

  private func makeNow() throws -> Thing {
    if oneOf(40) { throw Broken() }
    return state.withLock {
      $0.counts.made += 1
      $0.counts.alive += 1
      if $0.counts.alive > ceiling { $0.violations.append("\($0.counts.alive) objects exist") }
      return Thing($0.counts.made)
    }
  }

  private func look(_ thing: Thing, _ call: String) {
    if thing.isGone { accuse("\(call) after dispose") }
    if !thing.enter() { accuse("\(call) of an object in use") }
    thing.leave()
  }

  private func validateNow(_ thing: Thing) throws -> Bool {
    look(thing, "validate")
    if oneOf(400) { throw Broken() }
    return !thing.isSick
  }

  private func resetNow(_ thing: Thing) throws {
    look(thing, "reset")
    if oneOf(400) { throw Broken() }
    thing.wipe()
  }

  private func disposeNow(_ thing: Thing) throws {
    if thing.isGone { accuse("disposed of twice") }
    if thing.isUsed { accuse("disposed of in use") }
    thing.end()
    count {
      $0.ended += 1
      $0.alive -= 1
    }
    if oneOf(50) { throw Broken() }
  }

  /// Longer than the limits of the calls, whatever happens meanwhile.
  private func hang() async { await Task { try? await Task.sleep(for: .milliseconds(25)) }.value }

  func make() async throws -> Thing {
    if oneOf(200) { await hang() }
    return try makeNow()
  }
  func validate(_ thing: Thing) async throws -> Bool {
    if oneOf(2000) { await hang() }
    return try validateNow(thing)
  }
  func reset(_ thing: Thing) async throws {
    if oneOf(2000) { await hang() }
    try resetNow(thing)
  }
  func dispose(_ thing: Thing) async throws { try disposeNow(thing) }

  func make() throws -> Thing {
    if oneOf(200) { usleep(25_000) }
    return try makeNow()
  }
  func validate(_ thing: Thing) throws -> Bool {
    if oneOf(2000) { usleep(25_000) }
    return try validateNow(thing)
  }
  func reset(_ thing: Thing) throws {
    if oneOf(2000) { usleep(25_000) }
    try resetNow(thing)
  }
  func dispose(_ thing: Thing) throws { try disposeNow(thing) }

  // MARK: Those who use the pool

  /// Somebody has the thing.
  func begin(_ thing: Thing) {
    count { $0.granted += 1 }
    if !thing.enter() { accuse("two have the same object, or it is gone") }
    if promisesHealth, thing.isSick { accuse("a sick object was handed out") }
    if promisesHealth, thing.isMarked { accuse("a dirty object was handed out") }
    thing.mark()
  }

  func end(_ thing: Thing, _ step: StressStep) {
    if step.fallsIll { thing.getSick() }
    thing.leave()
  }

  /// Ends the lease as the step says.
  func giveBack(_ lease: Lease<Thing>, to pool: AnyObjectPool<Thing>, _ step: StressStep) {
    end(lease.object, step)
    do {
      if step.disposes { try pool.dispose(lease) } else { try pool.release(lease) }
    } catch { accuse("a release failed: \(error)") }
    guard step.releasesTwice else { return }
    count { $0.misuses += 1 }
    do {
      try pool.release(lease)
      accuse("a second release passed")
    } catch {}
  }

  /// No lease: why?
  func refused(_ error: any Error) {
    count { counts in
      switch error {
      case is CancellationError: counts.cancelled += 1
      case ObjectPoolError.timedOut: counts.timedOut += 1
      case ObjectPoolError.exhausted: counts.exhausted += 1
      case ObjectPoolError.creationFailed: counts.notMade += 1
      case ObjectPoolError.closed: counts.closed += 1
      default: break
      }
    }
  }

  func disturb(_ pool: AnyObjectPool<Thing>, _ step: StressStep) {
    switch step.disturbance {
    case 0..<3: pool.resize(minimum: 0, maximum: 2 + step.disturbance)
    case 3: pool.resize(minimum: 2, maximum: ceiling)
    case 4: pool.recycle()
    default: break
    }
  }
}

/// What somebody does next; drawn before, so that a seed decides it.
struct StressStep: Sendable {
  enum Way: CaseIterable { case acquire, within, attempt, body, failingBody, cancelled }
  let way: Way
  let patience: Duration
  let fallsIll: Bool
  let disposes: Bool
  let releasesTwice: Bool
  let pauses: Bool
  let disturbance: Int

  init(using random: inout SplitMix64) {
    way = Way.allCases.randomElement(using: &random)!
    patience = .microseconds(Int.random(in: 0...3000, using: &random))
    fallsIll = Int.random(in: 0..<30, using: &random) == 0
    disposes = Int.random(in: 0..<30, using: &random) == 0
    releasesTwice = Int.random(in: 0..<20, using: &random) == 0
    pauses = Int.random(in: 0..<10, using: &random) == 0
    disturbance = Int.random(in: 0..<1000, using: &random)
  }
}
