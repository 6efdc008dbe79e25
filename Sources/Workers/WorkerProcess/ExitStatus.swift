import LinuxIO

/// How a worker ended, in words that a person can use.
public enum ExitStatus: Equatable, Sendable, CustomStringConvertible {
  /// It called exit with this code.
  case exited(code: CInt)
  /// A signal ended it.
  case killed(signal: CInt, coreDumped: Bool)
  /// It is gone, but its status went to somebody else: a `wait` for any child in the program that embeds the pool, or
  /// SIGCHLD ignored there (waitid(2), ECHILD).
  case unknown

  init(_ end: ChildProcess.End) {
    switch end {
    case .exited(let code): self = .exited(code: code)
    case .killed(let signal, let coreDumped): self = .killed(signal: signal, coreDumped: coreDumped)
    case .unknown: self = .unknown
    }
  }

  /// `exited with status 3`, `died of SIGSEGV (core dumped)`.
  public var description: String {
    switch self {
    case .exited(code: 0): "exited normally (status 0)"
    case .exited(code: 126): "exited with status 126 (to a shell: found, but cannot be run)"
    case .exited(code: 127): "exited with status 127 (to a shell: command not found)"
    case .exited(let code): "exited with status \(code)"
    case .killed(Signal.kill, _): "was killed by SIGKILL"
    case .unknown: "ended, but somebody else in this program collected its exit status"
    case .killed(let signal, let coreDumped): "died of \(signalName(signal))\(coreDumped ? " (core dumped)" : "")"
    }
  }
}

extension ExitStatus {
  /// The end of a worker that was asked to stop: `stopped (exit status 0)`, `stopped by SIGTERM, as asked`.
  public var whenStopped: String {
    switch self {
    case .exited(let code): "stopped (exit status \(code))"
    case .killed(Signal.terminate, coreDumped: false): "stopped by SIGTERM, as asked"
    case .killed(Signal.kill, _): "stopped by SIGKILL"
    case .killed, .unknown: "\(self) while it was being stopped"
    }
  }
}

/// The stop ladder as a value: each step is taken when the one before it did not help in time.
public enum StopStep: CaseIterable, Sendable {
  /// The end of its input tells the worker that no job will come.
  case closeInput
  /// SIGTERM to its process group.
  case terminate
  /// SIGKILL to its process group.
  case kill

  /// Takes the step.
  public func apply(to process: inout WorkerProcess) {
    switch self {
    case .closeInput: process.closeInput()
    case .terminate:
      process.signalGroup(Signal.terminate)
      // A stopped process gets no signal but this one and SIGKILL.
      process.signalGroup(Signal.proceed)
    case .kill: process.signalGroup(Signal.kill)
    }
  }
}
