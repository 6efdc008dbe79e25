import DaemonThreads
import Testing

@testable import ObjectPool

/// How a pool is called.
enum Face: String, CaseIterable, Sendable {
  case asynchronous, blocking
}

/// A pool of things with either face, for what holds for both. Calls that block do so on a thread of their own.
final class EitherPool: Sendable {
  private enum Kind: Sendable {
    case asynchronous(ObjectPool<Thing>)
    case blocking(BlockingObjectPool<Thing>)
  }

  private let kind: Kind
  let common: AnyObjectPool<Thing>

  init(_ face: Face, _ configuration: ObjectPoolConfiguration, _ workshop: Workshop) {
    switch face {
    case .asynchronous:
      let pool = ObjectPool(configuration, factory: workshop)
      (kind, common) = (.asynchronous(pool), pool)
    case .blocking:
      let pool = BlockingObjectPool(configuration, factory: workshop)
      (kind, common) = (.blocking(pool), pool)
    }
  }

  func acquire(file: StaticString = #fileID, line: UInt = #line) async throws -> Lease<Thing> {
    switch kind {
    case .asynchronous(let pool): try await pool.acquire(file: file, line: line)
    case .blocking(let pool): try await onThread { try pool.acquire(file: file, line: line) }
    }
  }

  func acquire(timeout: Duration) async throws -> Lease<Thing> {
    switch kind {
    case .asynchronous(let pool): try await pool.acquire(timeout: timeout)
    case .blocking(let pool): try await onThread { try pool.acquire(timeout: timeout) }
    }
  }

  func tryAcquire() async throws -> Lease<Thing>? {
    switch kind {
    case .asynchronous(let pool): try await pool.tryAcquire()
    case .blocking(let pool): try await onThread { try pool.tryAcquire() }
    }
  }

  func withObject<Value: Sendable>(
    disposingOnThrow: Bool = false, _ body: @escaping @Sendable (Thing) throws -> Value
  ) async throws -> Value {
    switch kind {
    case .asynchronous(let pool):
      try await pool.withObject(disposingOnThrow: disposingOnThrow) { try body($0) }
    case .blocking(let pool):
      try await onThread { try pool.withObject(disposingOnThrow: disposingOnThrow, body) }
    }
  }

  func prefill(_ count: Int? = nil) async throws {
    switch kind {
    case .asynchronous(let pool): try await pool.prefill(count)
    case .blocking(let pool): try await onThread { try pool.prefill(count) }
    }
  }

  func close(within time: Duration = .seconds(3600)) async {
    switch kind {
    case .asynchronous(let pool): await pool.close(within: time)
    case .blocking(let pool): try? await onThread { pool.close(within: time) }
    }
  }

  func drain(within time: Duration? = nil) async {
    switch kind {
    case .asynchronous(let pool): await pool.drain(within: time)
    case .blocking(let pool): try? await onThread { pool.drain(within: time) }
    }
  }

  func release(_ lease: Lease<Thing>) throws { try common.release(lease) }
  func dispose(_ lease: Lease<Thing>) throws { try common.dispose(lease) }
  var statistics: ObjectPoolStatistics { common.statistics }

  /// True as soon as the figures are such.
  func eventually(_ condition: @escaping @Sendable (ObjectPoolStatistics) -> Bool) async -> Bool {
    await ObjectPoolTests.eventually { condition(self.statistics) }
  }
}

/// Runs what blocks where it holds up no task.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let hasStarted = DaemonThread.start { continuation.resume(with: Result { try body() }) }
    precondition(hasStarted, "no thread")
  }
}

/// What happened, in order, told by any task or thread.
final class Log<Entry: Sendable>: Sendable {
  private let entries = Locked<[Entry]>([])
  var all: [Entry] { entries.withLock { $0 } }
  func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }
}

/// The error that the call throws, or nil.
func failure<Value>(of call: () async throws -> Value) async -> (any Error)? {
  do {
    _ = try await call()
    return nil
  } catch {
    return error
  }
}

extension Error {
  /// Tells errors of a pool apart, without what they carry.
  var kind: String {
    switch self as any Error {
    case is CancellationError: "cancelled"
    case let error as Broken: error.what
    case ObjectPoolError.timedOut: "timed out"
    case ObjectPoolError.exhausted: "exhausted"
    case ObjectPoolError.creationFailed: "creation failed"
    case ObjectPoolError.creationTimedOut: "creation timed out"
    case ObjectPoolError.closed: "closed"
    case ObjectPoolError.leaseEnded: "lease ended"
    case ObjectPoolError.foreignLease: "foreign lease"
    default: "\(self)"
    }
  }
}
