import Synchronization

/// How a server is spoken to.
enum MCPGeneration: Sendable, Equatable {
  /// From 2026-07-28 on: each request carries what a session would have agreed on.
  case stateless
  /// Up to 2025-11-25: `initialize` begins a session.
  case session

  /// The version that we ask for.
  var version: String {
    switch self {
    case .stateless: "2026-07-28"
    case .session: "2025-11-25"
    }
  }
}

/// The generation of all servers of one command, which the first of them shows.
///
/// Some old servers do not survive a request that they do not know (Python's SDK up to 1.9), and some never answer it.
/// So one server alone is asked at first; the others wait for the outcome. If it ends before it has answered, the next
/// one is spoken to in the old way.
final class KnownGeneration: Sendable {
  private struct State {
    var generation: MCPGeneration?
    var isExplored = false
  }

  private let state = Mutex(State())

  /// Nil until a server has shown it.
  var generation: MCPGeneration? { state.withLock { $0.generation } }

  /// The right to find it out; nil if it is known, or somebody else has this right.
  func explore() -> Exploration? {
    let mayExplore = state.withLock { state in
      guard state.generation == nil, !state.isExplored else { return false }
      state.isExplored = true
      return true
    }
    return mayExplore ? Exploration(self) : nil
  }

  func settle(_ generation: MCPGeneration) { state.withLock { $0.generation = generation } }

  fileprivate func explorationEnded() {
    state.withLock { state in
      state.isExplored = false
      if state.generation == nil { state.generation = .session }
    }
  }

  /// The right to find out the generation. It ends with the server that was asked.
  final class Exploration: Sendable {
    private let known: KnownGeneration

    fileprivate init(_ known: KnownGeneration) { self.known = known }

    deinit { known.explorationEnded() }
  }
}
