/// Makes, checks, cleans and throws away the objects of an `ObjectPool`.
///
/// For one object no two of these run at the same time, and none while the object is leased. Each has a time limit
/// (`ObjectPoolConfiguration`): when it is over, the task is cancelled, the object will not be handed out again, and
/// `dispose` follows when the call has come back.
///
/// Objects need not be `Sendable`, as only one holder has each at a time; a factory must not keep the ones it made.
public protocol ObjectFactory<Object>: Sendable {
  /// What is pooled.
  associatedtype Object

  /// Makes an object. A failure is reported to the waiters when the restart budget is spent, and tried again with
  /// backoff.
  func make() async throws -> Object
  /// True if the object works. False and an error both mean that it is disposed of.
  func validate(_ object: Object) async throws -> Bool
  /// Makes the object forget its last use. One that throws is disposed of.
  func reset(_ object: Object) async throws
  /// Releases what the object holds. Its failure is reported, and nothing more.
  func dispose(_ object: Object) async throws
}

/// A factory that also prepares objects: it is asked to before each lease, of a new object, too, after the validation
/// if there is one.
public protocol PreparingObjectFactory<Object>: ObjectFactory {
  /// Makes the object ready for the lease that begins. One that throws is disposed of, and another is taken; a new one
  /// that throws counts as one that could not be made.
  func prepare(_ object: Object) async throws
}

/// Makes, checks, cleans and throws away the objects of a `BlockingObjectPool`; called on threads of the pool's own.
///
/// For one object no two of these run at the same time, and none while the object is leased. A thread cannot be
/// interrupted: a call that is over its time limit blocks its thread until it comes back, and its object's place in the
/// pool until `disposalTimeout` is over, too. As many run at once as objects are made, checked or disposed of at once
/// (`maximumCreating` bounds the first).
public protocol BlockingObjectFactory<Object>: Sendable {
  /// What is pooled.
  associatedtype Object

  /// Makes an object. A failure is reported to the waiters when the restart budget is spent, and tried again with
  /// backoff.
  func make() throws -> Object
  /// True if the object works. False and an error both mean that it is disposed of.
  func validate(_ object: Object) throws -> Bool
  /// Makes the object forget its last use. One that throws is disposed of.
  func reset(_ object: Object) throws
  /// Releases what the object holds. Its failure is reported, and nothing more.
  func dispose(_ object: Object) throws
}

/// A factory that also prepares objects: it is asked to before each lease, of a new object, too, after the validation
/// if there is one.
public protocol PreparingBlockingObjectFactory<Object>: BlockingObjectFactory {
  /// Makes the object ready for the lease that begins. One that throws is disposed of, and another is taken; a new one
  /// that throws counts as one that could not be made.
  func prepare(_ object: Object) throws
}
