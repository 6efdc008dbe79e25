import DaemonThreads
import Time

/// Threads for the calls of blocking factories. A call takes a thread that waits for one, or a new one, so that a call
/// that hangs holds up no other. Threads without work end after a while.
final class OperationThreads: Sendable {
  static let shared = OperationThreads()

  private struct State {
    var work: [@Sendable () -> Void] = []
    var waiting = 0
  }

  private static let patience: Nanoseconds = .seconds(5)

  private let locked = Locked(State())
  private let changed = Condition()

  /// Runs the call on a thread of its own.
  func run(_ call: @escaping @Sendable () -> Void) {
    let mustStart = locked.withLock { state in
      state.work.append(call)
      changed.signal()
      return state.work.count > state.waiting
    }
    // Without a thread the caller must do it, unless somebody has taken it meanwhile.
    if mustStart, !DaemonThread.start({ self.serve() }), let left = locked.withLock({ $0.work.popLast() }) { left() }
  }

  private func serve() {
    while let call = next() { call() }
  }

  /// The next call; nil when none came for a while.
  private func next() -> (@Sendable () -> Void)? {
    let deadline = Clock.now + Self.patience
    locked.withLock { $0.waiting += 1 }
    return locked.wait(for: changed) { state -> Look<(@Sendable () -> Void)?> in
      guard !state.work.isEmpty || Clock.now >= deadline else { return .wait(until: deadline) }
      state.waiting -= 1
      return .done(state.work.isEmpty ? nil : state.work.removeFirst())
    }
  }
}
