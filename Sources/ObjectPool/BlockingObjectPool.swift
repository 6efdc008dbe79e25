import PoolCore

/// A pool of objects that are expensive to make, for threads that may block. It needs no concurrency runtime: the calls
/// of its factory run on threads of its own.
///
/// ```swift
/// let parsers = BlockingObjectPool(.init(size: 4)) { try Parser() }
/// let tree = try parsers.withObject { parser in parser.parse(text) }
/// ```
///
/// Waiters are served in the order in which they got in line; a thread lets others run once before it does.
public final class BlockingObjectPool<Object>: AnyObjectPool<Object>, @unchecked Sendable {
  /// A pool of the objects of a factory. The configuration must have no `defect`.
  public init(_ configuration: ObjectPoolConfiguration = .init(), factory: some BlockingObjectFactory<Object>) {
    super.init(
      PoolDriver(
        configuration, validates: true, prepares: factory is any PreparingBlockingObjectFactory, resets: true,
        runner: ThreadRunner(factory)))
  }

  /// A pool of the objects that `make` makes. Without `validate`, `prepare` and `reset` nothing is validated,
  /// prepared and reset. The configuration must have no `defect`.
  public init(
    _ configuration: ObjectPoolConfiguration = .init(),
    make: @escaping @Sendable () throws -> Object,
    validate: (@Sendable (Object) throws -> Bool)? = nil,
    prepare: (@Sendable (Object) throws -> Void)? = nil,
    reset: (@Sendable (Object) throws -> Void)? = nil,
    dispose: (@Sendable (Object) throws -> Void)? = nil
  ) {
    let factory = BlockingClosureFactory(
      made: make, validated: validate, prepared: prepare, forgotten: reset, disposed: dispose)
    super.init(
      PoolDriver(
        configuration, validates: validate != nil, prepares: prepare != nil, resets: reset != nil,
        runner: ThreadRunner(factory)))
  }

  // MARK: Acquiring

  /// Leases an object; when all are leased, does what `whenExhausted` says. Throws `ObjectPoolError`.
  @inlinable
  public func acquire(file: StaticString = #fileID, line: UInt = #line) throws -> Lease<Object> {
    let place = SourcePlace(file: file, line: line)
    if let grant = driver.leaseAtOnce(place) { return lease(grant) }
    return lease(try wait(.usual, place))
  }

  /// Leases an object; waits for it no longer than `timeout` (zero: not at all), then throws
  /// `ObjectPoolError.timedOut`.
  @inlinable
  public func acquire(
    timeout: Duration, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Lease<Object> {
    let place = SourcePlace(file: file, line: line)
    if let grant = driver.leaseAtOnce(place) { return lease(grant) }
    return lease(try wait(.within(timeout), place))
  }

  /// Leases an object that is free, or can be made; nil when all are leased. May wait for a validation, a reset, or the
  /// making of an object, but never for others; throws when that fails.
  @inlinable
  public func tryAcquire(file: StaticString = #fileID, line: UInt = #line) throws -> Lease<Object>? {
    let place = SourcePlace(file: file, line: line)
    if let grant = driver.leaseAtOnce(place) { return lease(grant) }
    do {
      return lease(try wait(.unlessExhausted, place))
    } catch ObjectPoolError.exhausted {
      return nil
    }
  }

  /// Leases an object for the time of `body`, which may change it, also if it is a value; it is released whatever
  /// happens. With `disposingOnThrow` an object whose use threw an error is disposed of instead.
  @inlinable
  public func withObject<Result, Failure>(
    disposingOnThrow: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: (inout Object) throws(Failure) -> Result
  ) throws -> Result {
    let lease = try acquire(file: file, line: line)
    var object = lend(lease)
    do {
      let result = try body(&object)
      takeBack(object, lease, isBroken: false)
      return result
    } catch {
      takeBack(object, lease, isBroken: disposingOnThrow)
      throw error
    }
  }

  /// The same for a function whose parameter is not `inout`.
  @inlinable @_disfavoredOverload
  public func withObject<Result, Failure>(
    disposingOnThrow: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: (Object) throws(Failure) -> Result
  ) throws -> Result {
    try withObject(disposingOnThrow: disposingOnThrow, file: file, line: line) {
      (object: inout Object) throws(Failure) in try body(object)
    }
  }

  @usableFromInline func wait(_ patience: Patience, _ place: SourcePlace) throws -> PoolDriver.Grant {
    let limit = limit(of: patience)
    if limit != .unlessExhausted, let grant = driver.leaseAfterOthers(place) { return grant }
    let mailbox = Mailbox<PoolDriver.Grant>()
    driver.request(limit, place, WaitTicket(), .thread(mailbox))
    return try mailbox.take()
  }

  // MARK: Size and end

  /// Makes objects until `count` exist (no more than the maximum), and waits for them; nil for as many as the pool may
  /// keep. Throws `ObjectPoolError.creationFailed` when the restart budget is spent.
  public func prefill(_ count: Int? = nil) throws {
    let mailbox = Mailbox<Void>()
    driver.prefill(count, WaitTicket(), .thread(mailbox))
    try mailbox.take()
  }

  /// Ends the pool: no caller gets an object any more, waiters are refused, objects are disposed of as they are
  /// released. After `time` those still leased are disposed of, too, though somebody may be using them (one that is not
  /// of a class, and is used in `withObject`, as soon as that ends). Returns when all objects are gone or abandoned.
  public func close(within time: Duration = .seconds(30)) { end(by: .close, within: time) }

  /// Ends the pool like `close`, but callers that wait already are still served. Without `time` leases are waited for
  /// as long as they last.
  public func drain(within time: Duration? = nil) { end(by: .drain, within: time) }

  private func end(by event: PoolEvent, within time: Duration?) {
    let mailbox = Mailbox<Void>()
    driver.end(by: event, within: time, .thread(mailbox))
    try? mailbox.take()
  }
}
