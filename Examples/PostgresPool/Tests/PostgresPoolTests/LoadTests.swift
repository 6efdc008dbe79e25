import Glibc
import ObjectPool
import PostgresPool
import Synchronization
import Testing

/// Many tasks, while sessions and servers die; History.swift says what is promised.
@Suite struct LoadTests {
  @Test("sessions killed under load: every lease is judged")
  func killed() async throws {
    let server = try await PostgresServer.shared()
    let load = Load(server, name: "killed", operations: Load.operations ?? 3000)
    let counts = try await load.run { isOver in
      let admin = try await PostgresConnection(server.connectionString())
      while !isOver() {
        try await load.killOne(by: admin)
        try await Task.sleep(for: .milliseconds(2))
      }
    }
    counts.report("killed")
    #expect(counts.objections == [])
    #expect(counts.leases == load.operations)
    #expect(counts.acquisitionsFailed == 0)
    #expect(counts.killed > 20)
  }

  @Test(
    "the server restarts under load, politely and as after a crash: every lease is judged",
    arguments: [Patience.waits, .failsAtOnce])
  func restarted(patience: Patience) async throws {
    try await PostgresServer.withServer { server in
      try await server.start()
      let load = Load(server, name: "restarted", operations: .max, patience: patience)
      let counts = try await load.run { _ in
        for mode in PostgresServer.StopMode.allCases {
          try await Task.sleep(for: .milliseconds(500))
          load.history.noteStopBegins()
          try await server.stop(mode)
          load.history.noteStopped()
          try await Task.sleep(for: .milliseconds(200))
          try await server.start()
          load.history.noteRunsAgain()
        }
        // Then all must be well again.
        try await Task.sleep(for: Load.grace + .milliseconds(500))
      }
      counts.report("restarted, \(patience)")
      #expect(counts.objections == [])
      #expect(counts.leases > 100)
      if patience == .failsAtOnce { #expect(counts.acquisitionsFailed > 0) }
    }
  }
}
