import Time
import Timers
import TestSupport
import Testing

@Suite struct TimerQueueTests {
  @Test("fires in the order of deadlines, each once, at its deadline and not before")
  func order() {
    var queue = TimerQueue<String>()
    queue.arm("late", at: 30)
    queue.arm("soon", at: 10)
    queue.arm("middle", at: 20)
    #expect(queue.earliest == 10)
    #expect(queue.popExpired(at: 9) == nil)
    #expect(queue.popExpired(at: 10) == "soon")
    #expect(queue.popExpired(at: 10) == nil)
    #expect(queue.popExpired(at: 99) == "middle")
    #expect(queue.popExpired(at: 99) == "late")
    #expect(queue.popExpired(at: 99) == nil)
    #expect(queue.earliest == nil && queue.count == 0)
  }

  @Test("arming again moves a timer; disarming leaves nothing behind")
  func moving() {
    var queue = TimerQueue<Int>()
    queue.arm(1, at: 10)
    queue.arm(2, at: 20)
    queue.arm(1, at: 30)
    #expect(queue.count == 2 && queue.earliest == 20)
    queue.disarm(2)
    queue.disarm(2)
    #expect(queue.count == 1 && queue.earliest == 30)
    #expect(queue.popExpired(at: .distantFuture) == 1)
  }

  @Test("behaves like a dictionary that is searched for its earliest deadline", arguments: [1, 2, 3, 4] as [UInt64])
  func hashedAgainstAModel(seed: UInt64) { againstAModel(seed) { $0 } }

  /// Every fourth has no place, and the others share theirs with another one.
  private struct PlacedKey: TimerKey {
    let number: Int
    var place: Int? { number % 4 == 0 ? nil : number / 2 }
  }

  @Test("so it does for keys that have places, even if two have the same one", arguments: [1, 2, 3, 4] as [UInt64])
  func placedAgainstAModel(seed: UInt64) { againstAModel(seed) { PlacedKey(number: $0) } }

  private func againstAModel<Key: TimerKey>(_ seed: UInt64, _ makeKey: (Int) -> Key) {
    var generator = SplitMix64(state: seed)
    var queue = TimerQueue<Key>()
    var model: [Key: Instant] = [:]
    var now: Instant = 0
    for step in 0..<10_000 {
      let key = makeKey(Int.random(in: 0..<40, using: &generator))
      switch Int.random(in: 0...9, using: &generator) {
      case 0...4:
        let deadline = now + Nanoseconds.random(in: 0...50, using: &generator)
        queue.arm(key, at: deadline)
        model[key] = deadline
      case 5...6:
        queue.disarm(key)
        model[key] = nil
      default:
        now += Nanoseconds.random(in: 0...10, using: &generator)
        while let fired = queue.popExpired(at: now) {
          let deadline = model.removeValue(forKey: fired)
          #expect(deadline.map { $0 <= now } == true, "seed \(seed), step \(step)")
          #expect(model.values.allSatisfy { $0 >= deadline ?? 0 }, "seed \(seed), step \(step)")
        }
        #expect(model.values.allSatisfy { $0 > now }, "seed \(seed), step \(step)")
      }
      guard queue.count == model.count, queue.earliest == model.values.min() else {
        Issue.record("seed \(seed), step \(step): \(queue.count) timers, expected \(model)")
        return
      }
    }
  }
}
