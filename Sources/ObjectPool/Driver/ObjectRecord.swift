import PoolCore

/// What the pool knows of one object, from before it is made until after it is disposed of. Guarded by the driver's
/// lock, but for the object itself: that belongs to the operation that runs on it, or to the holder of its lease.
@usableFromInline class ObjectRecord: @unchecked Sendable {
  let worker: WorkerID
  /// The call of the factory that runs now.
  var operation: Operation?
  /// Calls begun so far; the number of the one that runs.
  var calls = 0
  /// Cancels that call, if it can be cancelled.
  var cancel: (@Sendable () -> Void)?
  /// To be disposed of, as soon as no call runs.
  var isUnwanted = false
  /// It is a value that its holder has taken out in order to change it.
  var isLent = false
  /// A validation that is under way is followed by a preparation.
  var isPreparedNext = false
  /// Its place in the pool was given away.
  var isAbandoned = false

  init(_ worker: WorkerID) { self.worker = worker }
}

/// A record with its object.
@usableFromInline final class Holder<Object>: ObjectRecord, @unchecked Sendable {
  /// Nil until it is made. It is read at each use; the lock already keeps accesses apart.
  @exclusivity(unchecked) @usableFromInline var object: Object?
}

/// A call of the factory.
enum Operation: Sendable {
  case make, validate, prepare, reset, dispose
}

/// How a call of the factory ended.
enum OperationResult: Sendable {
  case passed
  /// It threw, or the object is not sound.
  case failed((any Error)?)
}

/// Makes the calls of one kind of factory.
protocol OperationRunner: Sendable {
  /// A record that can hold an object of this factory.
  func makeRecord(for worker: WorkerID) -> ObjectRecord
  /// Begins the call, the `call`-th on this record, without waiting for it; its end is reported to the driver's
  /// `operationEnded`. Called without the lock.
  func begin(_ operation: Operation, call: Int, on record: ObjectRecord, for driver: PoolDriver)
}
