import PoolCore

/// A pool of objects that are expensive to make, for asynchronous code.
///
/// ```swift
/// let parsers = ObjectPool(.init(size: 4)) { try await Parser() }
/// let tree = try await parsers.withObject { parser in parser.parse(text) }
/// ```
///
/// A pool can be used from any task and thread. Waiters are served in the order in which they came; one whose task is
/// cancelled leaves the queue with a `CancellationError`.
public final class ObjectPool<Object>: AnyObjectPool<Object>, @unchecked Sendable {
  /// A pool of the objects of a factory. The configuration must have no `defect`.
  public init(_ configuration: ObjectPoolConfiguration = .init(), factory: some ObjectFactory<Object>) {
    super.init(
      PoolDriver(
        configuration, validates: true, prepares: factory is any PreparingObjectFactory, resets: true,
        runner: TaskRunner(factory)))
  }

  /// A pool of the objects that `make` makes. Without `validate`, `prepare` and `reset` nothing is validated,
  /// prepared and reset. The configuration must have no `defect`.
  public init(
    _ configuration: ObjectPoolConfiguration = .init(),
    make: @escaping @Sendable () async throws -> Object,
    validate: (@Sendable (Object) async throws -> Bool)? = nil,
    prepare: (@Sendable (Object) async throws -> Void)? = nil,
    reset: (@Sendable (Object) async throws -> Void)? = nil,
    dispose: (@Sendable (Object) async throws -> Void)? = nil
  ) {
    let factory = ClosureFactory(
      made: make, validated: validate, prepared: prepare, forgotten: reset, disposed: dispose)
    super.init(
      PoolDriver(
        configuration, validates: validate != nil, prepares: prepare != nil, resets: reset != nil,
        runner: TaskRunner(factory)))
  }

  // MARK: Acquiring

  /// Leases an object; when all are leased, does what `whenExhausted` says.
  ///
  /// Throws `ObjectPoolError`, or `CancellationError` if the task is cancelled while it waits.
  @inlinable
  public nonisolated(nonsending) func acquire(
    file: StaticString = #fileID, line: UInt = #line
  ) async throws -> Lease<Object> {
    let place = SourcePlace(file: file, line: line)
    if let grant = driver.leaseAtOnce(place) { return lease(grant) }
    return lease(try await wait(.usual, place))
  }

  /// Leases an object; waits for it no longer than `timeout` (zero: not at all), then throws
  /// `ObjectPoolError.timedOut`.
  @inlinable
  public nonisolated(nonsending) func acquire(
    timeout: Duration, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> Lease<Object> {
    let place = SourcePlace(file: file, line: line)
    if let grant = driver.leaseAtOnce(place) { return lease(grant) }
    return lease(try await wait(.within(timeout), place))
  }

  /// Leases an object that is free, or can be made; nil when all are leased. May wait for a validation, a reset, or the
  /// making of an object, but never for others; throws when that fails.
  @inlinable
  public nonisolated(nonsending) func tryAcquire(
    file: StaticString = #fileID, line: UInt = #line
  ) async throws -> Lease<Object>? {
    let place = SourcePlace(file: file, line: line)
    if let grant = driver.leaseAtOnce(place) { return lease(grant) }
    do {
      return lease(try await wait(.unlessExhausted, place))
    } catch ObjectPoolError.exhausted {
      return nil
    }
  }

  /// Leases an object for the time of `body`, which may change it, also if it is a value; it is released whatever
  /// happens. With `disposingOnThrow` an object whose use threw an error is disposed of instead.
  @inlinable
  public nonisolated(nonsending) func withObject<Result, Failure>(
    disposingOnThrow: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (inout Object) async throws(Failure) -> Result
  ) async throws -> Result {
    let lease = try await acquire(file: file, line: line)
    var object = lend(lease)
    do {
      let result = try await body(&object)
      takeBack(object, lease, isBroken: false)
      return result
    } catch {
      takeBack(object, lease, isBroken: disposingOnThrow)
      throw error
    }
  }

  /// The same for a function whose parameter is not `inout`.
  @inlinable @_disfavoredOverload
  public nonisolated(nonsending) func withObject<Result, Failure>(
    disposingOnThrow: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: nonisolated(nonsending) (Object) async throws(Failure) -> Result
  ) async throws -> Result {
    try await withObject(disposingOnThrow: disposingOnThrow, file: file, line: line) {
      (object: inout Object) async throws(Failure) in try await body(object)
    }
  }

  @usableFromInline
  nonisolated(nonsending) func wait(_ patience: Patience, _ place: SourcePlace) async throws -> PoolDriver.Grant {
    let ticket = WaitTicket()
    let limit = limit(of: patience)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        driver.request(limit, place, ticket, .task(continuation))
      }
    } onCancel: {
      driver.withdraw(ticket)
    }
  }

  // MARK: Size and end

  /// Makes objects until `count` exist (no more than the maximum), and waits for them; nil for as many as the pool may
  /// keep. Throws `ObjectPoolError.creationFailed` when the restart budget is spent, and `CancellationError` when the
  /// task is cancelled; objects that are being made by then are made all the same.
  public nonisolated(nonsending) func prefill(_ count: Int? = nil) async throws {
    let ticket = WaitTicket()
    try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { driver.prefill(count, ticket, .task($0)) }
    } onCancel: {
      driver.withdrawPrefill(ticket)
    }
  }

  /// Ends the pool: no caller gets an object any more, waiters are refused, objects are disposed of as they are
  /// released. After `time` those still leased are disposed of, too, though somebody may be using them (one that is not
  /// of a class, and is used in `withObject`, as soon as that ends). Returns when all objects are gone or abandoned.
  public nonisolated(nonsending) func close(within time: Duration = .seconds(30)) async {
    try? await withUnsafeThrowingContinuation { driver.end(by: .close, within: time, .task($0)) }
  }

  /// Ends the pool like `close`, but callers that wait already are still served. Without `time` leases are waited for
  /// as long as they last.
  public nonisolated(nonsending) func drain(within time: Duration? = nil) async {
    try? await withUnsafeThrowingContinuation { driver.end(by: .drain, within: time, .task($0)) }
  }
}
