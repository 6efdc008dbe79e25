import ObjectPool
import PostgresPool
import Synchronization

/// What really happened to each session and to the server, and when: the judge of what the pool hands out.
///
/// A session may die between the moment it is looked at and its first statement; nobody can promise otherwise. What can
/// be promised, and is checked here for every single lease:
/// 1. Its session was made, or validated, after its previous lease was given back.
/// 2. Its backend was not gone before that validation began, nor before the lease was asked for.
/// 3. If its first statement fails, then because that backend was killed, or the server stopped, in the meantime.
final class History: Sendable {
  typealias Instant = ContinuousClock.Instant

  private struct Session {
    var lookedAt: Instant
    var givenBack: Instant?
    var killBegan: Instant?
    var gone: Instant?
  }

  private struct State {
    /// By backend. A pid that the kernel uses again starts anew, when its session is made.
    var sessions: [Int32: Session] = [:]
    /// Since when the server is being stopped or down, or until when it was.
    var outages: [(began: Instant, ended: Instant?)] = []
    var made = 0
  }

  private let state = Mutex(State())

  /// A session that nobody has killed yet; it may have ended of itself.
  func victim() -> Int32? { state.withLock { $0.sessions.filter { $0.value.killBegan == nil }.keys.randomElement() } }

  /// How many sessions were made.
  var made: Int { state.withLock { $0.made } }

  /// - Parameter began: when it was asked for: if the server stopped since, the session may be gone already.
  func noteMade(_ pid: Int32, began: Instant) {
    state.withLock { state in
      let outage = state.outages.last { $0.ended.map { began <= $0 } ?? true }
      state.sessions[pid] = Session(lookedAt: .now, killBegan: outage?.began)
      state.made += 1
    }
  }

  func noteValidationBegins(_ pid: Int32) { state.withLock { $0.sessions[pid]?.lookedAt = .now } }
  func noteGivenBack(_ pid: Int32) { state.withLock { $0.sessions[pid]?.givenBack = .now } }
  func noteKillBegins(_ pid: Int32) { state.withLock { $0.sessions[pid]?.killBegan = .now } }
  func noteGone(_ pid: Int32) { state.withLock { $0.sessions[pid]?.gone = .now } }
  func noteStopBegins() { state.withLock { $0.outages.append((.now, nil)) } }
  func noteRunsAgain() { state.withLock { $0.outages[$0.outages.count - 1].ended = .now } }

  /// All processes of the server are gone, and with them every session made so far.
  func noteStopped() {
    state.withLock { state in
      let (began, now) = (state.outages.last!.began, Instant.now)
      for (pid, session) in state.sessions where session.gone == nil {
        state.sessions[pid]!.killBegan = session.killBegan ?? began
        state.sessions[pid]!.gone = now
      }
    }
  }

  /// What is wrong with a lease of this backend, whose first statement failed or did not; nil if nothing is.
  func objection(to pid: Int32, askedAt: Instant, failure: (any Error)?) -> String? {
    state.withLock { state in
      guard let session = state.sessions[pid] else { return "backend \(pid) was never made" }
      if let givenBack = session.givenBack, session.lookedAt < givenBack {
        return "not looked at since it was given back"
      }
      if let gone = session.gone, gone < session.lookedAt { return "gone before it was validated" }
      if let gone = session.gone, gone < askedAt { return "gone before it was asked for" }
      guard let failure else { return nil }
      let isDown = state.outages.last.map { $0.ended == nil } ?? false
      let isExplained = session.killBegan != nil || isDown
      return isExplained ? nil : "failed without a reason: \(failure)"
    }
  }

  /// What is wrong with an acquisition that failed; nil if the server was down at some moment of it, or `grace` before
  /// it.
  func objection(toFailureSince began: Instant, grace: Duration, failure: any Error) -> String? {
    state.withLock { state in
      let isExplained = state.outages.contains { $0.ended.map { began <= $0 + grace } ?? true }
      return isExplained ? nil : "no connection, although the server runs: \(failure)"
    }
  }
}

/// A PostgresFactory that tells the history what it does.
struct ObservedFactory: ObjectFactory {
  let factory: PostgresFactory
  let history: History

  func make() async throws -> sending PostgresConnection {
    let began = ContinuousClock.now
    let connection = try await factory.make()
    history.noteMade(connection.backendPID, began: began)
    return connection
  }

  func validate(_ connection: PostgresConnection) async throws -> Bool {
    history.noteValidationBegins(connection.backendPID)
    return try await factory.validate(connection)
  }

  func reset(_ connection: PostgresConnection) async throws { try await factory.reset(connection) }
  func dispose(_ connection: PostgresConnection) async throws { try await factory.dispose(connection) }
}
