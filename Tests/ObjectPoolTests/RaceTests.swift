import PoolCore
import Synchronization
import TestSupport
import Testing
import Time

@testable import ObjectPool

/// Orders of events that two threads bring about once in a million runs, put in that order.
@Suite("What overtakes what") struct RaceTests {
  @Test("a task that is cancelled while it is about to wait does not wait")
  func cancelledBeforeItWaits() async throws {
    let pool = ObjectPool(.unhurried(size: 1).with { $0.whenExhausted = .wait }, factory: Workshop())
    let lease = try await pool.acquire()
    let driver = pool.driver
    let ticket = WaitTicket()
    await #expect(throws: CancellationError.self) {
      try await withUnsafeThrowingContinuation { continuation in
        // It has looked whether it is cancelled, and is not yet in the queue.
        driver.withdraw(ticket)
        driver.request(
          .within(1_000_000_000), SourcePlace(file: #fileID, line: #line), ticket, .task(continuation))
      }
    }
    #expect(pool.statistics.cancelled == 1 && pool.statistics.waiting == 0)
    try pool.release(lease)
  }

  @Test("a beginner that comes late with the means to cancel an old call does not hide those of the new one")
  func lateBeginner() throws {
    let runner = SilentRunner()
    // The test ends the calls itself; a machine that stalls for a few seconds must not end them before it.
    let configuration = ObjectPoolConfiguration(size: 1).with {
      $0.creationTimeout = .seconds(3600)
      $0.validationTimeout = .seconds(3600)
    }
    let driver = PoolDriver(configuration, validates: true, resets: false, runner: runner)
    driver.send(.start)
    let record = try #require(runner.record)
    driver.operationEnded(.make, on: record, .passed)
    try driver.release(request(driver).take().token)
    let first = request(driver)
    #expect(runner.begun == [.make, .validate])
    driver.operationEnded(.validate, on: record, .passed)
    try driver.release(first.take().token)
    let second = request(driver)
    let cancelled = Mutex<[Int]>([])
    driver.call(3, on: record, canBeCancelledBy: { cancelled.withLock { $0.append(3) } })
    driver.call(2, on: record, canBeCancelledBy: { cancelled.withLock { $0.append(2) } })
    driver.send(.stop(.graceful))
    #expect(throws: ObjectPoolError.self) { try second.take() }
    #expect(cancelled.withLock { $0 } == [3])
  }

  private func request(_ driver: PoolDriver) -> Mailbox<PoolDriver.Grant> {
    let mailbox = Mailbox<PoolDriver.Grant>()
    let place = SourcePlace(file: #fileID, line: #line)
    driver.request(.forever, place, WaitTicket(), .thread(mailbox))
    return mailbox
  }
}

/// Begins nothing; the test ends the calls.
private final class SilentRunner: OperationRunner {
  private let state = Mutex<(record: ObjectRecord?, begun: [Operation])>((nil, []))

  var record: ObjectRecord? { state.withLock { $0.record } }
  var begun: [Operation] { state.withLock { $0.begun } }

  func makeRecord(for worker: WorkerID) -> ObjectRecord { ObjectRecord(worker) }
  func begin(_ operation: Operation, call: Int, on record: ObjectRecord, for driver: PoolDriver) {
    state.withLock {
      $0.record = record
      $0.begun.append(operation)
    }
  }
}
