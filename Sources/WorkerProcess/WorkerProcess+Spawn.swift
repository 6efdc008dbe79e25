import LinuxIO

/// Where the stderr of a worker goes.
public enum ErrorOutput: Sendable {
  /// To a pipe that we read.
  case captured
  /// Where our own goes.
  case inherited
}

extension WorkerProcess {
  /// Starts the command with `extra` in its environment, which wins over all that the surroundings say. Our ends of its
  /// pipes do not block, its own do.
  ///
  /// `cgroupProcs` is a `cgroup.procs`, open for writing, of the cgroup that it starts in, by the launcher. To
  /// `group` it is moved as soon as it runs, which costs less. With `guarding` (of a `CrashGuard`) it and its
  /// descendants do not outlive us even if we are killed: it stands in that list until it is reaped, and finds the
  /// cookie in its environment.
  public static func spawn(
    _ command: WorkerCommand, environment extra: [(String, String)],
    surroundings: WorkerSurroundings = WorkerSurroundings(), errorOutput: ErrorOutput = .captured,
    cgroupProcs: CInt? = nil, movingTo group: WorkerGroup? = nil, guarding: GuardedProcesses? = nil
  ) throws(SpawnError) -> WorkerProcess {
    do throws(SpawnFailure) {
      let process = try spawnUnnamed(command, extra, surroundings, errorOutput, cgroupProcs, guarding)
      try group?.admit(process.pid)
      return process
    } catch {
      throw SpawnError(program: command.arguments[0], failure: error, surroundings: surroundings)
    }
  }

  private static func spawnUnnamed(
    _ command: WorkerCommand, _ extra: [(String, String)], _ surroundings: WorkerSurroundings,
    _ errorOutput: ErrorOutput, _ cgroupProcs: CInt?, _ guarding: GuardedProcesses?
  ) throws(SpawnFailure) -> WorkerProcess {
    let cookie = guarding.map { [(GuardedProcesses.cookieName, $0.cookie)] } ?? []
    let environment = WorkerEnvironment(surroundings, extra + cookie).list()
    let arguments = CStringList(command.words)
    let pipes = try WorkerPipes.open(errorOutput)
    var request = SpawnRequest(
      program: arguments.first, arguments: arguments.baseAddress, environment: environment.baseAddress,
      input: pipes.input.readEnd, output: pipes.output.writeEnd, errorOutput: pipes.workersErrorOutput)
    request.cgroupProcs = cgroupProcs
    request.limits = surroundings.limits
    request.niceness = CInt(clamping: surroundings.niceness)
    request.credentials = surroundings.user?.credentialsToTake
    request.diesWithThread = surroundings.diesWithThread
    request.directory = surroundings.directory
    let pid = try ChildProcess.spawn(request)
    return try watch(pid, pipes, guarding?.enter(pid))
  }

  /// Nothing stays of a child that cannot be watched.
  private static func watch(
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
