import Glibc
import TestSupport
import Testing
import Time

@testable import LinuxIO
@testable import WorkerProcess

/// What cannot be started fails at once, and the message says what to do.
@Suite struct BadProgramTests {
  @Test("a path where nothing is")
  func missing() throws {
    let error = try failure("./no/such/worker")
    #expect(error.description == "cannot start ./no/such/worker: No such file or directory (ENOENT)")
    #expect(error.hint?.contains("there is no such file") == true)
    #expect(error.isPermanent)
  }

  @Test("a name that is not in PATH")
  func notInPath() throws {
    let error = try failure("no-such-worker")
    #expect(error.cause.code == ENOENT)
    #expect(error.hint == "no-such-worker is not in PATH; give a path like ./no-such-worker to run a file here")
  }

  @Test("no name at all")
  func empty() throws {
    let error = try failure("")
    #expect(error.cause.code == ENOENT)
    #expect(error.hint == "the name of the worker is empty; is a variable unset?")
  }

  @Test("a file that is not executable")
  func notExecutable() throws {
    try withFile("#!/bin/sh\n", mode: 0o644) { path in
      let error = try failure(path)
      #expect(error.cause.code == EACCES)
      #expect(error.hint == "is it executable? try: chmod +x \(path)")
      #expect(error.isPermanent)
    }
  }

  @Test("a directory")
  func directory() throws {
    let error = try failure("/tmp")
    #expect(error.cause.code == EACCES)
    #expect(error.hint == "/tmp is a directory, not a program")
  }

  @Test("a script without a #! line, or an empty file", arguments: ["echo hello\n", "", "\u{7F}ELF"])
  func noInterpreter(text: String) throws {
    try withFile(text, mode: 0o755) { path in
      let error = try failure(path)
      #expect(error.cause.code == ENOEXEC)
      #expect(error.hint == "it is neither a binary for this machine nor a script with a #! line")
      #expect(error.isPermanent)
    }
  }

  @Test("an interpreter that is not there, perhaps because of a DOS line end", arguments: ["/no/such", "/bin/sh\r"])
  func missingInterpreter(interpreter: String) throws {
    try withFile("#!\(interpreter)\necho\n", mode: 0o755) { path in
      let error = try failure(path)
      #expect(error.cause.code == ENOENT)
      #expect(error.hint == "the file exists, but the interpreter that its #! line names does not")
    }
  }

  @Test("what stands in PATH, but cannot be run, is not said to be missing")
  func inPath() async {
    await #expect(processExitsWith: .success) {
      try withFile("#!/no/such\n", mode: 0o755) { path in
        setenv("PATH", "/nowhere:\(path.dropLast("/worker".count))", 1)
        let uninterpreted = try failure("worker")
        #expect(uninterpreted.hint == "the file exists, but the interpreter that its #! line names does not")
        chmod(path, 0o644)
        let unexecutable = try failure("worker")
        #expect(unexecutable.hint == "is it executable? try: chmod +x \(path)")
      }
    }
  }

  @Test("a file in the place of a folder")
  func notAFolder() throws {
    let error = try failure("/dev/null/worker")
    #expect(error.cause.code == ENOTDIR)
    #expect(error.isPermanent)
  }

  @Test("arguments that are too long for the system")
  func tooLong() throws {
    let error = try failure("/bin/true", [String(repeating: "x", count: 200_000)])
    #expect(error.cause.code == E2BIG)
    #expect(error.isPermanent)
  }

  @Test("no process or no descriptor is left: trying again can help", arguments: [EAGAIN, ENOMEM])
  func noRoom(code: CInt) throws {
    try FaultPlan.$current.withValue(FaultPlan(.spawn, [code])) {
      let error = try failure("/bin/true")
      #expect(error.cause.code == code)
      #expect(error.hint?.contains("fewer --workers") == true)
      #expect(!error.isPermanent)
    }
    for good in 0..<3 {
      try FaultPlan.$current.withValue(FaultPlan(.pipe, [CInt](repeating: 0, count: good) + [EMFILE])) {
        let error = try failure("/bin/true")
        #expect(error.description == "cannot start /bin/true: Too many open files (EMFILE)")
        #expect(error.hint?.contains("ulimit -n") == true)
        #expect(!error.isPermanent)
      }
    }
  }

  @Test("a child that was started, but cannot be watched, is not left behind")
  func unwatchable() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      FaultPlan.$current.withValue(FaultPlan(.pidfd, [EMFILE])) {
        do throws(SpawnError) {
          let process = try WorkerProcess.spawn(WorkerCommand(["sleep", "100"]), environment: [])
          Issue.record("started as \(process.pid)")
        } catch {
          #expect(error.cause.code == EMFILE)
        }
      }
      #expect(hasNoChild())
    }
  }
}
