import ObjectPool
import Testing

@Suite("The classical small pools, each in a few lines") struct ClassicPoolTests {
  @Test("fixed: so many objects, made from the beginning, and the next one waits")
  func fixed() async throws {
    let workshop = Workshop()
    let pool = ObjectPool(.init(size: 2), factory: workshop)
    try await pool.prefill()
    #expect(workshop.made == 2)
    let first = try await pool.acquire()
    let second = try await pool.acquire()
    #expect(first.object !== second.object)
    #expect(try await pool.tryAcquire() == nil)
    await #expect(throws: ObjectPoolError.self) { try await pool.acquire(timeout: .milliseconds(5)) }
    try pool.release(first)
    let third = try await pool.acquire()
    #expect(third.object === first.object)
    #expect(workshop.made == 2)
  }
}
