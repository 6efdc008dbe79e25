import Glibc
import Testing

/// `prefork serve --check-config`: everything that can be known to be wrong without starting anything.
@Suite struct ServeCheckTests {
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

  @Test("a pool without a socket is refused before anything is started, and told how to get one")
  func noSocket() throws {
    let line = try shell("prefork serve -- cat")
    #expect(line.status == 64)
    #expect(line.errors.contains("no --listen was given, and no socket was passed by systemd\nhint: --listen "))
    let text = "pools:\n  a: {command: cat, listen: 'tcp:127.0.0.1:0'}\n  b: {command: cat}"
    let file = try withFile(text) { try shell("prefork serve --config \($0)") }
    #expect(file.status == 78 && file.errors.contains("the pool b listens nowhere"), "\(file.errors)")
  }
}
