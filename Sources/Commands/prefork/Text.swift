import CommandLineKit
import Glibc
import LinuxIO

/// Writes text that a person asked for to stdout and returns the exit status.
/// SIGPIPE still has its default action here, so that `prefork help | head -1` ends quietly.
func printText(_ text: String) -> ExitCode {
  let code = write(text, to: STDOUT_FILENO)
  if code == 0 { return .ok }
  printError("prefork: cannot write to stdout: \(String(cString: strerror(code))) (errno \(code))\n")
  return .outputFailed
}

/// What the system refused, with what may be behind it.
func message(of error: SystemError) -> String {
  let filter = "hint: a seccomp filter, perhaps that of a container, may deny this system call, which prefork needs\n"
  return "prefork: \(error)\n" + (error.code == EPERM || error.code == ENOSYS ? filter : "")
}

/// Writes a message for people to stderr. If that fails, or it is not read for a second, it is dropped.
func printError(_ text: String) {
  _ = write(text, to: STDERR_FILENO, patience: 1000)
}

/// Writes all of `text`; returns 0 or the errno. `patience` in milliseconds is how long a reader may take nothing, -1
/// for ever: signals that would end us may be blocked. A descriptor that somebody made non-blocking is waited for.
private func write(_ text: String, to descriptor: CInt, patience: CInt = -1) -> CInt {
  var text = text
  return text.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)[...]
    while !rest.isEmpty {
      var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      if poll(&room, 1, patience) == 0 { return ETIMEDOUT }
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR, errno != EAGAIN {
        return errno
      }
    }
    return 0
  }
}
