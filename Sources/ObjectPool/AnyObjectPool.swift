import PoolCore

/// What the two faces of a pool have in common: leases end, the size changes, figures are read. None of this waits.
///
/// Use `ObjectPool` in asynchronous code and `BlockingObjectPool` on threads. A pool does not survive fork(2): the
/// child has none of its threads.
public class AnyObjectPool<Object>: @unchecked Sendable {
  @usableFromInline let driver: PoolDriver

  init(_ driver: PoolDriver) {
    self.driver = driver
    driver.send(.start)
  }

  /// A pool that nobody has any more disposes of its idle objects. Those that are leased are left to their holders.
  deinit { driver.send(.close) }

  /// Ends the lease: the object may be handed out again. Never waits; a reset or a validation follows in the
  /// background.
  ///
  /// Throws `ObjectPoolError.leaseEnded` or `.foreignLease`, and changes nothing, if the lease has ended before (also
  /// by a `close` that has waited long enough), or is not of this pool.
  @inlinable public func release(_ lease: Lease<Object>) throws(ObjectPoolError) { try driver.release(lease.token) }

  /// Ends the lease, and disposes of the object: it is broken. Never waits. Throws like `release`.
  public func dispose(_ lease: Lease<Object>) throws(ObjectPoolError) { try driver.dispose(lease.token) }

  /// Changes the size of the pool; objects that are too many are disposed of when they are free. `minimum` is
  /// 0...maximum, `maximum` at least 1.
  public func resize(minimum: Int, maximum: Int) { driver.resize(minimum: minimum, maximum: maximum) }

  /// Changes the size of the pool to `size` objects, at least 1.
  public func resize(to size: Int) { driver.resize(minimum: size, maximum: size) }

  /// Replaces every object that exists now, one at a time (or `surge`), each when it is free. If the first new one
  /// cannot be made, the others stay. No more are made than the minimum and the waiters need: without a `surge` a pool
  /// with a minimum of 0 that nobody waits for is empty afterwards.
  public func recycle() { driver.send(.recycleAll) }

  /// The pool at this moment, and what it has done so far.
  public var statistics: ObjectPoolStatistics { driver.statistics }

  @inlinable func lease(_ grant: PoolDriver.Grant) -> Lease<Object> {
    Lease(holder: unsafeDowncast(grant.record, to: Holder<Object>.self), token: grant.token)
  }

  /// The object of a lease, for its holder to change until `takeBack`. A reference is shared; a value leaves the pool,
  /// so that it is not copied when it is changed, and is touched by its holder alone.
  @inlinable func lend(_ lease: Lease<Object>) -> Object {
    Object.self is AnyObject.Type ? lease.object : driver.lend(lease)
  }

  /// Ends the lease of an object that was lent, unless it has ended meanwhile, by a close that waited long enough.
  @inlinable func takeBack(_ object: Object, _ lease: Lease<Object>, isBroken: Bool) {
    if Object.self is AnyObject.Type, (object as AnyObject) === (lease.object as AnyObject) {
      if isBroken { try? dispose(lease) } else { try? release(lease) }
    } else {
      driver.takeBack(object, lease, isBroken: isBroken)
    }
  }

  func limit(of patience: Patience) -> WaitLimit {
    switch patience {
    case .within(let time): .within(time.nanoseconds)
    case .unlessExhausted: .unlessExhausted
    case .usual:
      switch driver.configuration.whenExhausted {
      case .wait: .forever
      case .waitUpTo(let time): .within(time.nanoseconds)
      case .fail: .unlessExhausted
      }
    }
  }
}

/// How long one waits for an object.
@usableFromInline enum Patience: Sendable {
  /// As `whenExhausted` says.
  case usual
  /// At most this long.
  case within(Duration)
  /// Not for others.
  case unlessExhausted
}
