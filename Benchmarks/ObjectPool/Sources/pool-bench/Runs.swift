import ObjectPool

/// What is measured.
enum Kind: String, CaseIterable {
  /// The hold alone, without a pool.
  case none
  case conditionFloor = "condition-floor"
  case queueFloor = "queue-floor"
  /// The same with Swift's `Mutex`.
  case mutexFloor = "mutex-floor"
  case taskFloor = "task-floor"
  case blockingPool = "blocking-pool"
  case asyncPool = "async-pool"
}

/// What is asked of the pool, besides handing out.
enum Policy: String, CaseIterable {
  case bare, uses, validate, report, reset
  case resetOnAcquire = "reset-on-acquire"

  func configuration(size: Int) -> ObjectPoolConfiguration {
    var configuration = ObjectPoolConfiguration(size: size)
    switch self {
    case .bare, .reset: break
    case .uses: configuration.maximumUses = 1 << 60
    case .validate: configuration.validatesOnAcquire = .unlessUsedWithin(.seconds(60))
    case .report: configuration.leaseReportTime = .seconds(60)
    case .resetOnAcquire: configuration.resets = .onAcquire
    }
    return configuration
  }

  var validates: Bool { self == .validate }
  var resets: Bool { self == .reset || self == .resetOnAcquire }
}

/// Users are threads or tasks, each of which does its share of the pairs.
struct Setting {
  var users = 1
  var pairs = 1_000_000
  var hold = Hold.none
  var policy = Policy.bare

  var share: Int { pairs / users }
}

/// Things for a pool to make.
final class Stock: @unchecked Sendable {
  private let lock = ThreadLock()
  private var things: [Thing]

  init(_ things: [Thing]) { self.things = things }

  func take() -> Thing { lock.withLock { things.removeLast() } }
}

extension Setting {
  /// Seconds for all pairs of that kind with these things.
  func time(_ kind: Kind, _ things: [Thing]) async throws -> Double {
    let (share, hold) = (share, hold)
    switch kind {
    case .none:
      return timeThreads(users) { for _ in 0..<share { hold.use(things[0]) } }
    case .conditionFloor:
      let floor = ConditionFloor(things)
      return timeThreads(users) {
        for _ in 0..<share {
          let thing = floor.acquire()
          hold.use(thing)
          floor.release(thing)
        }
      }
    case .queueFloor: return timeQueue(QueueFloor<ThreadLock>(things))
    case .mutexFloor: return timeQueue(QueueFloor<SwiftLock>(things))
    case .taskFloor:
      let floor = QueueFloor<ThreadLock>(things)
      return await timeTasks(users) {
        for _ in 0..<share {
          let thing = await floor.acquire()
          await hold.useInTask(thing)
          floor.release(thing)
        }
      }
    case .blockingPool: return try timeBlockingPool(things)
    case .asyncPool: return try await timeAsyncPool(things)
    }
  }

  private func timeQueue<Guard: Lock & ~Copyable>(_ floor: QueueFloor<Guard>) -> Double {
    let (share, hold) = (share, hold)
    return timeThreads(users) {
      for _ in 0..<share {
        let thing = floor.acquireBlocking()
        hold.use(thing)
        floor.release(thing)
      }
    }
  }

  private func timeBlockingPool(_ things: [Thing]) throws -> Double {
    let (share, hold, stock) = (share, hold, Stock(things))
    let pool = BlockingObjectPool(
      policy.configuration(size: things.count), make: { stock.take() },
      validate: policy.validates ? { @Sendable _ in true } : nil, reset: policy.resets ? { @Sendable _ in } : nil)
    // The first use of an object is a longer way.
    for lease in try things.map({ _ in try pool.acquire() }) { try pool.release(lease) }
    return timeThreads(users) {
      do {
        for _ in 0..<share {
          let lease = try pool.acquire()
          hold.use(lease.object)
          try pool.release(lease)
        }
      } catch { fail("\(error)") }
    }
  }

  private func timeAsyncPool(_ things: [Thing]) async throws -> Double {
    let (share, hold, stock) = (share, hold, Stock(things))
    let pool = ObjectPool(
      policy.configuration(size: things.count), make: { stock.take() },
      validate: policy.validates ? { @Sendable _ in true } : nil, reset: policy.resets ? { @Sendable _ in } : nil)
    var leases: [Lease<Thing>] = []
    for _ in things { leases.append(try await pool.acquire()) }
    for lease in leases { try pool.release(lease) }
    return await timeTasks(users) {
      do {
        for _ in 0..<share {
          let lease = try await pool.acquire()
          await hold.useInTask(lease.object)
          try pool.release(lease)
        }
      } catch { fail("\(error)") }
    }
  }
}
