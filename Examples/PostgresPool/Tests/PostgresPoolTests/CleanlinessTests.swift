import ObjectPool
import PostgresPool
import Testing

/// Something that one lease leaves behind, and how the next would see it.
struct Dirt: CustomTestStringConvertible, Sendable {
  let name: String
  /// What the first lease runs; it never cleans up.
  let statements: [String]
  /// What the second lease asks.
  let question: String
  /// What a new session answers.
  let cleanAnswer: String?

  var testDescription: String { name }

  static let all = [
    Dirt(
      name: "an open transaction", statements: ["BEGIN", "CREATE TABLE left_open (n int)"],
      question: "SELECT to_regclass('left_open')::text || (now() <> statement_timestamp())::text", cleanAnswer: nil),
    Dirt(
      name: "a failed transaction", statements: ["BEGIN", "SELECT 1 / 0"], question: "SELECT 'works'",
      cleanAnswer: "works"),
    Dirt(
      name: "a transaction that was to stay in hand", statements: ["BEGIN", "SELECT 1", "ROLLBACK AND CHAIN"],
      question: "SELECT now() = statement_timestamp()", cleanAnswer: "t"),
    Dirt(
      name: "a setting", statements: ["SET search_path = elsewhere"], question: "SHOW search_path",
      cleanAnswer: "\"$user\", public"),
    Dirt(
      name: "another user", statements: ["SET SESSION AUTHORIZATION pg_monitor"], question: "SELECT current_user",
      cleanAnswer: "postgres"),
    Dirt(
      name: "a temporary table", statements: ["CREATE TEMP TABLE left_behind AS SELECT 1"],
      question: "SELECT to_regclass('left_behind')", cleanAnswer: nil),
    Dirt(
      name: "a prepared statement", statements: ["PREPARE left_behind AS SELECT 1"],
      question: "SELECT count(*) FROM pg_prepared_statements", cleanAnswer: "0"),
    Dirt(
      name: "a cursor", statements: ["DECLARE left_behind CURSOR WITH HOLD FOR SELECT 1"],
      question: "SELECT count(*) FROM pg_cursors", cleanAnswer: "0"),
    Dirt(
      name: "an advisory lock", statements: ["SELECT pg_advisory_lock(4711)"],
      question: "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
      cleanAnswer: "0"),
    Dirt(
      name: "a channel listened to", statements: ["LISTEN left_behind"],
      question: "SELECT count(*) FROM pg_listening_channels()", cleanAnswer: "0"),
  ]
}

/// What one lease leaves behind, the next must not see.
@Suite struct CleanlinessTests {
  @Test("the next lease of the same session does not see", arguments: Dirt.all)
  func dirt(_ dirt: Dirt) async throws {
    let server = try await PostgresServer.shared()
    let pool = ObjectPool(.postgres(size: 1), factory: PostgresFactory(server.connectionString()))
    let backend = try await pool.withObject { connection in
      for statement in dirt.statements { _ = try? await connection.query(statement) }
      // Without this the test would show nothing.
      if let answer = try? await connection.query(dirt.question).value { #expect(answer != dirt.cleanAnswer) }
      return connection.backendPID
    }
    try await pool.withObject { connection in
      let answer = try await connection.query(dirt.question).value
      #expect(answer == dirt.cleanAnswer)
      #expect(connection.backendPID == backend, "cleaned, not replaced")
    }
    await pool.close(within: .seconds(5))
  }

  @Test("a notification that came for one lease is not delivered to the next")
  func notifications() async throws {
    let server = try await PostgresServer.shared()
    let other = try await PostgresConnection(server.connectionString())
    let pool = ObjectPool(.postgres(size: 1), factory: PostgresFactory(server.connectionString()))
    try await pool.withObject { connection in
      _ = try await connection.query("LISTEN news")
      _ = try await other.query("NOTIFY news, 'first'")
      _ = try await connection.query("SELECT 1")
      let notifications = try connection.takeNotifications()
      #expect(notifications.map(\.payload) == ["first"])
      _ = try await other.query("NOTIFY news, 'second'")
      // It arrives with this answer, and is left in libpq's memory.
      _ = try await connection.query("SELECT 1")
    }
    try await pool.withObject { connection in
      _ = try await other.query("NOTIFY news, 'third'")
      _ = try await connection.query("SELECT 1")
      let notifications = try connection.takeNotifications()
      #expect(notifications == [])
    }
    await pool.close(within: .seconds(5))
  }

  @Test(
    "a statement that was given up is never answered to the next lease: the session is replaced, and the server's work ends"
  )
  func givenUp() async throws {
    let server = try await PostgresServer.shared()
    let other = try await PostgresConnection(server.connectionString())
    let pool = ObjectPool(.postgres(size: 1), factory: PostgresFactory(server.connectionString()))
    let first = try await pool.withObject { connection in
      await #expect(throws: PostgresError.timedOut(after: .milliseconds(20))) {
        try await connection.query("SELECT 'late' FROM pg_sleep(3600)", within: .milliseconds(20))
      }
      return connection
    }
    try await pool.withObject { connection in
      let answer = try await connection.query("SELECT 'mine'").value
      #expect(answer == "mine")
      #expect(connection.backendPID != first.backendPID)
    }
    try await other.wait(forCount: 0, of: first.isSleeping)
    await pool.close(within: .seconds(5))
  }
}
