import TestSupport
import Time

@testable import PoolCore

/// The timers that a driver keeps, with what it can check about them: armed once, disarmed when armed.
struct TimerTable {
  private struct Armed {
    var generation: UInt32 = 0
    var deadline: Instant = 0
  }

  private static let kinds = SlotTimer.allCases.count
  /// One for each kind of each slot; generation 0 when not armed.
  private var ofSlots: [Armed] = []
  private var ofWaiters: [UInt64: Instant] = [:]
  private var breaker = Armed()
  private var review = Armed()
  /// The last generation. The breaker counts its own.
  private var lastGeneration: UInt32 = 0
  private var lastOfBreaker: UInt32 = 0

  /// What is wrong with the arming, if anything is. A timer in the distant future never comes.
  mutating func arm(_ timer: TimerID, at deadline: Instant) -> String? {
    if !isNew(timer) { return "under the generation of another, whose late firing would be taken for its own" }
    return enter(timer, at: deadline) ? nil : "which is armed"
  }

  /// Generations only grow here: none wraps around in a test.
  private mutating func isNew(_ timer: TimerID) -> Bool {
    switch timer {
    case .slot(_, _, let generation), .review(let generation):
      defer { lastGeneration = generation }
      return generation > lastGeneration
    case .breaker(let generation):
      defer { lastOfBreaker = generation }
      return generation > lastOfBreaker
    case .waiter: return true
    }
  }

  /// False when it is armed already.
  private mutating func enter(_ timer: TimerID, at deadline: Instant) -> Bool {
    switch timer {
    case .slot(let slot, let kind, let generation):
      let place = slot.index * Self.kinds + kind.rawValue
      while ofSlots.count <= place { ofSlots.append(Armed()) }
      guard ofSlots[place].generation == 0 else { return false }
      ofSlots[place] = Armed(generation: generation, deadline: deadline)
    case .waiter(let waiter):
      guard ofWaiters[waiter.number] == nil else { return false }
      ofWaiters[waiter.number] = deadline
    case .breaker(let generation):
      guard breaker.generation == 0 else { return false }
      breaker = Armed(generation: generation, deadline: deadline)
    case .review(let generation):
      guard review.generation == 0 else { return false }
      review = Armed(generation: generation, deadline: deadline)
    }
    return true
  }

  /// False when it is not armed.
  @discardableResult
  mutating func forget(_ timer: TimerID) -> Bool {
    switch timer {
    case .slot(let slot, let kind, let generation):
      guard armed(slot.index, kind) == generation else { return false }
      ofSlots[slot.index * Self.kinds + kind.rawValue].generation = 0
    case .waiter(let waiter): return ofWaiters.removeValue(forKey: waiter.number) != nil
    case .breaker(let generation):
      guard breaker.generation == generation else { return false }
      breaker.generation = 0
    case .review(let generation):
      guard review.generation == generation else { return false }
      review.generation = 0
    }
    return true
  }

  /// The armed generation, 0 when it is not armed.
  func armed(_ slot: Int, _ kind: SlotTimer) -> UInt32 {
    let place = slot * Self.kinds + kind.rawValue
    return place < ofSlots.count ? ofSlots[place].generation : 0
  }

  func isArmed(_ slot: Int, _ kind: SlotTimer) -> Bool { armed(slot, kind) != 0 }
  func deadline(_ slot: Int, _ kind: SlotTimer) -> Instant? {
    isArmed(slot, kind) ? ofSlots[slot * Self.kinds + kind.rawValue].deadline : nil
  }
  var breakerDeadline: Instant? { breaker.generation == 0 ? nil : breaker.deadline }
  var reviewDeadline: Instant? { review.generation == 0 ? nil : review.deadline }
  var armedWaiters: Int { ofWaiters.count }

  /// The one that is due first; ties in a fixed order, so that a run can be repeated.
  var next: (TimerID, Instant)? {
    var best: (TimerID, Instant)?
    for place in ofSlots.indices
    where ofSlots[place].generation != 0 && ofSlots[place].deadline < best?.1 ?? .distantFuture {
      let kind = SlotTimer.allCases[place % Self.kinds]
      best = (
        .slot(SlotID(place / Self.kinds), kind, generation: ofSlots[place].generation), ofSlots[place].deadline
      )
    }
    if breaker.generation != 0, breaker.deadline < best?.1 ?? .distantFuture {
      best = (.breaker(generation: breaker.generation), breaker.deadline)
    }
    if review.generation != 0, review.deadline < best?.1 ?? .distantFuture {
      best = (.review(generation: review.generation), review.deadline)
    }
    if let (waiter, deadline) = ofWaiters.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }),
      deadline < best?.1 ?? .distantFuture
    {
      best = (.waiter(WaiterID(waiter)), deadline)
    }
    return best
  }
}
