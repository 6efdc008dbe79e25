import PoolCore

/// Why a worker ended that was not asked to, or had to be stopped for what it did.
public enum DeathCause: UInt8, Sendable, CaseIterable {
  /// It exited, whatever its status.
  case exited
  /// A signal killed it.
  case signalled
  /// The kernel is believed to have killed it for want of memory.
  case outOfMemory
  /// It held more memory than a worker is stopped for at once.
  case memoryLimit
  /// It did not report that it is alive, or reported that it is lost.
  case watchdog
  /// It broke its protocol.
  case protocolBroken
  /// A probe or a reset went wrong.
  case checkFailed
  /// A job ran longer than it may.
  case jobTimeout

  /// The value of its label; part of the interface.
  var word: String {
    switch self {
    case .exited: "exit"
    case .signalled: "signal"
    case .outOfMemory: "out_of_memory"
    case .memoryLimit: "memory_limit"
    case .watchdog: "watchdog"
    case .protocolBroken: "protocol"
    case .checkFailed: "check"
    case .jobTimeout: "job_timeout"
    }
  }
}

/// Why a client was turned away when it came.
public enum ConnectionRefusal: UInt8, Sendable, CaseIterable {
  /// There are as many connections as there may be.
  case limit
  /// Its user may not connect.
  case user

  /// The value of its label; part of the interface.
  var word: String {
    switch self {
    case .limit: "limit"
    case .user: "user"
    }
  }
}

/// Why a connection ended.
public enum ConnectionEnd: UInt8, Sendable, CaseIterable {
  /// The client sent all it had and got every answer.
  case finished
  /// The client went away before it had every answer.
  case gone
  /// Nothing moved on it for too long.
  case idle
  /// The client sent what is no frame, or too large a job.
  case malformed
  /// We stopped, or were asked to end it.
  case stopped

  /// The value of its label; part of the interface.
  var word: String {
    switch self {
    case .finished: "finished"
    case .gone: "gone"
    case .idle: "idle"
    case .malformed: "malformed"
    case .stopped: "stopped"
    }
  }
}

extension RetireReason {
  /// Every reason, each at the place that `place` gives.
  static let all: [RetireReason] = [
    .jobs, .age, .memory, .idle, .spare, .surplus, .requested, .own, .drained, .stopped, .startTimeout, .probe, .reset,
    .broken,
  ]

  /// Its counter, and its word in a label.
  var label: (place: Int, word: String) {
    switch self {
    case .jobs: (0, "jobs")
    case .age: (1, "age")
    case .memory: (2, "memory")
    case .idle: (3, "idle")
    case .spare: (4, "spare")
    case .surplus: (5, "surplus")
    case .requested: (6, "requested")
    case .own: (7, "own")
    case .drained: (8, "drained")
    case .stopped: (9, "stopped")
    case .startTimeout: (10, "start_timeout")
    case .probe: (11, "probe")
    case .reset: (12, "reset")
    case .broken: (13, "broken")
    }
  }
}
