import Testing

@testable import JobServer

/// The line under "Status:" of systemctl status.
@Suite struct PoolSummaryTests {
  private func pool(_ name: String) -> PoolSummary {
    var pool = PoolSummary(name: name, phase: .serving)
    pool.serving = 2
    pool.maximum = 2
    pool.running = 1
    pool.ok = 17
    pool.connections = 1
    return pool
  }

  @Test("a pool that serves says how busy it is; any other says first what it is doing")
  func onePool() {
    var pool = pool("a")
    #expect(PoolSummary.line(of: [pool]) == "2 of 2 workers; 1 job running, 0 waiting, 17 ok; 1 connection")
    pool.phase = .draining
    pool.notOK = 3
    pool.connections = 0
    pool.startsFail = true
    #expect(
      PoolSummary.line(of: [pool])
        == "draining: 2 of 2 workers, starts fail; 1 job running, 0 waiting, 17 ok, 3 not ok; 0 connections")
    #expect(PoolSummary.line(of: []) == "stopped")
  }

  @Test("several are summed up, and those that are in trouble are named")
  func severalPools() {
    var other = pool("b")
    other.phase = .starting
    other.serving = 0
    other.startsFail = true
    #expect(
      PoolSummary.line(of: [pool("a"), other])
        == "2 pools, 2 of 4 workers; 2 jobs running, 0 waiting, 34 ok; 2 connections; b is starting; starts of b fail")
  }
}
