import PostgresPool
import Testing

/// The client by itself, without a pool.
@Suite struct ConnectionTests {
  @Test("a value goes to the server and comes back; NULL is nil; several statements give the last one's result")
  func roundTrip() async throws {
    let server = try await PostgresServer.shared()
    let connection = try await PostgresConnection(server.connectionString())
    let result = try await connection.query("SELECT $1::text AS greeting, $2::int AS nothing", ["hello, wörld", nil])
    #expect(result.columns == ["greeting", "nothing"])
    #expect(result.rows == [["hello, wörld", nil]])
    #expect(result.command == "SELECT 1")
    #expect(try await connection.query("SELECT 1; SELECT 2").value == "2")
    #expect(try await connection.query("SELECT pg_backend_pid()").value == "\(connection.backendPID)")
  }

  @Test("ten megabytes go there and back: a statement that no socket takes at once")
  func largeStatement() async throws {
    let server = try await PostgresServer.shared()
    let connection = try await PostgresConnection(server.connectionString())
    let text = String(repeating: "0123456789", count: 1_000_000)
    #expect(try await connection.query("SELECT $1::text", [text]).value == text)
  }

  @Test("a statement that the server refuses leaves the connection usable, one that ends the session does not")
  func refusedAndLost() async throws {
    let server = try await PostgresServer.shared()
    let connection = try await PostgresConnection(server.connectionString())
    await #expect(throws: PostgresError.rejected(code: "22012", message: "division by zero")) {
      try await connection.query("SELECT 1 / 0")
    }
    #expect(try await connection.query("SELECT 1").value == "1")
    let error = await #expect(throws: PostgresError.self) {
      try await connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
    }
    #expect(error == .lost("FATAL:  terminating connection due to administrator command"))
    await #expect(throws: PostgresError.unusable) { try await connection.query("SELECT 1") }
  }

  @Test(
    "a statement given up is over at once for us, soon for the server, and the connection answers no other",
    arguments: [true, false])
  func givenUp(byCancellation: Bool) async throws {
    let server = try await PostgresServer.shared()
    let connection = try await PostgresConnection(server.connectionString())
    let other = try await PostgresConnection(server.connectionString())
    let running = Task {
      try await connection.query("SELECT pg_sleep(3600)", within: byCancellation ? nil : .milliseconds(50))
    }
    if byCancellation {
      try await other.wait(forCount: 1, of: connection.isSleeping)
      running.cancel()
      await #expect(throws: CancellationError.self) { try await running.value }
    } else {
      await #expect(throws: PostgresError.timedOut(after: .milliseconds(50))) { try await running.value }
    }
    await #expect(throws: PostgresError.unusable) { try await connection.query("SELECT 1") }
    connection.close()
    try await other.wait(forCount: 0, of: connection.isSleeping)
  }

  @Test("a second statement at the same time is refused and does not disturb the first")
  func busy() async throws {
    let server = try await PostgresServer.shared()
    let connection = try await PostgresConnection(server.connectionString())
    let other = try await PostgresConnection(server.connectionString())
    _ = try await other.query("SELECT pg_advisory_lock(42)")
    async let first = connection.query("SELECT 'first' FROM pg_advisory_lock(42)").value
    try await other.wait(forCount: 1, of: "pid = \(connection.backendPID) AND wait_event_type = 'Lock'")
    await #expect(throws: PostgresError.busy) { try await connection.query("SELECT 'second'") }
    _ = try await other.query("SELECT pg_advisory_unlock(42)")
    #expect(try await first == "first")
  }

  @Test("closing a connection ends the statement that another task runs on it")
  func closedWhileRunning() async throws {
    let server = try await PostgresServer.shared()
    let connection = try await PostgresConnection(server.connectionString())
    let other = try await PostgresConnection(server.connectionString())
    let running = Task { try await connection.query("SELECT pg_sleep(3600)") }
    try await other.wait(forCount: 1, of: connection.isSleeping)
    connection.close()
    await #expect(throws: PostgresError.unusable) { try await running.value }
    connection.close()
    await #expect(throws: PostgresError.unusable) { try await connection.query("SELECT 1") }
  }

  @Test("COPY, which would wait for data for ever, is refused", arguments: ["COPY t FROM STDIN", "COPY t TO STDOUT"])
  func copy(statement: String) async throws {
    let server = try await PostgresServer.shared()
    let connection = try await PostgresConnection(server.connectionString())
    _ = try await connection.query("CREATE TEMP TABLE t (n int)")
    await #expect(throws: PostgresError.copyIsNotSupported) { try await connection.query(statement) }
    await #expect(throws: PostgresError.unusable) { try await connection.query("SELECT 1") }
  }

  @Test("without a server opening fails at once, with the reason")
  func noServer() async throws {
    try await PostgresServer.withServer { server in
      let error = await #expect(throws: PostgresError.self) { try await PostgresConnection(server.connectionString()) }
      #expect(error?.description.contains("No such file or directory") == true)
    }
  }
}

extension PostgresConnection {
  /// A condition on pg_stat_activity: this connection's backend runs pg_sleep.
  var isSleeping: String { "pid = \(backendPID) AND wait_event = 'PgSleep'" }

  /// Waits until as many sessions as that match a condition on pg_stat_activity.
  func wait(forCount count: Int, of condition: String) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    let statement = "SELECT count(*) FROM pg_stat_activity WHERE \(condition)"
    while try await query(statement).value != "\(count)" {
      if ContinuousClock.now > deadline { throw CommandFailed(description: "never \(count): \(condition)") }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}
