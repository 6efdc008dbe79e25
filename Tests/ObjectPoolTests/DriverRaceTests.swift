import PoolCore
import TestSupport
import Testing
import Time

@testable import ObjectPool

/// What happens between two steps of a call, written down in the order that hurts.
@Suite("The driver between two steps") struct DriverRaceTests {
  let workshop = Workshop()
  let place = SourcePlace(file: #fileID, line: #line)

  @Test("a task that is cancelled just before its request is entered does not wait for ever")
  func cancelledBeforeRequest() throws {
    let pool = BlockingObjectPool(.unhurried(maximum: 1), factory: workshop)
    let lease = try pool.acquire()
    let ticket = WaitTicket()
    let mailbox = Mailbox<PoolDriver.Grant>()
    pool.driver.withdraw(ticket)
    pool.driver.request(.within(100_000_000), place, ticket, .thread(mailbox))
    #expect(throws: CancellationError.self) { try mailbox.take() }
    #expect(pool.statistics.cancelled == 1)
    #expect(pool.statistics.waiting == 0)
    try pool.release(lease)
  }

  @Test("a late alarm set by a slow thread does not replace an early one")
  func alarmsOutOfOrder() throws {
    let pool = BlockingObjectPool(.unhurried(maximum: 1), factory: workshop)
    let lease = try pool.acquire()
    let mailbox = Mailbox<PoolDriver.Grant>()
    // The request arms a timer that is due soon; a thread that was held up then sets the alarm of one that is due
    // later.
    pool.driver.request(.within(20_000_000), place, WaitTicket(), .thread(mailbox))
    #expect(AlarmClock.shared.set(pool.driver, at: Clock.now + .seconds(3600)))
    #expect(eventually { pool.statistics.timedOut == 1 })
    try pool.release(lease)
  }

  @Test("prefill of a pool that is closing is refused at once", arguments: Face.allCases)
  func prefillWhileClosing(face: Face) async throws {
    let pool = EitherPool(face, .unhurried(maximum: 2), workshop)
    let lease = try await pool.acquire()
    async let closed: Void = pool.close()
    while await failure(of: { try pool.release(try await pool.acquire(timeout: .zero)) })?.kind != "closed" {}
    let answer = Log<String?>()
    Task {
      answer.add(await failure { try await pool.prefill(2) }?.kind)
    }
    #expect(await eventually { answer.all == ["closed"] })
    try pool.release(lease)
    await closed
  }
}
