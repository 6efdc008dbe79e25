import Glibc
import Synchronization

/// What is pooled. It counts its uses without a lock: if two ever had it at once, some would be missing in the end.
final class Thing: @unchecked Sendable {
  var uses = 0
  var scratch: UInt64 = 0
}

/// What a floor needs of a lock.
protocol Lock: ~Copyable, Sendable {
  init()
  borrowing func withLock<Result>(_ body: () -> Result) -> Result
}

/// The C library's.
struct ThreadLock: ~Copyable, @unchecked Sendable, Lock {
  let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  @inline(__always)
  borrowing func withLock<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}

/// Swift's.
struct SwiftLock: ~Copyable, Lock {
  private let mutex = Mutex(())

  @inline(__always)
  borrowing func withLock<Result>(_ body: () -> Result) -> Result { mutex.withLock { _ in body() } }
}

/// The least a pool for threads can be: an array behind a lock, and a condition for when it is empty. Whoever comes by
/// first takes what was given back; one who waits may be passed over for ever.
final class ConditionFloor: @unchecked Sendable {
  private let lock = ThreadLock()
  private let isThere = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  // Guarded by the lock; a floor pays for no check of exclusive access.
  @exclusivity(unchecked) private var free: [Thing]
  @exclusivity(unchecked) private var waiting = 0

  init(_ things: [Thing]) {
    free = things
    pthread_cond_init(isThere, nil)
  }

  deinit {
    pthread_cond_destroy(isThere)
    isThere.deallocate()
  }

  func acquire() -> Thing {
    lock.withLock {
      waiting += 1
      while free.isEmpty { pthread_cond_wait(isThere, lock.mutex) }
      waiting -= 1
      return free.removeLast()
    }
  }

  func release(_ thing: Thing) {
    let mustWake = lock.withLock {
      free.append(thing)
      return waiting > 0
    }
    if mustWake { pthread_cond_signal(isThere) }
  }
}

/// The least a pool can be that serves those who wait in the order in which they came, as ObjectPool does: an array of
/// things and one of waiters behind a lock. What is given back while somebody waits goes to them directly.
final class QueueFloor<Guard: Lock & ~Copyable>: @unchecked Sendable {
  private enum Waiter {
    case task(UnsafeContinuation<Thing, Never>)
    case thread(Seat)
  }

  /// Where a thread waits.
  private final class Seat {
    let filled = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    var thing: Thing?

    init() { sem_init(filled, 0, 0) }

    deinit {
      sem_destroy(filled)
      filled.deallocate()
    }
  }

  private let lock = Guard()
  @exclusivity(unchecked) private var free: [Thing]
  @exclusivity(unchecked) private var waiting: [Waiter] = []

  init(_ things: [Thing]) { free = things }

  /// For tasks.
  nonisolated(nonsending) func acquire() async -> Thing {
    if let thing = lock.withLock({ free.popLast() }) { return thing }
    return await withUnsafeContinuation { continuation in
      let thing = lock.withLock {
        if let thing = free.popLast() { return thing as Thing? }
        waiting.append(.task(continuation))
        return nil
      }
      if let thing { continuation.resume(returning: thing) }
    }
  }

  /// For threads.
  func acquireBlocking() -> Thing {
    var seat: Seat?
    let thing = lock.withLock {
      if let thing = free.popLast() { return thing as Thing? }
      seat = Seat()
      waiting.append(.thread(seat!))
      return nil
    }
    if let thing { return thing }
    while sem_wait(seat!.filled) != 0 {}
    return seat!.thing!
  }

  func release(_ thing: Thing) {
    let waiter = lock.withLock {
      if waiting.isEmpty {
        free.append(thing)
        return nil as Waiter?
      }
      return waiting.removeFirst()
    }
    switch waiter {
    case .task(let continuation): continuation.resume(returning: thing)
    case .thread(let seat):
      seat.thing = thing
      sem_post(seat.filled)
    case nil: break
    }
  }
}
