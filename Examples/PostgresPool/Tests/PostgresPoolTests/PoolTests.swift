import Glibc
import ObjectPool
import PostgresPool
import Testing

/// What the server sees of the pool, and the pool of the server.
@Suite struct PoolTests {
  @Test("sessions that the server ended while they were idle are never handed out")
  func terminatedWhileIdle() async throws {
    let server = try await PostgresServer.shared()
    let admin = try await PostgresConnection(server.connectionString())
    let pool = ObjectPool(.postgres(size: 4), factory: PostgresFactory(server.connectionString(as: "terminated")))
    for _ in 0..<5 {
      try await pool.prefill()
      let victims = try await admin.terminateAll(named: "terminated")
      #expect(victims.count == 4)
      var leases: [Lease<PostgresConnection>] = []
      for _ in 0..<4 { leases.append(try await pool.acquire()) }
      for lease in leases {
        #expect(!victims.contains(lease.object.backendPID))
        #expect(try await lease.object.query("SELECT 1").value == "1")
        try pool.release(lease)
      }
    }
    await pool.close(within: .seconds(5))
  }

  @Test(
    "a session whose backend hangs is waited for no longer than the limit, and not handed out", .timeLimit(.minutes(5)))
  func hangingBackend() async throws {
    let server = try await PostgresServer.shared()
    var configuration = ObjectPoolConfiguration.postgres(size: 1)
    // Which of the two it hits depends on whether the reset after the lease was done when the backend was stopped.
    configuration.validationTimeout = .milliseconds(300)
    configuration.resetTimeout = .milliseconds(300)
    let pool = ObjectPool(configuration, factory: PostgresFactory(server.connectionString()))
    let hanging = try await pool.withObject { $0.backendPID }
    #expect(kill(hanging, SIGSTOP) == 0)
    defer { kill(hanging, SIGCONT) }
    try await pool.withObject { connection in
      let backend = try await connection.query("SELECT pg_backend_pid()").value
      #expect(backend != "\(hanging)")
    }
    await pool.close(within: .seconds(5))
  }

  @Test("fifty tasks share five sessions: the server never sees a sixth, and none when the pool is closed")
  func size() async throws {
    let server = try await PostgresServer.shared()
    let admin = try await PostgresConnection(server.connectionString())
    let pool = ObjectPool(.postgres(size: 5), factory: PostgresFactory(server.connectionString(as: "shared")))
    let most = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<50 {
        group.addTask {
          for _ in 0..<4 { _ = try await pool.withObject { try await $0.query("SELECT pg_sleep(0.002)") } }
          return 0
        }
      }
      group.addTask {
        var most = 0
        for _ in 0..<50 {
          most = max(most, try await admin.count(named: "shared"))
          try await Task.sleep(for: .milliseconds(2))
        }
        return most
      }
      return try await group.reduce(0, max)
    }
    #expect(most == 5)
    await pool.close(within: .seconds(5))
    try await admin.wait(forCount: 0, of: "application_name = 'shared'")
  }

  @Test("a session over its age is replaced when it comes back: the backends change while work goes on")
  func age() async throws {
    let server = try await PostgresServer.shared()
    var configuration = ObjectPoolConfiguration.postgres(size: 2)
    configuration.maximumAge = .milliseconds(200)
    let pool = ObjectPool(configuration, factory: PostgresFactory(server.connectionString(as: "aging")))
    var backends: Set<Int32> = []
    var tooOld = 0
    let deadline = ContinuousClock.now + .seconds(60)
    // While the machine stalls sessions grow older than they may: what counts is that a time comes when none is.
    while backends.count < 6, ContinuousClock.now < deadline {
      try await pool.withObject { connection in
        let isYoung = try await connection.query(
          "SELECT clock_timestamp() - backend_start < '1 s' FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        if isYoung.value == "t" {
          backends.insert(connection.backendPID)
        } else {
          tooOld += 1
          backends = []
        }
      }
    }
    #expect(backends.count == 6, "\(tooOld) times one was too old")
    await pool.close(within: .seconds(5))
  }

  @Test("a server that is down is named in the error; once it is back, the pool works")
  func downAtTheBeginning() async throws {
    try await PostgresServer.withServer { server in
      let pool = ObjectPool(.postgres(size: 2), factory: PostgresFactory(server.connectionString()))
      let late = await #expect(throws: ObjectPoolError.self) { try await pool.acquire(timeout: .seconds(1)) }
      guard case .timedOut(_, _, _, creationError: PostgresError.unreachable?)? = late else {
        Issue.record("\(String(describing: late))")
        return
      }

      var configuration = ObjectPoolConfiguration.postgres(size: 2)
      configuration.restartBudget = 1
      let impatient = ObjectPool(configuration, factory: PostgresFactory(server.connectionString()))
      let atOnce = await #expect(throws: ObjectPoolError.self) { try await impatient.acquire() }
      guard case .creationFailed(PostgresError.unreachable(let reason))? = atOnce else {
        Issue.record("\(String(describing: atOnce))")
        return
      }
      #expect(reason.contains("No such file or directory"))

      try await server.start()
      let isBack = ContinuousClock.now
      #expect(try await pool.withObject { try await $0.query("SELECT 1").value } == "1")
      // This one refuses until it has tried again, which it does every second.
      var answer: String?
      while answer == nil, ContinuousClock.now - isBack < .seconds(60) {
        answer = try? await impatient.withObject { try await $0.query("SELECT 1").value }
        if answer == nil { try await Task.sleep(for: .milliseconds(20)) }
      }
      #expect(answer == "1")
      await impatient.close(within: .seconds(5))
      await pool.close(within: .seconds(5))
    }
  }
}

extension PoolTests {
  @Test(
    "a server that takes connections and never says a word is waited for no longer than the limit",
    .timeLimit(.minutes(5)))
  func silentServer() async throws {
    var template = Array("/tmp/postgres-pool-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    let listener = try listen(at: folder + "/.s.PGSQL.5432")
    defer {
      close(listener)
      unlink(folder + "/.s.PGSQL.5432")
      rmdir(folder)
    }
    var configuration = ObjectPoolConfiguration.postgres(size: 1)
    configuration.creationTimeout = .milliseconds(200)
    configuration.restartBudget = 1
    let pool = ObjectPool(configuration, factory: PostgresFactory("host=\(folder)"))
    let error = await #expect(throws: ObjectPoolError.self) { try await pool.acquire() }
    guard case .creationFailed(ObjectPoolError.creationTimedOut)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    await pool.close(within: .seconds(5))
    #expect(pool.statistics.abandoned == 0)
  }

  /// A unix socket that the kernel accepts connections for, and nobody else.
  private func listen(at path: String) throws -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0 && Glibc.listen(descriptor, 8) == 0)
    return descriptor
  }
}

extension PostgresConnection {
  /// How many sessions of this name there are.
  func count(named name: String) async throws -> Int {
    let answer = try await query("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", [name])
    return Int(answer.value ?? "") ?? -1
  }

  /// Ends all sessions of this name, and waits until their backends are gone.
  /// - Returns: their pids.
  func terminateAll(named name: String) async throws -> Set<Int32> {
    let answer = try await query(
      "SELECT pid, pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = $1", [name])
    return Set(answer.rows.map { row in Int32(row[0]!)! })
  }
}
