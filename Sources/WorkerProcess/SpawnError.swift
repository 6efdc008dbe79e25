import Glibc
import LinuxIO

/// A worker that could not even be started.
public struct SpawnError: Error, Sendable, CustomStringConvertible {
  /// The program as it was given.
  public let program: String
  /// What failed.
  public let cause: SystemError

  /// The failure to start `program` because of `cause`.
  public init(program: String, cause: SystemError) {
    self.program = program
    self.cause = cause
  }

  /// `cannot start ./nosuch: No such file or directory (ENOENT)`.
  public var description: String { "cannot start \(program): \(cause.reason)" }

  /// True when trying again is pointless as long as nobody changes the file.
  public var isPermanent: Bool {
    switch cause.code {
    case ENOENT, EACCES, ENOEXEC, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, EPERM, E2BIG, EINVAL: true
    default: false
    }
  }

  /// What to try.
  public var hint: String? {
    switch cause.code {
    case ENOENT:
      if program.isEmpty { return "the name of the worker is empty; is a variable unset?" }
      if place != nil { return "the file exists, but the interpreter that its #! line names does not" }
      return program.contains("/")
        ? "there is no such file; the worker is a program and its arguments: prefork run -- PROGRAM [ARGUMENT...]"
        : "\(program) is not in PATH; give a path like ./\(program) to run a file here"
    case EACCES:
      if isDirectory { return "\(program) is a directory, not a program" }
      return "is it executable? try: chmod +x \(place ?? program)"
    case ENOEXEC: return "it is neither a binary for this machine nor a script with a #! line"
    case EAGAIN, ENOMEM: return "the system has no room for another process; try fewer --workers"
    case EMFILE, ENFILE: return "no file descriptors are left; try fewer --workers or a higher ulimit -n"
    default: return nil
    }
  }

  /// Where it stands: where it was said to, or where posix_spawnp(3) finds it in PATH.
  private var place: String? {
    if program.contains("/") { return access(program, F_OK) == 0 ? program : nil }
    guard let path = getenv("PATH") else { return nil }
    return String(cString: path).split(separator: ":").map { "\($0)/\(program)" }.first { access($0, F_OK) == 0 }
  }

  private var isDirectory: Bool {
    guard let directory = opendir(program) else { return false }
    closedir(directory)
    return true
  }
}
