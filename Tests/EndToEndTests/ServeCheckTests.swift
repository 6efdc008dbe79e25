import Glibc
import Testing

/// `prefork serve --check-config`: everything that can be known to be wrong without starting anything.
@Suite struct ServeCheckTests {
  /// With it a socket's path is legal, and that of its control socket is not.
  private static let long = String(repeating: "x", count: 98)

  private func check(_ text: String, _ options: String = "") throws -> (result: ShellResult, path: String) {
    try withFile(text) { (try shell("prefork serve --check-config --config \($0) \(options)"), $0) }
  }

  @Test("a good file is said to be so on stderr, unless it is to be quiet; stdout stays empty")
  func good() throws {
    let text = """
      pools:
        a: {listen: unix:./a, command: cat}
        b: {listen: tcp:127.0.0.1:0, command: [sh, -c, cat]}
      """
    let (result, path) = try check(text)
    #expect(result == ShellResult(output: "", status: 0, errors: "prefork: \(path) is ok: 2 pools\n"))
    #expect(try check(text, "-q").result == ShellResult(output: "", status: 0, errors: ""))
    #expect(access("a", F_OK) != 0)
  }

  @Test(
    "each mistake is told with file, line and column, all at once",
    arguments: [
      ("command: cat\nwrokers: 2", "2:1: unknown key \"wrokers\"; did you mean \"workers\"?"),
      ("command: cat\nworkers: none", "2:10: "), ("command: [./nosuch, x]", "1:1: cannot start ./nosuch: No such file"),
      ("command: /etc/passwd", "1:1: cannot start /etc/passwd: Permission denied"),
      ("command: no-such-program-anywhere", "is not in PATH"),
      (
        "command: cat\nlisten: unix:/nosuch/x", "2:9: cannot listen on unix:/nosuch/x: the folder /nosuch: No such file"
      ),
      ("command: cat\nlisten: unix:/etc/passwd/x", "2:9: cannot listen on unix:/etc/passwd/x: "),
      (
        "command: cat\nlisten: unix:/tmp/\(Self.long)",
        "2:9: the path of the control socket, unix:/tmp/\(Self.long).control, is too long"
      ), ("command: cat\nlisten: unix:/tmp/\(Self.long)", "give it another path with --control unix:/PATH"),
      ("command: cat\nlisten: [unix:./x, unix:./x.control]", "2:20: unix:./x.control is the control socket, too"),
      ("command: cat\nlisten: unix:./Makefile", "2:9: cannot listen on unix:./Makefile: what stands there is no"),
      ("command: cat\nlisten: tcp:0.0.0.0:7000", "2:9: will not listen on tcp:0.0.0.0:7000: other machines"),
      ("command: cat\nlisten: tcp:nosuch.invalid:7000", "2:9: cannot resolve tcp:nosuch.invalid:7000: "),
      ("command: cat\nlisten: tcp:127.0.0.1:70000", "2:9: "), ("command: cat\nuser: nosuch-user", "2:7: "),
      ("command: cat\nlisten: unix:./x\nstderr: /nosuch/log", "3:9: cannot write /nosuch/log: the folder /nosuch: "),
      (
        "command: cat\nlisten: unix:./x\nmetrics-listen: unix:/nosuch/m",
        "3:17: cannot listen on unix:/nosuch/m: the folder"
      ),
      (
        "pools:\n  a: {listen: 'tcp:localhost:7001', command: cat}\n  b: {listen: 'tcp:127.0.0.1:7001', command: cat}",
        "3:15: tcp:127.0.0.1:7001 for the pool b is the same as tcp:localhost:7001 for the pool a"
      ),
      (
        "pools:\n  a: {listen: unix:./x, command: cat}\n  b: {listen: unix:./Sources/../x, command: cat}",
        "3:15: unix:./Sources/../x for the pool b is the same as unix:./x for the pool a"
      ), ("command: cat\nlisten: [unix:./x, unix:./x.lock]", "unix:./x.lock is the lock file of unix:./x"),
      ("command: cat\nlisten: upd:1", "2:9: "), ("command: cat\nchdir: /nosuch", "change to directory /nosuch"),
      (
        "pools:\n  a: {listen: 'tcp:127.0.0.1:1', command: cat}\n  b: {listen: 'tcp:127.0.0.1:1', command: cat}",
        "3:15: tcp:127.0.0.1:1 is given for the pool a and the pool b"
      ),
      (
        "control: unix:./x\npools:\n  a: {listen: unix:./x, command: cat}",
        "3:15: unix:./x is given for --control and the pool a"
      ),
      ("pools:\n  a: {command: cat, wrkers: 1}\n  b: {command: cat, timeot: 1s}", "3:21: unknown key \"timeot\""),
    ])
  func mistakes(text: String, words: String) throws {
    let (result, path) = try check(text)
    #expect(result.status == 78 && result.output == "")
    #expect(result.errors.contains(words), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("prefork: \(path):") })
  }

