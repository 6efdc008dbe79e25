import PoolCore

/// Makes the calls of an asynchronous factory, each in a task of its own.
struct TaskRunner<Factory: ObjectFactory>: OperationRunner {
  private let factory: Factory
  private let preparing: (any PreparingObjectFactory<Factory.Object>)?

  init(_ factory: Factory) {
    self.factory = factory
    preparing = factory as? any PreparingObjectFactory<Factory.Object>
  }

  func makeRecord(for worker: WorkerID) -> ObjectRecord { Holder<Factory.Object>(worker) }

  func begin(_ operation: Operation, call number: Int, on record: ObjectRecord, for driver: PoolDriver) {
    let holder = unsafeDowncast(record, to: Holder<Factory.Object>.self)
    let task = Task.detached { driver.operationEnded(operation, on: holder, await call(operation, holder)) }
    driver.call(number, on: holder, canBeCancelledBy: task.cancel)
  }

  private func call(_ operation: Operation, _ holder: Holder<Factory.Object>) async -> OperationResult {
    do {
      switch operation {
      case .make: holder.object = try await factory.make()
      case .validate: guard try await factory.validate(holder.object!) else { return .failed(nil) }
      case .prepare: try await preparing?.prepare(holder.object!)
      case .reset: try await factory.reset(holder.object!)
      case .dispose: try await factory.dispose(holder.object!)
      }
      return .passed
    } catch {
      return .failed(error)
    }
  }
}

/// Makes the calls of a blocking factory, each on a thread of its own.
struct ThreadRunner<Factory: BlockingObjectFactory>: OperationRunner {
  private let factory: Factory
  private let preparing: (any PreparingBlockingObjectFactory<Factory.Object>)?

  init(_ factory: Factory) {
    self.factory = factory
    preparing = factory as? any PreparingBlockingObjectFactory<Factory.Object>
  }

  func makeRecord(for worker: WorkerID) -> ObjectRecord { Holder<Factory.Object>(worker) }

  func begin(_ operation: Operation, call number: Int, on record: ObjectRecord, for driver: PoolDriver) {
    let holder = unsafeDowncast(record, to: Holder<Factory.Object>.self)
    OperationThreads.shared.run { driver.operationEnded(operation, on: holder, call(operation, holder)) }
  }

  private func call(_ operation: Operation, _ holder: Holder<Factory.Object>) -> OperationResult {
    do {
      switch operation {
      case .make: holder.object = try factory.make()
      case .validate: guard try factory.validate(holder.object!) else { return .failed(nil) }
      case .prepare: try preparing?.prepare(holder.object!)
      case .reset: try factory.reset(holder.object!)
      case .dispose: try factory.dispose(holder.object!)
      }
      return .passed
    } catch {
      return .failed(error)
    }
  }
}
