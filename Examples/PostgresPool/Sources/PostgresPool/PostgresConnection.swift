import Synchronization

/// One session with a PostgreSQL server, for one statement at a time.
///
/// libpq's simple calls block their thread until the server answers. In a task that would take one of the few threads
/// that run all tasks (as many as there are processors), and a server that hangs would stop the program. So libpq is
/// used without blocking, and one thread of ours, `SocketPoller`, waits for the sockets of all connections. That also
/// gives what a thread per call could not: a statement is given up when its task is cancelled, or its time is over.
///
/// Two things may still block for a moment: looking up a host's name, for which libpq asks the resolver (`hostaddr` and
/// unix sockets need none), and reading a password file.
public final class PostgresConnection: Sendable {
  private let session: Mutex<Session>

  /// Opens a session.
  /// - Parameters:
  ///   - connectionString: as libpq takes it: `host=/run/postgresql dbname=shop` or `postgresql://…`
  ///   - limit: how long to wait; nil waits until the task is cancelled.
  /// - Throws: `PostgresError.unreachable`, `.timedOut`, or `CancellationError`.
  public init(_ connectionString: String, within limit: Duration? = nil) async throws {
    guard let session = Session(connectingTo: connectionString) else { throw PostgresError.unreachable("no memory") }
    self.session = Mutex(session)
    try await finish(within: limit) { session throws(PostgresError) in try session.connect() }
  }

  /// The server's process for this session, as in `pg_stat_activity.pid`.
  public var backendPID: Int32 { session.withLock { $0.backendPID } }

  /// Runs a statement, or several at once if there are no parameters; the last one's result counts.
  /// - Parameters:
  ///   - parameters: for `$1`, `$2` …, as text; nil is NULL.
  ///   - limit: how long to wait; nil waits until the task is cancelled.
  /// - Throws: `PostgresError`, or `CancellationError`. After any but `.rejected` and `.busy` the connection is of no
  ///   more use.
  public func query(
    _ sql: String, _ parameters: [String?] = [], within limit: Duration? = nil
  ) async throws -> PostgresResult {
    try session.withLock { session throws(PostgresError) in try session.begin(sql, parameters) }
    return try await finish(within: limit) { session throws(PostgresError) in try session.advance() }
  }

  /// Makes the session as good as new: what a lease left open, set, prepared, locked or listens to is gone.
  ///
  /// DISCARD ALL refuses to run in a transaction, so an open one is rolled back first.
  /// - Throws: `PostgresError`, or `CancellationError`: then it is not as good as new.
  public func reset() async throws {
    if session.withLock({ $0.isInTransaction }) { _ = try await query("ROLLBACK") }
    _ = try await query("DISCARD ALL")
    // The server sends nothing more, but what came before lies in libpq's memory.
    _ = try takeNotifications()
  }

  /// The notifications that have come so far, each once; they come with the answers to statements.
  /// - Throws: `PostgresError.busy` or `.unusable`.
  public func takeNotifications() throws -> [PostgresNotification] {
    try session.withLock { session throws(PostgresError) in try session.takeNotifications() }
  }

  /// Ends the session. A statement that runs in another task fails.
  public func close() {
    session.withLock { $0.close() }
  }

  /// Takes one step after the other until the statement, or the handshake, is over.
  private func finish<Result: Sendable>(
    within limit: Duration?, _ step: (inout Session) throws(PostgresError) -> Session.Step<Result>
  ) async throws -> Result {
    let deadline = limit.map { ContinuousClock.now + $0 }
    do {
      while true {
        switch try session.withLock({ session throws(PostgresError) in try step(&session) }) {
        case .done(let result):
          session.withLock { $0.end(givenUp: false) }
          return result
        case .wait(let events, let descriptor):
          let isReady = try await SocketPoller.shared.wait(for: events, on: descriptor, until: deadline)
          if !isReady { throw PostgresError.timedOut(after: limit!) }
        }
      }
    } catch {
      var givenUp = true
      if case PostgresError.rejected = error { givenUp = false }
      session.withLock { $0.end(givenUp: givenUp) }
      throw error
    }
  }
}
