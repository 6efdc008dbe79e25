import Glibc
import ObjectPool
import Synchronization
import Testing

@Suite("Waiting for an object") struct WaitingTests {
  @Test("each wait ends in its own time, though an alarm rang before for nobody", .timeLimit(.minutes(1)))
  func timeouts() async throws {
    let pool = ObjectPool(.init(size: 1), factory: Workshop())
    let held = try await pool.acquire()
    // Its timer is disarmed at once; its alarm rings in the middle of what follows.
    let served = Task { try await pool.acquire(timeout: .milliseconds(150)) }
    #expect(await eventually { pool.statistics.waiting == 1 })
    try pool.release(held)
    let lease = try await served.value
    let times = try await withThrowingTaskGroup(of: (wanted: Duration, took: Duration).self) { group in
      for wanted in [800, 50, 400].map({ Duration.milliseconds($0) }) {
        group.addTask {
          let start = ContinuousClock.now
          await #expect(throws: ObjectPoolError.self) { try await pool.acquire(timeout: wanted) }
          return (wanted, .now - start)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(times.map(\.wanted) == [50, 400, 800].map { .milliseconds($0) })
    for time in times { #expect(time.took >= time.wanted && time.took < time.wanted + .seconds(5)) }
    #expect(pool.statistics.timedOut == 3)
    try pool.release(lease)
  }

  @Test("threads in line get the object in their order; one that will not wait for others is refused at once")
  func order() throws {
    let pool = BlockingObjectPool(.init(size: 1), factory: Workshop())
    let held = try pool.acquire()
    let order = Mutex<[Int]>([])
    let threads = try (0..<5).map { number in
      let thread = try startThread {
        try? pool.withObject { _ in order.withLock { $0.append(number) } }
      }
      #expect(eventually { pool.statistics.waiting == number + 1 })
      return thread
    }
    #expect(try pool.tryAcquire() == nil)
    try pool.release(held)
    for thread in threads { pthread_join(thread, nil) }
    #expect(order.withLock { $0 } == [0, 1, 2, 3, 4])
  }

  @Test("many threads that hold few objects for a moment all get their share, one at a time")
  func crowd() throws {
    let pool = BlockingObjectPool(.init(size: 3), factory: Workshop())
    let wrong = Atomic<Int>(0)
    let threads = try (0..<32).map { _ in
      try startThread {
        for _ in 0..<200 {
          let wasAlone = try? pool.withObject { thing in
            defer { thing.leave() }
            return thing.enter()
          }
          if wasAlone != true { wrong.add(1, ordering: .relaxed) }
        }
      }
    }
    for thread in threads { pthread_join(thread, nil) }
    #expect(wrong.load(ordering: .relaxed) == 0)
    #expect(pool.statistics.acquired == 32 * 200)
    #expect(pool.statistics.idle == 3 && pool.statistics.waiting == 0)
  }
}

/// A thread that may block, which the pool of threads behind tasks may not.
private func startThread(_ body: @escaping @Sendable () -> Void) throws -> pthread_t {
  final class Start {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let status = pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Start(body)).toOpaque())
  try #require(status == 0)
  return thread
}
