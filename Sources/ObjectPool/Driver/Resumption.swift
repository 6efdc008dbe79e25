/// One who waits for a value, as a task or as a thread. To be resumed exactly once, and not under a lock.
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

/// Where a thread waits for one value.
final class Mailbox<Value: Sendable>: Sendable {
  private let locked = Locked<Result<Value, any Error>?>(nil)
  private let filled = Condition()

  func put(_ result: Result<Value, any Error>) {
    locked.withLock {
      $0 = result
      filled.signal()
    }
  }

  /// Waits for the value.
  func take() throws -> Value {
    try locked.wait(for: filled) { result in
      if let result { .done(result) } else { .wait(until: nil) }
    }.get()
  }
}
