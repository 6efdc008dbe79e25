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
  public func make() async throws -> PostgresConnection { try await PostgresConnection(connectionString) }

  /// Only the server knows whether the session lives: a socket whose server is gone looks like one that has nothing to say.
  public func validate(_ connection: PostgresConnection) async throws -> Bool {
    try await connection.query("SELECT 1").value == "1"
  }

  /// ROLLBACK if a transaction is open, and DISCARD ALL.
  public func reset(_ connection: PostgresConnection) async throws { try await connection.reset() }

  /// Ends the session.
  public func dispose(_ connection: PostgresConnection) async throws { connection.close() }
}

extension ObjectPoolConfiguration {
  /// A pool of at most `size` sessions that hands out none that is dead or dirty.
  ///
  /// Every lease costs a round trip more than a bare connection (SELECT 1), and every release one (DISCARD ALL). Where that is
  /// too much: `validatesOnAcquire = .unlessUsedWithin(.seconds(1))`.
  public static func postgres(size: Int) -> Self {
    var configuration = Self(minimum: 0, maximum: size)
    configuration.validatesOnAcquire = .always
    configuration.resets = .onRelease
    configuration.maximumAge = .seconds(30 * 60)
    return configuration
  }
}
