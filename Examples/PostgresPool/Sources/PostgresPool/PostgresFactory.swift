import ObjectPool

/// Makes, checks, cleans and closes the connections of a pool.
///
/// Nothing here sets a time limit: the pool has one for each of these calls, and cancels the call, which a
/// ``PostgresConnection`` obeys at once. So a server that hangs costs the pool a connection, never a thread.
public struct PostgresFactory: ObjectFactory {
  /// As libpq takes it: `host=/run/postgresql dbname=shop` or `postgresql://…`
  public let connectionString: String

  /// Connects to nothing yet.
  public init(_ connectionString: String) { self.connectionString = connectionString }

  /// Opens a session.
  public func make() async throws -> sending PostgresConnection { try await PostgresConnection(connectionString) }

  /// Only the server knows whether the session lives: a socket whose server is gone looks like one that has nothing to
  /// say.
  public func validate(_ connection: PostgresConnection) async throws -> Bool {
    try await connection.query("SELECT 1").value == "1"
  }

  /// ROLLBACK if a transaction is open, and DISCARD ALL.
  public func reset(_ connection: PostgresConnection) async throws { try await connection.reset() }

  /// Ends the session.
  public func dispose(_ connection: PostgresConnection) async throws { connection.close() }
}

extension ObjectPoolConfiguration {
  /// A pool of at most `size` sessions, opened when they are needed, that hands out none that is dead or dirty.
  ///
  /// Every lease costs a round trip before it (SELECT 1) and one after it (DISCARD ALL), for which nobody waits. Where
  /// the first is too much: `validatesOnAcquire = .unlessUsedWithin(.seconds(1))`.
  public static func postgres(size: Int) -> Self {
    var configuration = Self(maximum: size)
    configuration.validatesOnAcquire = .always
    configuration.resets = .onRelease
    // A backend's caches only grow; and behind a name that moves to another server, all sessions must move some day.
    configuration.maximumAge = .seconds(30 * 60)
    configuration.idleTimeout = .seconds(10 * 60)
    configuration.creationTimeout = .seconds(10)
    // To try to connect costs next to nothing, and a server that is back should not wait for us.
    configuration.maximumBackoff = .seconds(1)
    // A restart of the server is worth waiting for: when all places try, six failures of each take two or three
    // seconds, and only then those who wait are told. When few try it takes longer, at most as long as they want to
    // wait.
    configuration.restartBudget = 6 * size
    return configuration
  }
}
