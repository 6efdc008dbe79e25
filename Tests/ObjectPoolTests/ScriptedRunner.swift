import PoolCore

@testable import ObjectPool

/// Begins the calls of a factory that does not exist; a world decides when and how they end. Keeps the account of every
/// object, and names each call that should not be. For one thread, as the world is.
final class ScriptedRunner: OperationRunner, @unchecked Sendable {
  /// The life of one object.
  struct Life {
    let record: ObjectRecord
    var isMade = false
    var isDisposed = false
    var running: Operation?
  }

  private(set) var lives: [ObjectIdentifier: Life] = [:]
  /// Calls that run, in the order in which they began, so that a seed decides which ends.
  private(set) var running: [ObjectIdentifier] = []
  private(set) var violations: [String] = []
  private(set) var cancellations = 0
  private(set) var begun = 0

  func makeRecord(for worker: WorkerID) -> ObjectRecord {
    let record = ObjectRecord(worker)
    lives[ObjectIdentifier(record)] = Life(record: record)
    return record
  }

  func begin(_ operation: Operation, call: Int, on record: ObjectRecord, for driver: PoolDriver) {
    let id = ObjectIdentifier(record)
    guard var life = lives[id] else { return violations.append("\(operation) of an unknown object") }
    if let other = life.running { violations.append("\(operation) begins while \(other) runs") }
    if life.isDisposed { violations.append("\(operation) after dispose") }
    if (operation == .make) == life.isMade {
      violations.append("\(operation) of an object that is made: \(life.isMade)")
    }
    life.running = operation
    lives[id] = life
    running.append(id)
    begun += 1
    driver.call(call, on: record, canBeCancelledBy: { self.cancellations += 1 })
  }

  /// Ends a call that runs.
  func end(_ index: Int, passes: Bool, _ driver: PoolDriver) {
    let id = running.remove(at: index)
    guard let operation = lives[id]?.running, let record = lives[id]?.record else { return }
    lives[id]?.running = nil
    switch operation {
    case .make: lives[id]?.isMade = passes
    case .dispose: lives[id]?.isDisposed = true
    case .validate, .prepare, .reset: break
    }
    driver.operationEnded(operation, on: record, passes ? .passed : .failed(Broken()))
  }

  /// Objects that exist or are being made, but for those the pool has given up.
  var alive: Int {
    lives.values.count { ($0.isMade || $0.running == .make) && !$0.isDisposed && !$0.record.isAbandoned }
  }
  var made: Int { lives.values.count(where: \.isMade) }
  var disposed: Int { lives.values.count(where: \.isDisposed) }
}