  @Test("a file that cannot be read is another trouble than one that is wrong")
  func unreadable() throws {
    let result = try shell("prefork serve --check-config --config /nosuch/pools.yaml")
    #expect(result.status == 66 && result.errors.hasPrefix("prefork: /nosuch/pools.yaml: No such file"))
  }

  @Test("a command line is checked, too; its mistakes are wrong usage")
  func commandLine() throws {
    let good = try shell("prefork serve --check-config --listen tcp:127.0.0.1:0 -- cat")
    #expect(good == ShellResult(output: "", status: 0, errors: "prefork: the command line is ok: 1 pool\n"))
    let twice = try shell("prefork serve --check-config --listen tcp:127.0.0.1:1 --listen tcp:127.0.0.1:1 -- cat")
    #expect(twice.status == 64 && twice.errors.contains("tcp:127.0.0.1:1 is given twice"), "\(twice.errors)")
    let nothing = try shell("prefork serve --check-config --listen unix:./x -- ./nosuch")
    #expect(nothing.status == 64 && nothing.errors.contains("cannot start ./nosuch"), "\(nothing.errors)")
  }

  @Test("a path that leaves no room for the control socket is refused at the start, too; --control makes it right")
  func longPath() throws {
    let listen = "--listen unix:/tmp/\(Self.long)"
    for check in ["", "--check-config"] {
      let result = try shell("prefork serve \(check) \(listen) -- cat")
      #expect(result.status == 64)
      #expect(result.errors.contains("111 bytes, and the system takes at most 107"), "\(result.errors)")
      #expect(result.errors.contains("--control unix:/PATH"))
    }
    #expect(try shell("prefork serve --check-config \(listen) --control unix:/tmp/x -- cat").status == 0)
  }

  @Test("what another user may be able to do is a warning, and the file is ok", .enabled(if: geteuid() == 0))
  func warnings() throws {
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    let folder = "$(mktemp -d -p /tmp)"
    let result = try shell(
      """
      cp "$(command -v prefork)" /tmp/prefork.$$ && chmod 755 /tmp/prefork.$$; d=\(folder); chmod 755 $d
      \(nobody) /tmp/prefork.$$ serve --check-config --listen unix:$d/s --listen tcp:127.0.0.1:1 -- cat; status=$?
      rm -r $d /tmp/prefork.$$; exit $status
      """)
    #expect(result.status == 0)
    #expect(result.errors.contains("prefork: warning: cannot listen on unix:/tmp/"), "\(result.errors)")
    #expect(result.errors.contains("prefork: the command line is ok: 1 pool"))
  }

  @Test("a pool without a socket is refused before anything is started, and told how to get one")
  func noSocket() throws {
    let line = try shell("prefork serve -- cat")
    #expect(line.status == 64)
    #expect(line.errors.contains("there is no socket to take jobs from\nhint: give one with --listen "))
    let text = "pools:\n  a: {command: cat, listen: 'tcp:127.0.0.1:0'}\n  b: {command: cat}"
    let file = try withFile(text) { try shell("prefork serve --config \($0)") }
    #expect(file.status == 78 && file.errors.contains("the pool b has no socket to take jobs from"), "\(file.errors)")
  }
}
