import Glibc
import LinuxIO

/// A worker that could not even be started.
public struct SpawnError: Error, Sendable, CustomStringConvertible {
  /// The program as it was given.
  public let program: String
  /// What failed.
  public let cause: SystemError

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
      if !program.contains("/") { return "\(program) is not in PATH; give a path like ./\(program) to run a file here" }
      return access(program, F_OK) == 0
        ? "the file exists, but the interpreter that its #! line names does not"
        : "there is no such file; the worker is a program and its arguments: prefork run -- PROGRAM [ARGUMENT...]"
    case EACCES:
      return isDirectory ? "\(program) is a directory, not a program" : "is it executable? try: chmod +x \(program)"
    case ENOEXEC: return "it is neither a binary for this machine nor a script with a #! line"
    case EAGAIN, ENOMEM: return "the system has no room for another process; try fewer --workers"
    case EMFILE, ENFILE: return "no file descriptors are left; try fewer --workers or a higher ulimit -n"
    default: return nil
    }
  }

  private var isDirectory: Bool {
    guard let directory = opendir(program) else { return false }
    closedir(directory)
    return true
  }
}
