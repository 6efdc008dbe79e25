import Glibc
import ObjectPool
import PostgresPool
import Synchronization

/// What those who wait for a session get while the server is down.
enum Patience: Sendable {
  /// They wait a few seconds for it to come back.
  case waits
  /// The first failure is told at once.
  case failsAtOnce
}

/// Sixteen tasks that share six sessions and leave them in every state one can leave a session in.
final class Load: Sendable {
  /// What came of it.
  struct Counts: Sendable {
    var leases = 0
    /// Leases whose session died, as the history explains, between its validation and its first statement.
    var diedInHand = 0
    /// Acquisitions that failed while the server was down.
    var acquisitionsFailed = 0
    var killed = 0
    var objectionCount = 0
    /// What no history explains: the first few.
    var objections: [String] = []

    mutating func note(_ objection: String?) {
      guard let objection else { return }
      objectionCount += 1
      if objections.count < 3 { objections.append(objection) }
    }
  }

  /// How long the pool may go on failing after the server is back: until it tries again.
  static let grace = Duration.seconds(2)
  /// For a longer run than the tests need: how many leases.
  static var operations: Int? { getenv("POSTGRES_POOL_OPERATIONS").flatMap { Int(String(cString: $0)) } }

  let operations: Int
  let history = History()
  private let name: String
  private let pool: ObjectPool<PostgresConnection>
  private let counts = Mutex(Counts())
  private let remaining: Mutex<Int>

  init(_ server: PostgresServer, name: String, operations: Int, patience: Patience = .waits) {
    self.name = name
    self.operations = operations
    remaining = Mutex(operations)
    let factory = PostgresFactory(server.connectionString(as: name))
    var configuration = ObjectPoolConfiguration.postgres(size: 6)
    if patience == .failsAtOnce { configuration.restartBudget = 1 }
    pool = ObjectPool(configuration, factory: ObservedFactory(factory: factory, history: history))
  }

  /// Runs until `operations` leases are taken, or the trouble has ended.
  /// - Parameter trouble: what happens meanwhile; its argument tells whether the leases are taken.
  func run(_ trouble: (_ isOver: () -> Bool) async throws -> Void) async throws -> Counts {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seed in 1...16 {
        group.addTask {
          var random = Random(state: UInt64(seed))
          while self.takesAnother() { try await self.useLease(random.next(below: 30)) }
        }
      }
      defer { remaining.withLock { $0 = 0 } }
      try await trouble { self.remaining.withLock { $0 == 0 } }
      remaining.withLock { $0 = 0 }
      try await group.waitForAll()
    }
    await pool.close(within: .seconds(10))
    return counts.withLock { $0 }
  }

  /// Ends one session, and waits until its backend is gone.
  func killOne(by admin: PostgresConnection) async throws {
    guard let pid = history.victim() else { return }
    history.noteKillBegins(pid)
    let answer = try await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::int AND application_name = $2",
      ["\(pid)", name])
    // No row: it had ended of itself.
    if answer.value == "t" { counts.withLock { $0.killed += 1 } }
    while kill(pid, 0) == 0 || errno != ESRCH { try await Task.sleep(for: .milliseconds(1)) }
    history.noteGone(pid)
  }

  private func takesAnother() -> Bool {
    remaining.withLock { remaining in
      guard remaining > 0 else { return false }
      remaining -= 1
      return true
    }
  }

  private func useLease(_ choice: Int) async throws {
    let askedAt = ContinuousClock.now
    let lease: Lease<PostgresConnection>
    do {
      lease = try await pool.acquire()
    } catch {
      let objection = history.objection(toFailureSince: askedAt, grace: Self.grace, failure: error)
      counts.withLock {
        $0.acquisitionsFailed += 1
        $0.note(objection)
      }
      return try await Task.sleep(for: .milliseconds(5))
    }
    let failure = await inspect(lease.object)
    let objection = history.objection(to: lease.object.backendPID, askedAt: askedAt, failure: failure)
    counts.withLock {
      $0.leases += 1
      $0.diedInHand += failure == nil ? 0 : 1
      $0.note(objection)
    }
    if choice < Self.dirt.count { _ = try? await lease.object.query(Self.dirt[choice]) }
    // Given up before there can be an answer.
    if choice == Self.dirt.count { _ = try? await lease.object.query("SELECT pg_sleep(0.1)", within: .zero) }
    history.noteGivenBack(lease.object.backendPID)
    if choice == Self.dirt.count + 1 { try pool.dispose(lease) } else { try pool.release(lease) }
  }

  private func inspect(_ connection: PostgresConnection) async -> (any Error)? {
    do {
      let answer = try await connection.query(Self.inspection)
      if answer.rows != [["\(connection.backendPID)", ""]] {
        counts.withLock { $0.note("dirty: \(answer.rows)") }
      }
      return nil
    } catch {
      return error
    }
  }

  /// The backend, and what is left in it by somebody else.
  private static let inspection = """
    SELECT pg_backend_pid(), concat_ws(', ',
      CASE WHEN now() <> statement_timestamp() THEN 'transaction' END,
      CASE WHEN current_setting('search_path') = 'elsewhere' THEN 'setting' END,
      CASE WHEN to_regclass('left_behind') IS NOT NULL THEN 'temporary table' END,
      (SELECT 'channel' FROM pg_listening_channels() LIMIT 1),
      (SELECT 'prepared statement' FROM pg_prepared_statements LIMIT 1),
      (SELECT 'advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() LIMIT 1))
    """

  private static let dirt = [
    "BEGIN", "BEGIN; SELECT 1 / 0", "SET search_path = elsewhere", "CREATE TEMP TABLE left_behind (n int)",
    "LISTEN left_behind", "PREPARE left_behind AS SELECT 1", "SELECT pg_try_advisory_lock(4711)",
  ]
}

extension Load.Counts {
  /// One line for people who look.
  func report(_ name: String) {
    print(
      "\(name): \(leases) leases, \(diedInHand) died in hand, \(acquisitionsFailed) failed, \(killed) killed, \(objectionCount) objections"
    )
  }
}

/// Seeded, so that a run can be had again: xorshift64*, by Sebastiano Vigna.
struct Random {
  var state: UInt64

  mutating func next(below bound: Int) -> Int {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % bound
  }
}
