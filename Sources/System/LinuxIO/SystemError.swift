import CLinux
import Glibc
import Text

/// A system call that failed: which, on what, and why.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried, with its object: `open /x`.
  public var operation: String
  /// The value of errno.
  public var code: CInt

  /// The failure of `operation` with `code`, by default the current errno.
  public init(_ operation: String, _ code: CInt = errno) {
    self.operation = operation
    self.code = code
  }

  /// Nobody reads any more (EPIPE).
  public static var brokenPipe: SystemError { SystemError("write", EPIPE) }

  /// A library that is loaded when it is needed is not there: its file, and the package of Debian that brings it.
  public static func missingLibrary(_ file: String, package: String) -> SystemError {
    SystemError("load \(file) (Debian has it in \(package))", ELIBACC)
  }

  /// The reason alone: `No such file or directory (ENOENT)`.
  public var reason: String {
    let text = String(cString: strerror(code))
    guard let name = prefork_errno_name(code) else { return "\(text) (errno \(code))" }
    if code == EFBIG, let limit = fileSizeLimit() {
      return "\(text) (\(String(cString: name))): no file may be over \(plural(limit, "byte")) here (ulimit -f)"
    }
    return "\(text) (\(String(cString: name)))"
  }

  /// `open /x: No such file or directory (ENOENT)`.
  public var description: String { "\(operation): \(reason)" }
}

/// `SIGSEGV` for 11; `signal 40` for one that has no name.
public func signalName(_ signal: CInt) -> String {
  guard let name = prefork_signal_name(signal) else { return "signal \(signal)" }
  return "SIG" + String(cString: name)
}
