import Glibc

/// A task or a thread that waits for a value. To be resumed exactly once, and not under a lock.
enum Resumption<Value: Sendable>: Sendable {
  case task(UnsafeContinuation<Value, any Error>)
  case thread(Mailbox<Value>)

  func resume(_ result: Result<Value, any Error>) {
    switch self {
    case .task(let continuation): continuation.resume(with: result)
    case .thread(let mailbox): mailbox.put(result)
    }
  }
}

/// Where a thread waits for one value. A semaphore: with a condition, the thread that is woken would first have to wait
/// for the lock that the other still holds.
final class Mailbox<Value: Sendable>: @unchecked Sendable {
  /// Written before the semaphore is raised, read after that.
  private var result: Result<Value, any Error>?
  private let filled: UnsafeMutablePointer<sem_t>

  init() {
    filled = .allocate(capacity: 1)
    sem_init(filled, 0, 0)
  }

  deinit {
    sem_destroy(filled)
    filled.deallocate()
  }

  func put(_ result: Result<Value, any Error>) {
    self.result = result
    sem_post(filled)
  }

  /// Waits for the value.
  func take() throws -> Value {
    // A signal may end the wait early.
    while sem_wait(filled) != 0 {}
    guard let result else { preconditionFailure("an empty mailbox was raised") }
    return try result.get()
  }
}
