import CLinux
import Glibc

/// The user and groups that a process runs as.
public struct Credentials: Equatable, Sendable {
  /// Real, effective and saved.
  public var uid: UInt32
  /// Real, effective and saved.
  public var gid: UInt32
  /// The supplementary groups, in the place of all that there were.
  public var groups: [UInt32]

  /// These and no others.
  public init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }
}

/// What to start, and in which surroundings. The pointers must be valid while it is started.
public struct SpawnRequest {
  /// The program, looked for in our own PATH if it has no slash. A file that the kernel cannot execute is an error,
  /// never a script for sh.
  public var program: UnsafePointer<CChar>
  /// Its arguments, null-terminated, the first of which is its name.
  public var arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>
  /// Its environment, null-terminated.
  public var environment: UnsafePointer<UnsafeMutablePointer<CChar>?>
  /// What becomes its stdin.
  public var input: CInt
  /// What becomes its stdout.
  public var output: CInt
  /// What becomes its stderr.
  public var errorOutput: CInt
  /// A `cgroup.procs`, open for writing, of the cgroup that it starts in.
  public var cgroupProcs: CInt?
  /// Set one after the other, before it becomes another user.
  public var limits: [ResourceLimit] = []
  /// Added to our niceness (nice(2)).
  public var niceness: CInt = 0
  /// The user and groups that it runs as; nil: ours.
  public var credentials: Credentials?
  /// Whether it is killed as soon as the thread that starts it ends, alone or with us (PR_SET_PDEATHSIG).
  public var diesWithThread = false
  /// The directory it starts in, entered as the user that it runs as; nil: ours.
  public var directory: [UInt8]?

  /// A program with its three descriptors, in surroundings like ours.
  public init(
    program: UnsafePointer<CChar>, arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>,
    environment: UnsafePointer<UnsafeMutablePointer<CChar>?>, input: CInt, output: CInt, errorOutput: CInt
  ) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.input = input
    self.output = output
    self.errorOutput = errorOutput
  }
}

/// What could not be done to start a program, and why.
public struct SpawnFailure: Error, Equatable, Sendable {
  /// What is done, in this order, until a program runs.
  public enum Step: Equatable, Sendable {
    /// Another process, in a process group of its own.
    case start
    /// Running our own executable once more, as the launcher: for a cgroup, limits, niceness, credentials and
    /// `diesWithThread`. EOPNOTSUPP: we are not part of the main executable. ENOENT: /proc is not mounted. ECHILD: the
    /// launcher died.
    case launcher
    /// Its three descriptors, and the end of all others.
    case descriptors
    /// Moving to its cgroup.
    case cgroup
    /// One of its limits, counted from 0.
    case limit(Int)
    /// Its niceness.
    case niceness
    /// Becoming another user.
    case user
    /// Entering its directory.
    case directory
    /// Executing the program.
    case execute
    /// Watching for its end (pidfd_open(2)).
    case watch
  }

  /// What failed.
  public var step: Step
  /// The value of errno.
  public var code: CInt

  /// A failure at this step.
  public init(step: Step, code: CInt) {
    self.step = step
    self.code = code
  }

  /// One that hindered the start.
  public init(_ error: SystemError) { self.init(step: .start, code: error.code) }

  init(_ failure: prefork_spawn_failure) {
    let step: Step =
      switch prefork_spawn_step(UInt32(failure.step)) {
      case prefork_step_launcher: .launcher
      case prefork_step_descriptors: .descriptors
      case prefork_step_cgroup: .cgroup
      case prefork_step_limit: .limit(Int(failure.limit))
      case prefork_step_niceness: .niceness
      case prefork_step_user: .user
      case prefork_step_directory: .directory
      case prefork_step_exec: .execute
      default: .start
      }
    self.init(step: step, code: failure.code)
  }
}

extension ChildProcess {
  /// Whether what needs the launcher can be had: this code is part of the main executable, not of a library that was
  /// loaded later.
  public static var hasLauncher: Bool { prefork_has_launcher() != 0 }

  /// Starts a program that leads its own process group, with an empty signal mask, default signal actions and no
  /// descriptor but its three. Returns as soon as it runs; when that fails, nothing is left of it.
  public static func spawn(_ request: SpawnRequest) throws(SpawnFailure) -> pid_t {
    if let fault = injectedFault(.spawn) { throw SpawnFailure(step: .start, code: fault) }
    var pid: pid_t = 0
    var failure = prefork_spawn_failure()
    let result = request.withCRequest { prefork_spawn($0, &pid, &failure) }
    if result < 0 { throw SpawnFailure(failure) }
    OwnedChildren.enter(pid)
    return pid
  }
}

extension SpawnRequest {
  fileprivate func withCRequest(_ body: (UnsafePointer<prefork_spawn_request>) -> CInt) -> CInt {
    var request = prefork_spawn_request()
    request.program = program
    request.argv = arguments
    request.envp = environment
    request.in = input
    request.out = output
    request.err = errorOutput
    request.cgroup_procs = cgroupProcs ?? -1
    request.nice_increment = niceness
    request.dies_with_thread = diesWithThread ? 1 : 0
    if let credentials {
      request.changes_user = 1
      request.uid = credentials.uid
      request.gid = credentials.gid
    }
    let limits = limits.map { prefork_limit(resource: $0.resource.number, soft: $0.soft, hard: $0.hard) }
    let path = directory.map { $0.map(CChar.init(bitPattern:)) + [0] } ?? []
    return limits.withUnsafeBufferPointer { limits in
      (credentials?.groups ?? []).withUnsafeBufferPointer { groups in
        path.withUnsafeBufferPointer { path in
          request.limits = limits.baseAddress
          request.limit_count = limits.count
          request.groups = groups.baseAddress
          request.group_count = groups.count
          request.directory = path.isEmpty ? nil : path.baseAddress
          return body(&request)
        }
      }
    }
  }
}
