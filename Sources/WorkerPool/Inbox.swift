import LinuxIO
import PoolCore
import Synchronization
import Time

/// What tasks ask of the thread of their pool.
enum Request: Sendable {
  /// Starts the workers: answered when the first one is ready, or cannot be started.
  case start(Waiter<Void>)
  case run(Job)
  /// The task of this job was cancelled.
  case cancel(Job)
  case status(Waiter<WorkerPool.Status>)
  case resize(ClosedRange<Int>)
  case recycle
  /// Answered when no worker is left.
  case stop(StopUrgency, Waiter<Void>?)
}

/// A task that waits for an answer of the pool's thread.
typealias Waiter<Answer> = CheckedContinuation<Answer, any Error>

/// One call of `WorkerPool.run`.
final class Job: Sendable {
  let bytes: [UInt8]
  let timeout: Nanoseconds
  let priority: Int32

  private enum State {
    case new
    case posted(Waiter<[UInt8]>)
    case cancelled
    case answered
  }

  private let state = Mutex(State.new)

  init(_ bytes: [UInt8], timeout: Nanoseconds, priority: Int32) {
    self.bytes = bytes
    self.timeout = timeout
    self.priority = priority
  }

  /// Hands the job in, unless its task was cancelled before.
  func post(to inbox: Inbox, _ waiter: Waiter<[UInt8]>) {
    let isPosted = state.withLock { state in
      guard case .new = state else { return false }
      state = .posted(waiter)
      return true
    }
    if isPosted { inbox.post(.run(self)) } else { waiter.resume(throwing: CancellationError()) }
  }

  /// Its task is cancelled. The reply, if one comes yet, is still the answer.
  func cancel(in inbox: Inbox) {
    let isPosted = state.withLock { state in
      switch state {
      case .new:
        state = .cancelled
        return false
      case .posted: return true
      case .cancelled, .answered: return false
      }
    }
    if isPosted { inbox.post(.cancel(self)) }
  }

  /// Answers the task, once.
  func answer(_ result: Result<[UInt8], any Error>) {
    let waiter: Waiter<[UInt8]>? = state.withLock { state in
      guard case .posted(let waiter) = state else { return nil }
      state = .answered
      return waiter
    }
    waiter?.resume(with: result)
  }
}

/// Requests on their way to the pool's thread, in order.
final class Inbox: Sendable {
  private struct State {
    var requests: [Request] = []
    /// Why nothing is taken any more: the thread is gone.
    var end: (any Error)?
  }

  private let state = Mutex(State())
  private let wakeup: Wakeup

  init() throws(SystemError) { wakeup = try Wakeup() }

  /// Readable when there are requests.
  var descriptor: CInt { wakeup.descriptor }

  /// Hands a request in. When the pool is over it is answered at once.
  func post(_ request: Request) {
    let (isFirst, end) = state.withLock { state in
      if state.end == nil { state.requests.append(request) }
      return (state.requests.count == 1, state.end)
    }
    if let end { refuse(request, end) } else if isFirst { wakeup.ring() }
  }

  /// Takes all requests.
  func take() -> [Request] {
    wakeup.clear()
    return state.withLock { state in
      var requests: [Request] = []
      swap(&requests, &state.requests)
      return requests
    }
  }

  /// The pool is over: whatever is asked now, or has not been looked at yet, is refused for this reason.
  func close(because error: any Error) {
    let rest = state.withLock { state in
      state.end = error
      var requests: [Request] = []
      swap(&requests, &state.requests)
      return requests
    }
    for request in rest { refuse(request, error) }
  }

  private func refuse(_ request: Request, _ error: any Error) {
    switch request {
    case .start(let waiter): waiter.resume(throwing: error)
    case .run(let job): job.answer(.failure(error))
    case .status(let waiter): waiter.resume(throwing: error)
    case .stop(_, let waiter): waiter?.resume()
    case .cancel, .resize, .recycle: break
    }
  }
}
