import Glibc
import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

/// Workers that run as somebody else.
@Suite(.enabled(if: isRoot, "only root can become somebody else")) struct UserTests {
  private let nobody: UserIdentity

  init() throws { nobody = try UserIdentity.lookup("nobody") }

  @Test("every trace of our own identity is gone: ids, groups, capabilities, environment")
  func identity() throws {
    let surroundings = WorkerSurroundings.with { $0.user = nobody }
    let uid = nobody.credentials.uid
    let gid = nobody.credentials.gid
    let lines = try answer("grep -E '^(Uid|Gid|Groups|Cap(Prm|Eff|Amb)):' /proc/self/status", surroundings)
      .split(separator: "\n").map { $0.split { $0 == "\t" || $0 == " " } }
    let four = { (id: UInt32) in [Substring](repeating: "\(id)", count: 4) }
    #expect(lines.first?.dropFirst() == four(uid)[...])
    #expect(lines.dropFirst().first?.dropFirst() == four(gid)[...])
    #expect(lines.dropFirst(2).first?.dropFirst().map(String.init) == nobody.credentials.groups.map { "\($0)" })
    #expect(lines.dropFirst(3).map { $0.last } == [Substring](repeating: "0000000000000000", count: 3)[...].map { $0 })
    let variables = try answer("echo $HOME $USER $LOGNAME $SHELL", surroundings)
    #expect(variables == "\(nobody.home) nobody nobody \(nobody.shell)\n")
  }

  @Test("what is given of HOME and the like stays as given")
  func givenHome() throws {
    let surroundings = WorkerSurroundings.with {
      $0.user = nobody
      $0.environment = [EnvironmentVariable("HOME", "/data")]
    }
    #expect(try answer("echo $HOME $USER", surroundings) == "/data nobody\n")
  }

  @Test("the group that was named is the first, and those of the user follow")
  func groups() throws {
    let user = try UserIdentity.lookup("nobody:daemon")
    let daemon = try #require(getgrnam("daemon")).pointee.gr_gid
    #expect(try answer("id -g", .with { $0.user = user }) == "\(daemon)\n")
    #expect(user.credentials.groups.contains(daemon))
  }

  @Test("root's rights are used before they are given up: a higher priority")
  func priority() throws {
    let ours = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
    let surroundings = WorkerSurroundings.with {
      $0.user = nobody
      $0.niceness = -3
    }
    #expect(try answer("nice", surroundings) == "\(max(-20, ours - 3))\n")
  }

  @Test("root's rights are used before they are given up: higher limits", .enabled(if: mayRaiseLimits))
  func limits() throws {
    let surroundings = WorkerSurroundings.with {
      $0.user = nobody
      $0.limits = [ResourceLimit(.memlock, soft: 1 << 40, hard: 1 << 41)]
    }
    let words = try answer("grep 'locked memory' /proc/self/limits", surroundings).split(separator: " ")
    #expect(words.contains("\(1 << 40)") && words.contains("\(1 << 41)"))
  }

  @Test("the directory is entered as that user, and the error names them")
  func closedDirectory() throws {
    try withFile("#!/bin/sh\n", mode: 0o755) { path in
      let folder = String(path.dropLast("/worker".count))
      let closed = try failure(
        "/bin/true", [],
        .with {
          $0.user = nobody
          $0.directory = Array(folder.utf8)
        })
      #expect(
        closed.description == "cannot start /bin/true: change to directory \(folder): Permission denied (EACCES)")
      #expect(closed.hint == "user nobody may not enter it, or a directory above it")
      let hidden = try failure(path, [], .with { $0.user = nobody })
      #expect(hidden.hint == "user nobody may not execute it, or not enter a directory above it")
      #expect(hidden.isPermanent)
    }
  }

  @Test("a program that cannot even be seen by that user is not said to need chmod")
  func closedPath() async {
    await #expect(processExitsWith: .success) {
      try withFile("#!/bin/sh\n", mode: 0o755) { path in
        setenv("PATH", String(path.dropLast("/worker".count)), 1)
        let missing = try failure("no-such-worker", [], .with { $0.user = try? UserIdentity.lookup("nobody") })
        #expect(missing.cause.code == EACCES)
        #expect(missing.hint == "no-such-worker is not in PATH, as far as user nobody may enter its directories")
      }
    }
  }

  @Test("a user is found by name or number, with or without a group")
  func lookup() throws {
    let root = try UserIdentity.lookup("root")
    #expect(root.credentials.uid == 0 && root.credentials.gid == 0 && root.credentials.groups.contains(0))
    #expect(try UserIdentity.lookup("0").name == "root")
    #expect(try UserIdentity.lookup("root:7").credentials.gid == 7)
    #expect(root.description == "user root (uid 0)")
  }
}

/// CAP_SYS_RESOURCE, which root may lack in a container.
private let mayRaiseLimits = UInt64(status(of: getpid(), "CapEff") ?? "", radix: 16).map { $0 & 1 << 24 != 0 } ?? false

/// Looking somebody up needs no rights.
@Suite struct UserLookupTests {
  @Test("a number that is nobody's needs a group")
  func unknownNumber() throws {
    let user = try UserIdentity.lookup("3123456789:3123456788")
    #expect(user.credentials == Credentials(uid: 3_123_456_789, gid: 3_123_456_788, groups: [3_123_456_788]))
    #expect([user.name, user.home, user.shell] == ["3123456789", "/", "/bin/sh"])
    let error = #expect(throws: UserLookupError.self) { try UserIdentity.lookup("3123456789") }
    #expect(error?.description == "no user has the number 3123456789, so its group must be given: 3123456789:GROUP")
  }

  @Test(
    "what is not there is said",
    arguments: [
      ("no-such-user", "there is no user 'no-such-user'"), ("", "the name of the user is empty"),
      (":root", "the name of the user is empty"), ("root:no-such-group", "there is no group 'no-such-group'"),
      ("root:", "the name of the group is empty"), ("-1", "there is no user '-1'"),
      // To the kernel it means: leave as it is, which for us is root.
      ("4294967295", "there is no user '4294967295'"), ("4294967296", "there is no user '4294967296'"),
    ])
  func unknown(text: String, words: String) {
    let error = #expect(throws: UserLookupError.self) { try UserIdentity.lookup(text) }
    #expect(error?.description == words)
  }
}
