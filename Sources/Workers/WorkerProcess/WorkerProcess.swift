import Glibc
import LinuxIO

/// One child process with its three pipes: started, signalled, reaped, never left behind.
public struct WorkerProcess: ~Copyable {
  /// The process, which is also the number of its process group.
  public let pid: CInt
  private let exitDescriptor: FileDescriptor
  private var inputEnd: FileDescriptor?
  private let outputEnd: FileDescriptor
  private var errorEnd: FileDescriptor?
  private let guardEntry: GuardedProcesses.Entry?
  /// What there is instead of a process; nil outside of simulations.
  package let simulated: (any SimulatedProcess)?
  private var isReaped = false

  init(
    pid: CInt, exitDescriptor: consuming FileDescriptor, input: consuming FileDescriptor,
    output: consuming FileDescriptor, errorOutput: consuming FileDescriptor?, guardEntry: GuardedProcesses.Entry?,
    simulated: (any SimulatedProcess)? = nil
  ) {
    self.pid = pid
    self.exitDescriptor = exitDescriptor
    inputEnd = consume input
    outputEnd = output
    errorEnd = errorOutput
    self.guardEntry = guardEntry
    self.simulated = simulated
  }

  deinit {
    if !isReaped, simulated == nil { Self.bury(pid, guardEntry) }
  }

  /// Readable when the process is dead.
  public var pidfd: CInt { exitDescriptor.rawValue }
  /// Where jobs go; -1 once closed.
  public var input: CInt { number(of: inputEnd) }
  /// Where replies come from.
  public var output: CInt { outputEnd.rawValue }
  /// Where its log comes from; -1 if that was not captured, and once closed.
  public var errorOutput: CInt { number(of: errorEnd) }

  /// Closes its stdin: no job will come.
  public mutating func closeInput() { inputEnd = nil }

  /// Stops reading its stderr.
  public mutating func closeErrorOutput() { errorEnd = nil }

  /// Sends a signal to the process, wherever it is, and all its descendants that stayed in its group.
  public func signalGroup(_ signal: CInt) {
    if let simulated { return simulated.receive(signal) }
    if !isReaped { Self.signalOwnGroup(pid, signal) }
  }

  /// How it ended; nil while it lives. Never blocks. Descendants that stayed in its group are killed first, while the
  /// zombie still keeps the number of the group from being given to somebody else.
  public mutating func reap() -> ExitStatus? {
    if let simulated { return simulated.status }
    guard !isReaped, let seen = ChildProcess.end(of: pid, peek: true) else { return nil }
    if seen != .unknown { ChildProcess.signalGroup(pid, Signal.kill) }
    guardEntry?.strikeOut()
    guard let end = ChildProcess.end(of: pid, peek: false) else { return nil }
    isReaped = true
    return ExitStatus(end)
  }

  /// Bytes of its stdout that we have not read.
  public func unreadOutput() -> Int { unreadBytes(ofPipe: output) }

  /// Bytes of its stdin that it never read.
  public func unreadInput() -> Int { input < 0 ? 0 : unreadBytes(ofPipe: input) }

  /// Kills what must not outlive us, and waits for it: a killed process is soon dead.
  static func bury(_ pid: CInt, _ guardEntry: GuardedProcesses.Entry?) {
    signalOwnGroup(pid, Signal.kill)
    guardEntry?.strikeOut()
    _ = ChildProcess.end(of: pid, peek: false, block: true)
  }

  /// Signals the group only as long as the number is certainly ours: a child that somebody else has reaped no longer
  /// keeps it from being given away, and a stranger would get the signal.
  private static func signalOwnGroup(_ pid: CInt, _ signal: CInt) {
    if ChildProcess.end(of: pid, peek: true) != .unknown { ChildProcess.signalGroup(pid, signal) }
  }
}
