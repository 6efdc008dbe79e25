import Glibc
import LinuxIO
import Text

/// A worker that could not even be started.
public struct SpawnError: Error, Sendable, CustomStringConvertible {
  /// What could not be done.
  public enum Step: Sendable {
    /// Making its pipes and a process.
    case start
    /// Running our own executable once more, as the launcher, which sets limits, niceness, user, cgroup and the like.
    case launcher
    /// Giving it its three descriptors and no other.
    case descriptors
    /// Moving it to its cgroup.
    case cgroup
    /// Limiting what it may use.
    case limit(ResourceLimit)
    /// Changing its niceness.
    case niceness
    /// Making it run as another user.
    case user(UserIdentity)
    /// Entering its directory.
    case directory(String)
    /// Executing its program.
    case execute
    /// Watching for its end.
    case watch
  }

  /// The program as it was given.
  public let program: String
  /// What failed.
  public let step: Step
  /// Why.
  public let cause: SystemError
  /// The user, folder and environment that it was to run with.
  private let surroundings: WorkerSurroundings

  /// The failure to start `program` because what it needs could not be made.
  public init(program: String, cause: SystemError, surroundings: WorkerSurroundings) {
    self.init(program: program, failure: SpawnFailure(cause), surroundings: surroundings)
  }

  init(program: String, failure: SpawnFailure, surroundings: WorkerSurroundings) {
    self.program = program
    self.surroundings = surroundings
    step =
      switch failure.step {
      case .start: .start
      case .launcher: .launcher
      case .descriptors: .descriptors
      case .cgroup: .cgroup
      case .limit(let index): .limit(surroundings.limits[index])
      case .niceness: .niceness
      case .user: surroundings.user.map(Step.user) ?? .start
      case .directory: .directory(surroundings.directory.map { String(decoding: $0, as: UTF8.self) } ?? ".")
      case .execute: .execute
      case .watch: .watch
      }
    cause = SystemError(step.words ?? "start \(program)", failure.code)
  }

  /// `cannot start ./nosuch: No such file or directory (ENOENT)`;
  /// `cannot start ./worker: change to directory /nosuch: No such file or directory (ENOENT)`.
  public var description: String {
    "cannot start \(program): \(step.words == nil ? cause.reason : cause.description)"
  }

  /// True when trying again is pointless as long as nobody changes a file, a right or a limit.
  public var isPermanent: Bool {
    switch cause.code {
    case ENOENT, EACCES, ENOEXEC, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, EPERM, E2BIG, EINVAL, EOPNOTSUPP, ENOSYS:
      true
    default: false
    }
  }
}

extension SpawnError.Step {
  /// What was tried; nil where the name of the program is enough.
  fileprivate var words: String? {
    switch self {
    case .start, .execute: nil
    case .launcher: "run the launcher, which is this program itself (/proc/self/exe)"
    case .descriptors: "set up its descriptors"
    case .cgroup: "enter its cgroup"
    case .limit(let limit): "set \(limit.resource.officialName)"
    case .niceness: "set niceness"
    case .user(let user): "become \(user)"
    case .directory(let path): "change to directory \(path)"
    case .watch: "watch for its end (pidfd_open)"
    }
  }
}

extension SpawnError {
  /// What to try.
  public var hint: String? {
    switch (step, cause.code) {
    case (_, EAGAIN), (_, ENOMEM): "the system has no room for another process; try fewer --workers"
    case (_, EMFILE), (_, ENFILE): "no file descriptors are left; try fewer --workers or a higher ulimit -n"
    case (.start, EPERM): "clone3 is denied by \(Self.filter); one that does not know it must deny it by ENOSYS"
    case (.watch, EPERM): "pidfd_open is denied by \(Self.filter), and workers cannot be watched without it"
    case (.watch, ENOSYS):
      "workers cannot be watched without pidfd_open: the kernel is older than Linux 5.3, or \(Self.filter), denies it"
    case (.launcher, let code): launcherHint(code)
    case (.user, EPERM): "only root can run workers as another user"
    case (.limit, EPERM):
      "limits can be raised up to prefork's own hard limits (ulimit -H); beyond that needs CAP_SYS_RESOURCE"
    case (.niceness, EACCES), (.niceness, EPERM):
      "only root can give workers a higher priority, that is a lower niceness"
    case (.cgroup, EACCES), (.cgroup, EPERM): "a process can only be moved between cgroups that were delegated to you"
    case (.directory(let path), let code): directoryHint(path, code)
    case (.execute, let code): executionHint(code)
    default: nil
    }
  }

