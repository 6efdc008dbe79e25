import Synchronization
import Testing

@testable import ObjectPool

@Suite("Errors of a factory") struct ErrorLifeTests {
  /// It calls a pool when it goes.
  final class Caller: Error {
    let call: @Sendable () -> Void
    init(_ call: @escaping @Sendable () -> Void) { self.call = call }
    deinit { call() }
  }

  @Test("nothing of the program runs under the pool's lock, not even the end of an error", .timeLimit(.minutes(5)))
  func endOfError() throws {
    let calls = Atomic<Int>(0)
    let shared = Mutex<BlockingObjectPool<Int>?>(nil)
    let configuration = ObjectPoolConfiguration.unhurried(maximum: 1).with { $0.minimumBackoff = .milliseconds(1) }
    let pool = BlockingObjectPool<Int>(configuration) {
      guard calls.add(1, ordering: .relaxed).newValue > 2 else {
        throw Caller { _ = shared.withLock { $0 }?.statistics }
      }
      return 1
    }
    shared.withLock { $0 = pool }
    #expect(try pool.withObject { $0 } == 1)
    shared.withLock { $0 = nil }
    pool.close()
  }
}
