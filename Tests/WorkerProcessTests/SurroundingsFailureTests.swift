import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

/// Whatever cannot be had is an error at once, which says what was tried and what to do.
@Suite struct SurroundingsFailureTests {
  @Test(
    "a directory that cannot be entered",
    arguments: [
      ("/no/such", "No such file or directory (ENOENT)", "there is no such directory"),
      (
        "no/such", "No such file or directory (ENOENT)",
        "there is no such directory below the one that prefork was started in"
      ),
      ("/dev/null", "Not a directory (ENOTDIR)", "it is not a directory"),
    ])
  func directory(path: String, reason: String, hint: String) throws {
    let error = try failure("/bin/true", [], .with { $0.directory = Array(path.utf8) })
    #expect(error.description == "cannot start /bin/true: change to directory \(path): \(reason)")
    #expect(error.hint == hint)
    #expect(error.isPermanent)
  }

  @Test("a relative program that is not where the worker starts")
  func relativeProgram() throws {
    let error = try failure("./worker", [], .with { $0.directory = Array("/usr".utf8) })
    #expect(error.description == "cannot start ./worker: No such file or directory (ENOENT)")
    #expect(error.hint == "there is no such file; a relative path counts from /usr, where the worker starts")
  }

  @Test("one that is there, but cannot be run, is found there by the hint, too")
  func relativeProgramWithoutRights() throws {
    try withFile("#!/bin/sh\n", mode: 0o644) { path in
      let folder = String(path.dropLast("/worker".count))
      let error = try failure("./worker", [], .with { $0.directory = Array(folder.utf8) })
      #expect(error.hint == "is it executable? try: chmod +x \(folder)/./worker")
    }
  }

  @Test("what only root may do: more than the hard limit, a higher priority, a closed directory, another user")
  func withoutRights() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let hard = rlimit(rlim_cur: 200, rlim_max: 200)
      try withUnsafePointer(to: hard) { try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), $0) == 0) }
      try becomeNobody()

      let limits = [ResourceLimit(.nofile, soft: 10, hard: 200), ResourceLimit(.nofile, soft: 10, hard: 201)]
      let limited = try failure("/bin/true", [], .with { $0.limits = limits })
      #expect(limited.description == "cannot start /bin/true: set RLIMIT_NOFILE: Operation not permitted (EPERM)")
      #expect(limited.hint?.hasPrefix("limits can be raised up to prefork's own hard limits") == true)
      #expect(limited.isPermanent)

      let hurried = try failure("/bin/true", [], .with { $0.niceness = -1 })
      #expect(hurried.description == "cannot start /bin/true: set niceness: Permission denied (EACCES)")
      #expect(hurried.hint == "only root can give workers a higher priority, that is a lower niceness")
      #expect(hurried.isPermanent)

      // Only its owner may enter the root directory of another process.
      #expect(try failure("/proc/1/root/worker").hint == "you may not enter a directory above it")

      let root = try UserIdentity.lookup("root")
      let other = try failure("/bin/true", [], .with { $0.user = root })
      #expect(
        other.description == "cannot start /bin/true: become user root (uid 0): Operation not permitted (EPERM)")
      #expect(other.hint == "only root can run workers as another user")
      #expect(other.isPermanent)

      let ourselves = try UserIdentity.lookup("\(geteuid()):\(getegid())")
      #expect(try answer("id -u", .with { $0.user = ourselves }) == "\(geteuid())\n", "no other user, no right needed")
    }
  }

  @Test("a soft limit over the hard one is refused by the system, if not by the parser")
  func softOverHard() throws {
    let error = try failure("/bin/true", [], .with { $0.limits = [ResourceLimit(.nofile, soft: 5, hard: 4)] })
    #expect(error.description == "cannot start /bin/true: set RLIMIT_NOFILE: Invalid argument (EINVAL)")
    #expect(error.isPermanent)
  }

  @Test("a cgroup.procs that is none")
  func noCgroup() throws {
    let file = try FileDescriptor.open("/dev/null", flags: O_RDONLY)
    let error = try failure("/bin/true", cgroupProcs: file.rawValue)
    #expect(error.description == "cannot start /bin/true: enter its cgroup: Bad file descriptor (EBADF)")
  }

  @Test("two hundred failures of every kind leave no descriptor and no zombie")
  func nothingLeft() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let before = channels()
      let file = try FileDescriptor.open("/dev/null", flags: O_RDONLY)
      let identity = try UserIdentity.lookup("nobody")
      for round in 0..<40 {
        let mask = round % 2 == 0 ? identity : nil
        #expect(try failure("/no/such", [], .with { $0.user = mask }).isPermanent)
        #expect(try failure("/bin/true", [], .with { $0.directory = Array("/no/such".utf8) }).isPermanent)
        #expect(try failure("/bin/true", cgroupProcs: file.rawValue).cause.code == EBADF)
        let limit = ResourceLimit(.nofile, soft: 5, hard: 4)
        #expect(try failure("/bin/true", [], .with { $0.limits = [limit] }).isPermanent)
        #expect(try failure("no-such-program").cause.code == ENOENT)
      }
      #expect(channels() == before)
      #expect(hasNoChild())
    }
  }
}
