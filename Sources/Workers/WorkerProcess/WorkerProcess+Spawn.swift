import LinuxIO

/// Where the stderr of a worker goes.
public enum ErrorOutput: Sendable {
  /// To a pipe that we read.
  case captured
  /// Where our own goes.
  case inherited
}

/// A command in its surroundings, to be started again and again: what is the same for all its workers is made once.
public final class WorkerLaunch {
  private let command: WorkerCommand
  private let surroundings: WorkerSurroundings
  private let errorOutput: ErrorOutput
  private let arguments: CStringList
  private let environment: CStringList
  /// `NAME=` of what each worker has a value of its own for: the first entries of its environment.
  private let ownPrefixes: [String]
  private var request: SpawnRequest

  /// Each worker finds `extra` in its environment, and the variables `ownNames` with a value that is given at its
  /// start; they win over all that the surroundings say.
  public init(
    _ command: WorkerCommand, environment extra: [(String, String)], each ownNames: [String] = [],
    surroundings: WorkerSurroundings = WorkerSurroundings(), errorOutput: ErrorOutput = .captured
  ) {
    self.command = command
    self.surroundings = surroundings
    self.errorOutput = errorOutput
    arguments = CStringList(command.words)
    environment = WorkerEnvironment(each: ownNames, surroundings, extra).list()
    ownPrefixes = ownNames.map { "\($0)=" }
    request = SpawnRequest(
      program: arguments.first, arguments: arguments.baseAddress, environment: environment.baseAddress, input: -1,
      output: -1, errorOutput: -1)
    request.limits = surroundings.limits
    request.niceness = CInt(clamping: surroundings.niceness)
    request.credentials = surroundings.user?.credentialsToTake
    request.directory = surroundings.directory
  }

  /// Starts one; `values` are those of the names that it was made with, in their order. Our ends of its pipes do not
  /// block, its own do.
  ///
  /// `cgroupProcs` is a `cgroup.procs`, open for writing, of the cgroup that it starts in, by the launcher. With
  /// `guarding` (of a `CrashGuard`, whose cookie must be in its environment) it and its descendants do not outlive us
  /// even if we are killed: it stands in that list until it is reaped. `diesWithThread` asks for what the surroundings
  /// have under that name.
  public func start(
    _ values: [String] = [], cgroupProcs: CInt? = nil, guarding: GuardedProcesses? = nil, diesWithThread: Bool = false
  ) throws(SpawnError) -> WorkerProcess {
    precondition(values.count == ownPrefixes.count)
    for place in values.indices { environment.replace(place, by: ownPrefixes[place] + values[place]) }
    do throws(SpawnFailure) {
      let pipes = try WorkerPipes.open(errorOutput)
      request.input = pipes.input.readEnd
      request.output = pipes.output.writeEnd
      request.errorOutput = pipes.workersErrorOutput
      request.cgroupProcs = cgroupProcs
      request.diesWithThread = diesWithThread || surroundings.diesWithThread
      let pid = try ChildProcess.spawn(request)
      return try WorkerProcess.watch(pid, pipes, guarding?.enter(pid))
    } catch {
      throw SpawnError(program: command.arguments[0], failure: error, surroundings: surroundings)
    }
  }
}

extension WorkerProcess {
  /// Starts the command once, as a `WorkerLaunch` does. With `guarding` it finds the cookie in its environment.
  public static func spawn(
    _ command: WorkerCommand, environment extra: [(String, String)],
    surroundings: WorkerSurroundings = WorkerSurroundings(), errorOutput: ErrorOutput = .captured,
    cgroupProcs: CInt? = nil, guarding: GuardedProcesses? = nil
  ) throws(SpawnError) -> WorkerProcess {
    let cookie = guarding.map { [(GuardedProcesses.cookieName, $0.cookie)] } ?? []
    let launch = WorkerLaunch(
      command, environment: extra + cookie, surroundings: surroundings, errorOutput: errorOutput)
    return try launch.start(cgroupProcs: cgroupProcs, guarding: guarding)
  }

  /// Nothing stays of a child that cannot be watched.
  fileprivate static func watch(
    _ pid: CInt, _ pipes: consuming WorkerPipes, _ guardEntry: GuardedProcesses.Entry?
  ) throws(SpawnFailure) -> WorkerProcess {
    do throws(SystemError) {
      let pidfd = try ChildProcess.pidfd(of: pid)
      return WorkerProcess(
        pid: pid, exitDescriptor: pidfd, input: pipes.input.takeWriteEnd(), output: pipes.output.takeReadEnd(),
        errorOutput: pipes.errorOutput?.takeReadEnd(), guardEntry: guardEntry)
    } catch {
      bury(pid, guardEntry)
      throw SpawnFailure(step: .watch, code: error.code)
    }
  }
}

/// The pipes between us and one worker.
private struct WorkerPipes: ~Copyable {
  var input: Pipe
  var output: Pipe
  var errorOutput: Pipe?

  static func open(_ destination: ErrorOutput) throws(SpawnFailure) -> WorkerPipes {
    do throws(SystemError) {
      let input = try Pipe(nonBlocking: .writeEnd)
      let output = try Pipe(nonBlocking: .readEnd)
      switch destination {
      case .captured: return WorkerPipes(input: input, output: output, errorOutput: try Pipe(nonBlocking: .readEnd))
      case .inherited: return WorkerPipes(input: input, output: output, errorOutput: nil)
      }
    } catch {
      throw SpawnFailure(error)
    }
  }

  /// What becomes descriptor 2 of the worker.
  var workersErrorOutput: CInt {
    switch errorOutput {
    case .some(let pipe): pipe.writeEnd
    case .none: 2
    }
  }
}
