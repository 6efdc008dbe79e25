import Glibc
import Time

/// State behind a lock of pthreads. Swift's own `Mutex` passes a contended lock on through the kernel on Linux, to the
/// thread that waits longest: with 8 threads on 2 cores a lease cost 50 µs there and 0.2 µs here.
///
/// The state lies outside of any object, so that access to it is not checked for exclusivity a second time.
struct Locked<State>: ~Copyable, @unchecked Sendable {
  private struct Memory {
    var mutex = pthread_mutex_t()
    var state: State
  }

  private let memory: UnsafeMutablePointer<Memory>

  init(_ state: consuming sending State) {
    memory = .allocate(capacity: 1)
    memory.initialize(to: Memory(state: state))
    pthread_mutex_init(&memory.pointee.mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(&memory.pointee.mutex)
    memory.deinitialize(count: 1)
    memory.deallocate()
  }

  @inline(__always)
  borrowing func withLock<Result: ~Copyable, Failure>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(&memory.pointee.mutex)
    defer { pthread_mutex_unlock(&memory.pointee.mutex) }
    return try body(&memory.pointee.state)
  }

  /// Calls `look` under the lock until it is done; in between gives the lock up, until `condition` is signalled or the
  /// time is over. Each look is an access of its own: within one, the compiler may take it that nobody else changes the
  /// state.
  func wait<Value>(for condition: borrowing Condition, _ look: (inout State) -> Look<Value>) -> Value {
    pthread_mutex_lock(&memory.pointee.mutex)
    defer { pthread_mutex_unlock(&memory.pointee.mutex) }
    while true {
      switch look(&memory.pointee.state) {
      case .done(let value): return value
      case .wait(let deadline): condition.wait(with: &memory.pointee.mutex, until: deadline)
      }
    }
  }
}

/// What a waiting thread has seen.
enum Look<Value> {
  case done(Value)
  /// Nothing yet; look again at this time of the monotonic clock at the latest.
  case wait(until: Instant?)
}

/// A condition of pthreads on the monotonic clock.
struct Condition: ~Copyable, @unchecked Sendable {
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init() {
    condition = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
  }

  func signal() { pthread_cond_signal(condition) }

  fileprivate func wait(with mutex: UnsafeMutablePointer<pthread_mutex_t>, until deadline: Instant?) {
    guard let deadline else {
      pthread_cond_wait(condition, mutex)
      return
    }
    let time = deadline.sinceOrigin
    var end = timespec(tv_sec: Int(clamping: time.wholeSeconds), tv_nsec: Int((time % .seconds(1)).count))
    pthread_cond_timedwait(condition, mutex, &end)
  }
}

/// The monotonic clock.
enum Clock {
  /// As exact as it is.
  static var now: Instant { read(CLOCK_MONOTONIC) }
  /// At the last tick of the kernel, up to 4 ms ago: an eighth of the price, for what happens at each lease.
  static var coarse: Instant { read(CLOCK_MONOTONIC_COARSE) }

  private static func read(_ clock: clockid_t) -> Instant {
    var time = timespec()
    clock_gettime(clock, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }
}