  private static let filter = "a seccomp filter, perhaps that of a container"

  private func launcherHint(_ code: CInt) -> String? {
    switch code {
    case EOPNOTSUPP:
      "a working directory and environment can be set without it, but not limits, niceness, a user, a cgroup or "
        + "diesWithThread: for these the pool must be linked into the main program, not into a library that is loaded "
        + "later"
    case ENOENT: "is /proc mounted?"
    case ECHILD: "it died before it could start the worker; its stderr is that of the worker"
    default: nil
    }
  }

  private func directoryHint(_ path: String, _ code: CInt) -> String? {
    switch code {
    case ENOENT where path.hasPrefix("/"): "there is no such directory"
    case ENOENT: "there is no such directory below the one that prefork was started in"
    case ENOTDIR: "it is not a directory"
    case EACCES: "\(runner) may not enter it, or a directory above it"
    default: nil
    }
  }

  private func executionHint(_ code: CInt) -> String? {
    switch code {
    case ENOENT:
      if program.isEmpty { return "the name of the worker is empty; is a variable unset?" }
      if place != nil { return "the file exists, but the interpreter that its #! line names does not" }
      if let commandLineHint { return commandLineHint }
      if !program.contains("/") {
        return "\(program) is not in PATH; give a path like ./\(program) to run a file here"
      }
      if !program.hasPrefix("/"), let directory {
        return "there is no such file; a relative path counts from \(directory), where the worker starts"
      }
      return "there is no such file; the worker is a program and its arguments: -- PROGRAM [ARGUMENT...]"
    case EACCES: return accessHint
    case ENOEXEC: return "it is neither a binary for this machine nor a script with a #! line"
    default: return nil
    }
  }

  /// For a whole command line that was given as the name of a program; nil if the name has no blank in it.
  private var commandLineHint: String? {
    let words = program.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    guard !words.isEmpty, words[0].utf8.count < program.utf8.count else { return nil }
    let isForShell = program.contains { "|&;<>()$`*?\"'".contains($0) }
    let line = words.joined(separator: " ")
    let meant = isForShell ? "sh -c \(shellQuoted(line))" : line
    return "the program is named `\(program)`, with a blank: did you mean `-- \(meant)`?"
  }

  private var accessHint: String {
    if isDirectory { return "\(program) is a directory, not a program" }
    guard let place else {
      // Not even seen to be there.
      return program.contains("/")
        ? "\(runner) may not enter a directory above it"
        : "\(program) is not in PATH, as far as \(runner) may enter its directories"
    }
    // We may be able to do what they are not.
    if surroundings.user != nil, access(place, X_OK) == 0 {
      return "\(runner) may not execute it, or not enter a directory above it"
    }
    return "is it executable? try: chmod +x \(place)"
  }

  private var runner: String { surroundings.user.map { "user \($0.text)" } ?? "you" }

  private var directory: String? { surroundings.directory.map { String(decoding: $0, as: UTF8.self) } }

  /// Where it stands: at its path, or where it is found in PATH.
  private var place: String? { candidates.first { access($0, F_OK) == 0 } }

  var candidates: [String] { programCandidates(program, in: directory) }

  private var isDirectory: Bool {
    guard let place, let directory = opendir(place) else { return false }
    closedir(directory)
    return true
  }
}

/// Where a program may stand: where its path says, or in the folders of PATH, in order. A relative path counts from
/// `directory`, if that is given.
func programCandidates(_ program: String, in directory: String?) -> [String] {
  let paths: [String] =
    if program.contains("/") {
      [program]
    } else {
      (getenv("PATH").map { String(cString: $0) } ?? "/bin:/usr/bin")
        .split(separator: ":", omittingEmptySubsequences: false).map { $0.isEmpty ? program : "\($0)/\(program)" }
    }
  guard let directory else { return paths }
  return paths.map { $0.hasPrefix("/") ? $0 : "\(directory)/\($0)" }
}
