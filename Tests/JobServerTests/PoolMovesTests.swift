import Testing

@testable import JobServer

/// Whether the watchdog is told that all is well.
@Suite struct PoolMovesTests {
  static let waiting = PoolMoves(waiting: 5, idle: 2, given: 10, settled: 8, starts: 3)

  @Test("jobs that wait beside idle workers while nothing happens: that is no progress")
  func stuck() {
    #expect(Self.waiting.isStuck(since: Self.waiting))
    var later = Self.waiting
    later.waiting = 9
    later.idle = 1
    #expect(later.isStuck(since: Self.waiting), "that jobs come in, or workers go, is no progress")
  }

  @Test(
    "a job given, a job ended, a worker started: each is progress",
    arguments: [\PoolMoves.given, \.settled, \.starts] as [WritableKeyPath<PoolMoves, Int> & Sendable])
  func moving(move: WritableKeyPath<PoolMoves, Int> & Sendable) {
    var later = Self.waiting
    later[keyPath: move] += 1
    #expect(!later.isStuck(since: Self.waiting))
  }

  @Test("the jobs of a worker that has gone are not taken for a standstill")
  func fewer() {
    var later = Self.waiting
    later.given = 4
    #expect(!later.isStuck(since: Self.waiting))
  }

  @Test(
    "with nothing to do, or nobody to do it, there is nothing to wonder about; and one look is not enough",
    arguments: [\PoolMoves.waiting, \.idle] as [WritableKeyPath<PoolMoves, Int> & Sendable])
  func atRest(what: WritableKeyPath<PoolMoves, Int> & Sendable) {
    var rest = Self.waiting
    rest[keyPath: what] = 0
    #expect(!rest.isStuck(since: rest))
    #expect(!Self.waiting.isStuck(since: rest))
    #expect(!rest.isStuck(since: Self.waiting))
  }
}
