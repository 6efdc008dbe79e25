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
  private var isReaped = false

  private init(
    pid: CInt, exitDescriptor: consuming FileDescriptor, input: consuming FileDescriptor,
    output: consuming FileDescriptor, errorOutput: consuming FileDescriptor
  ) {
    self.pid = pid
    self.exitDescriptor = exitDescriptor
    inputEnd = consume input
    outputEnd = output
    errorEnd = consume errorOutput
  }

  deinit {
    if !isReaped { Self.bury(pid) }
  }

  /// Readable when the process is dead.
  public var pidfd: CInt { exitDescriptor.rawValue }
  /// Where jobs go; -1 once closed.
  public var input: CInt { number(of: inputEnd) }
  /// Where replies come from.
  public var output: CInt { outputEnd.rawValue }
  /// Where its log comes from; -1 once closed.
  public var errorOutput: CInt { number(of: errorEnd) }

  /// Starts the command with `extra` added to our own environment, in the place of what has the same name. Our ends of
  /// its pipes do not block, its own do.
  public static func spawn(_ command: WorkerCommand, environment extra: [(String, String)]) throws(SpawnError)
    -> WorkerProcess
  {
    do throws(SystemError) {
      return try spawnUnnamed(command, environment: extra)
    } catch {
      throw SpawnError(program: command.arguments[0], cause: error)
    }
  }

  private static func spawnUnnamed(_ command: WorkerCommand, environment extra: [(String, String)]) throws(SystemError)
    -> WorkerProcess
  {
    let arguments = CStringList(command.words)
    let inherited = InheritedEnvironment.shared.entries(without: extra)
    let environment = CStringList(extra.map { Array("\($0)=\($1)".utf8) }, borrowed: inherited)
    var input = try Pipe()
    var output = try Pipe()
    var errorOutput = try Pipe()
    let pid = try ChildProcess.spawn(
      arguments.first, arguments: arguments.baseAddress, environment: environment.baseAddress,
      input: input.readEnd, output: output.writeEnd, errorOutput: errorOutput.writeEnd)
    do throws(SystemError) {
      let pidfd = try ChildProcess.pidfd(of: pid)
      let ourInput = input.takeWriteEnd()
      let ourOutput = output.takeReadEnd()
      let ourErrorOutput = errorOutput.takeReadEnd()
      try makeNonBlocking(ourInput.rawValue)
      try makeNonBlocking(ourOutput.rawValue)
      try makeNonBlocking(ourErrorOutput.rawValue)
      return WorkerProcess(
        pid: pid, exitDescriptor: pidfd, input: ourInput, output: ourOutput, errorOutput: ourErrorOutput)
    } catch {
      bury(pid)
      throw error
    }
  }

  /// Closes its stdin: no job will come.
  public mutating func closeInput() { inputEnd = nil }

  /// Stops reading its stderr.
  public mutating func closeErrorOutput() { errorEnd = nil }

  /// Sends a signal to the process, wherever it is, and all its descendants that stayed in its group.
  public func signalGroup(_ signal: CInt) {
    if !isReaped { Self.signalOwnGroup(pid, signal) }
  }

  /// How it ended; nil while it lives. Never blocks. Descendants that stayed in its group are killed first, while the
  /// zombie still keeps the number of the group from being given to somebody else.
  public mutating func reap() -> ExitStatus? {
    guard !isReaped, ChildProcess.end(of: pid, peek: true) != nil else { return nil }
    Self.signalOwnGroup(pid, Signal.kill)
    guard let end = ChildProcess.end(of: pid, peek: false) else { return nil }
    isReaped = true
    return ExitStatus(end)
  }

  /// Bytes of its stdin that it never read.
  public func unreadInput() -> Int { input < 0 ? 0 : unreadBytes(ofPipe: input) }

  /// Kills what must not outlive us, and waits for it: a killed process is soon dead.
  private static func bury(_ pid: CInt) {
    signalOwnGroup(pid, Signal.kill)
    _ = ChildProcess.end(of: pid, peek: false, block: true)
  }

  /// Signals the group only as long as the number is certainly ours: a child that somebody else has reaped no longer
  /// keeps it from being given away, and a stranger would get the signal.
  private static func signalOwnGroup(_ pid: CInt, _ signal: CInt) {
    if ChildProcess.end(of: pid, peek: true) != .unknown { ChildProcess.signalGroup(pid, signal) }
  }
}
