import Glibc
import Testing
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

@Suite struct ExitStatusTests {
  @Test(
    "the end of a worker in words",
    arguments: [
      (ExitStatus.exited(code: 0), "exited normally (status 0)"),
      (.exited(code: 3), "exited with status 3"),
      (.exited(code: 126), "exited with status 126 (to a shell: found, but cannot be run)"),
      (.exited(code: 127), "exited with status 127 (to a shell: command not found)"),
      (.killed(signal: SIGSEGV, coreDumped: true), "died of SIGSEGV (core dumped)"),
      (.killed(signal: SIGTERM, coreDumped: false), "died of SIGTERM"),
      (.killed(signal: SIGKILL, coreDumped: false), "was killed by SIGKILL"),
      (.killed(signal: 40, coreDumped: false), "died of signal 40"),
    ])
  func words(status: ExitStatus, expected: String) {
    #expect(status.description == expected)
  }

  @Test(
    "the end of a worker that was asked to stop is no death",
    arguments: [
      (ExitStatus.exited(code: 0), "stopped (exit status 0)"),
      (.exited(code: 143), "stopped (exit status 143)"),
      (.killed(signal: SIGTERM, coreDumped: false), "stopped by SIGTERM, as asked"),
      (.killed(signal: SIGKILL, coreDumped: false), "stopped by SIGKILL"),
      (.killed(signal: SIGSEGV, coreDumped: true), "died of SIGSEGV (core dumped) while it was being stopped"),
    ])
  func whenStopped(status: ExitStatus, expected: String) {
    #expect(status.whenStopped == expected)
  }
}
