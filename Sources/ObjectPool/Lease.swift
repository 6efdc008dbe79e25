/// The right to use one object of a pool, until it is released.
///
/// A lease is a value and may be copied, stored, and released on another thread or task; only its first release counts.
/// It does not release itself; `withObject` does that for you.
public struct Lease<Object> {
  /// The object. It must not be used any more when the lease has ended.
  @inlinable public var object: Object { holder.object.unsafelyUnwrapped }

  // Not the object itself, which would have to be retained apart from it.
  @usableFromInline let holder: Holder<Object>
  @usableFromInline let token: LeaseToken

  @usableFromInline init(holder: Holder<Object>, token: LeaseToken) {
    self.holder = holder
    self.token = token
  }
}

extension Lease: Sendable where Object: Sendable {}

/// What tells one lease from all others of the process.
@usableFromInline struct LeaseToken: Sendable {
  /// Which pool.
  let pool: UInt64
  /// Which lease of that pool; from 1, never used again.
  let number: UInt64
  /// In which slot the object is.
  let slot: Int
}
