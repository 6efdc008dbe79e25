import Glibc
import PostgresPool

/// A real PostgreSQL server of our own: in a temporary folder, on a unix socket in that folder, and nowhere else.
///
/// It is gone afterwards, whatever happens: a small shell script waits for the end of its stdin, whose other end this
/// process holds, and then stops the server and removes the folder. The kernel closes that end even if the tests are
/// killed.
final class PostgresServer: Sendable {
  private let folder: String
  private let programs: String
  /// What to put before a command that must run as the server's user; PostgreSQL refuses root.
  private let asUser: [String]
  private let guardian: (pid: pid_t, input: CInt)

  /// For all tests that leave the server as it is; runs until this process ends.
  static func shared() async throws -> PostgresServer { try await sharedTask.value }

  private static let sharedTask = Task {
    let server = try await PostgresServer()
    try await server.prepare()
    try await server.start()
    return server
  }

  /// A server for one test that stops it and starts it again; it is not started yet.
  static func withServer<Result>(_ body: (PostgresServer) async throws -> Result) async throws -> Result {
    let server = try await PostgresServer()
    let result: Swift.Result<Result, any Error>
    do {
      try await server.prepare()
      result = .success(try await body(server))
    } catch {
      result = .failure(error)
    }
    close(server.guardian.input)
    await waitForEnd(of: server.guardian.pid)
    return try result.get()
  }

  /// What libpq needs to find it; pg_stat_activity shows the name.
  func connectionString(as name: String = "test") -> String {
    "host=\(folder) port=5432 user=postgres dbname=postgres application_name=\(name)"
  }

  /// `immediate` as a crash would: connections just end.
  private static let guardianScript = """
    read -r _
    $3 "$1/pg_ctl" --pgdata "$2/data" --mode immediate --silent stop 2>/dev/null
    rm -rf "$2"
    """

  private init() async throws {
    var template = Array("/tmp/postgres-pool-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CommandFailed(description: "no folder: errno \(errno)") }
    folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    // Debian keeps the programs of each version apart, and out of PATH.
    let found = try await run(["sh", "-c", "ls -d /usr/lib/postgresql/*/bin | sort -t/ -k5 -n | tail -n 1"])
    programs = String(found.prefix { !$0.isNewline })
    // The tree may lie where only root may go.
    asUser =
      geteuid() == 0
      ? ["env", "--chdir=/", "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : ["env"]
    guardian = try startInBackground(
      ["sh", "-c", Self.guardianScript, "sh", programs, folder, asUser.joined(separator: " ")])
    if geteuid() == 0 { try await run(["chown", "postgres:postgres", folder]) }
  }

  private func prepare() async throws {
    try await run(
      asUser + [
        "\(programs)/initdb", "--pgdata", "\(folder)/data", "--username", "postgres", "--auth", "trust", "--no-sync",
        "--no-locale", "--encoding", "UTF8",
      ])
  }

  func start() async throws {
    let settings = [
      "listen_addresses=", "unix_socket_directories=\(folder)", "max_connections=100", "shared_buffers=16MB",
      "fsync=off", "autovacuum=off",
    ]
    try await control([
      "--log", "\(folder)/log", "--options", settings.map { "-c \($0)" }.joined(separator: " "), "start",
    ])
  }

  enum StopMode: String, CaseIterable, Sendable {
    /// Tells each session why, and ends it.
    case fast
    /// As a crash would: the sessions just end.
    case immediate
  }

  /// Stops the server; all its processes are gone when this returns.
  func stop(_ mode: StopMode) async throws {
    try await control(["--mode", mode.rawValue, "stop"])
  }

  private func control(_ arguments: [String]) async throws {
    try await run(asUser + ["\(programs)/pg_ctl", "--pgdata", "\(folder)/data", "--silent", "--wait"] + arguments)
  }
}
