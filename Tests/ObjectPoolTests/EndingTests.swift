import Synchronization
import Testing

@testable import ObjectPool

@Suite("Every call is answered, also at the end") struct EndingTests {
  @Test("a prefill of a pool that is ending is refused")
  func prefillWhileDraining() throws {
    let pool = BlockingObjectPool(.unhurried(maximum: 2), factory: Workshop())
    let lease = try pool.acquire()
    let mailbox = Mailbox<Void>()
    pool.driver.end(by: .drain, within: nil, .thread(mailbox))
    #expect(throws: ObjectPoolError.self) { try pool.prefill() }
    try pool.release(lease)
    try mailbox.take()
  }

  @Test("a prefill is answered although what it made is recycled at once")
  func prefillAndRecycle() throws {
    let workshop = Workshop()
    let pool = BlockingObjectPool(.unhurried(maximum: 2), factory: workshop)
    try pool.prefill(1)
    workshop.makeGate.set(.closed)
    let mailbox = Mailbox<Void>()
    pool.driver.prefill(2, WaitTicket(), .thread(mailbox))
    pool.recycle()
    workshop.makeGate.set(.open)
    #expect(eventually { pool.driver.locked.withLock { $0.prefilling.isEmpty } })
    pool.close()
  }

  @Test("a task that is cancelled does not wait for a prefill any longer; the others do")
  func cancelledPrefill() async throws {
    let workshop = Workshop()
    workshop.makeGate.set(.closed)
    let pool = ObjectPool(.unhurried(maximum: 2), factory: workshop)
    let patient = Task { try await pool.prefill(1) }
    let cancelled = Task { try await pool.prefill(1) }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    workshop.makeGate.set(.open)
    try await patient.value
    #expect(pool.statistics.idle == 1)
  }

  @Test("who ends a pool soon is not put off by somebody who would wait longer")
  func earliestEnd() throws {
    let pool = BlockingObjectPool(.unhurried(size: 1), factory: Workshop())
    let lease = try pool.acquire()
    let soon = Mailbox<Void>()
    let late = Mailbox<Void>()
    pool.driver.end(by: .drain, within: .milliseconds(20), .thread(soon))
    pool.driver.end(by: .close, within: .seconds(3600), .thread(late))
    try soon.take()
    try late.take()
    #expect(throws: ObjectPoolError.self) { try pool.release(lease) }
  }

  @Test("a wait in vain says whether objects were leased, or none could be had")
  func whyInVain() async throws {
    let workshop = Workshop()
    workshop.makeGate.set(.closed)
    let pool = ObjectPool(.unhurried(maximum: 1), factory: workshop)
    let slow = await #expect(throws: ObjectPoolError.self) { try await pool.acquire(timeout: .milliseconds(1)) }
    #expect(slow.map { "\($0)".contains("none of 1 object is leased") } == true, "\(String(describing: slow))")
    workshop.makeGate.set(.open)
    let lease = try await pool.acquire()
    let busy = await #expect(throws: ObjectPoolError.self) { try await pool.acquire(timeout: .milliseconds(1)) }
    #expect(busy.map { "\($0)".contains("1 of 1 object is leased") } == true, "\(String(describing: busy))")
    try pool.release(lease)
  }

  @Test(
    "a time that is zero or negative is a defect, not the opposite of what it says",
    arguments: [Duration.zero, .seconds(-1)])
  func times(_ time: Duration) {
    let changes: [(inout ObjectPoolConfiguration) -> Void] = [
      { $0.maximumAge = time }, { $0.idleTimeout = time }, { $0.validationInterval = time },
      { $0.leaseReportTime = time }, { $0.creationTimeout = time }, { $0.validationTimeout = time },
      { $0.resetTimeout = time },
    ]
    for change in changes { #expect(ObjectPoolConfiguration(size: 1).with(change).defect != nil) }
  }
}
