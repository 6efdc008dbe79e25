import Glibc
import TestSupport
import Testing

/// The files that prefork itself writes: what a full disk, a kill, a limit or a mistake does to them.
@Suite struct OwnFileTests {
  private func withFolder(_ body: (_ folder: String) throws -> Void) throws {
    let folder = String(try shell("mktemp -d").lines[0])
    defer { _ = try? shell("rm -rf \(folder)") }
    try body(folder)
  }

  private func hasOpened(_ path: String, by pid: pid_t) -> Bool {
    TestSupport.names(in: "/proc/\(pid)/fd").contains { name in
      var target = [CChar](repeating: 0, count: 4096)
      let count = readlink("/proc/\(pid)/fd/\(name)", &target, target.count)
      return String(decoding: target.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self) == path
    }
  }

  private func names(_ folder: String) throws -> [Substring] { try shell("ls -A \(folder)").lines }

  // MARK: Torn lines

  @Test("a result that a kill has torn is ended before the results of a resumed run, and its job runs again")
  func tornResult() throws {
    try withFolder { folder throws in
      let run = "prefork run -w 1 --joblog \(folder)/log --resume -- cat >>\(folder)/out"
      _ = try shell("seq 2 | \(run); printf 3 >>\(folder)/out; printf '3\\t:\\t17' >>\(folder)/log")
      let result = try shell("seq 4 | \(run)")
      #expect(result.status == 0)
      #expect(result.errors.contains("stdout ends in the middle of a result (1 byte without end)"), "\(result.errors)")
      #expect(result.errors.contains("ended in the middle of a line: 6 bytes were cut off"), "\(result.errors)")
      #expect(try contents(of: "\(folder)/out") == "1\n2\n3\n3\n4\n")
      #expect(try shell("cut -f 9,12 \(folder)/log").lines.dropFirst() == ["1\tok", "2\tok", "3\tok", "4\tok"])
      let again = try shell("seq 4 | \(run)")
      #expect(!again.errors.contains("in the middle"), "\(again.errors)")
      #expect(try contents(of: "\(folder)/out") == "1\n2\n3\n3\n4\n")
    }
  }

  @Test("so it is with NUL and with records, and with these also without --resume; plain output may go on in a line")
  func tornInOtherFormats() throws {
    try withFolder { folder throws in
      _ = try shell(
        "cd \(folder); printf 'a\\0b' >nul; printf '{\"seq\":1' >records; printf 'total: ' >plain")
      let nul = "prefork run -w 1 --output nul --joblog \(folder)/log --resume -- cat >>\(folder)/nul"
      #expect(try shell(nul, input: "c\n").status == 0)
      #expect(try contents(of: "\(folder)/nul") == "a\0b\0c\0")
      #expect(try shell("prefork run -w 1 --output records -- cat >>\(folder)/records", input: "c\n").status == 0)
      #expect(try contents(of: "\(folder)/records").hasPrefix("{\"seq\":1\n{\"seq\":1,\"outcome\":\"ok\""))
      #expect(try shell("prefork run -w 1 -- cat >>\(folder)/plain", input: "3\n").status == 0)
      #expect(try contents(of: "\(folder)/plain") == "total: 3\n")
    }
  }

  @Test("a full disk tears a result; the resumed run has each result whole once more, and nothing is glued")
  func fullDisk() throws {
    try withFolder { folder throws in
      let worker = "while read l; do printf '%0300d\\n' $l; done"
      let run = "prefork run -q -w 2 --joblog \(folder)/log --resume -- sh -c \(shellWord(worker)) >>\(folder)/out"
      // As much as a disk that is full then holds; a file's limit tears as well.
      let first = try shell("ulimit -f 8; seq 100 | \(run)")
      #expect(first.status == 74 && first.errors.contains("cannot write stdout"), "\(first.errors)")
      #expect(try shell("seq 100 | \(run)").status == 0)
      let lines = try contents(of: "\(folder)/out").split(separator: "\n")
      #expect(Set(lines.filter { $0.utf8.count == 300 }.compactMap { Int($0) }) == Set(1...100))
      #expect(lines.count { $0.utf8.count != 300 } <= 1, "the torn one alone")
      #expect(try shell("cut -f 12 \(folder)/log | grep -c ok").lines == ["100"])
    }
  }

  @Test("dead letters and the workers' log begin on a fresh line, and the size of what was torn is reported")
  func tornFiles() throws {
    try withFolder { folder throws in
      _ = try shell("printf '{\"job\":\"old\"}\\n{\"job\":\"torn' >\(folder)/dead; printf 'torn log' >\(folder)/log")
      let run = "prefork run -w 1 --dead-letter \(folder)/dead --stderr \(folder)/log"
      let result = try shell("echo bad | \(run) -- sh -c 'read l; echo no >&2; exit 1'")
      let message = "/dead ends in the middle of a line (12 bytes without end)"
      #expect(result.errors.contains(message), "\(result.errors)")
      #expect(try contents(of: "\(folder)/log") == "torn log\nworker 0: no\n")
      let again = try shell("prefork run -w 1 --input records -- cat <\(folder)/dead")
      #expect(again.status == 65 && again.output.split(separator: "\n") == ["old", "bad"], "\(again)")
    }
  }

  // MARK: Limits and locks

  @Test(
    "a file that reaches its limit is an error like a full disk, named with its path and the limit",
    arguments: [
      ("-- cat >$DIR/o", "stdout"), ("--joblog $DIR/jl -- cat >/dev/null", "the joblog"),
      ("--trace $DIR/tr -- cat >/dev/null", "the trace"), ("--report $DIR/re -- cat >/dev/null", "the report"),
      ("--dead-letter $DIR/de -- sh -c 'read l; exit 1' >/dev/null", "the dead letters"),
      ("--stderr $DIR/er -- sh -c 'while read l; do echo $l >&2; echo $l; done' >/dev/null", "the workers' stderr"),
    ])
  func fileLimit(line: String, name: String) throws {
    try withFolder { folder throws in
      let result = try shell("DIR=\(folder); ulimit -f 4; seq 3000 | prefork run -q -w 1 \(line)")
      #expect(result.status == 74, "\(result.errors)")
      #expect(result.errors.contains("cannot write \(name)"), "\(result.errors)")
      #expect(result.errors.contains("File too large (EFBIG): no file may be over 2048 bytes here (ulimit -f)"))
    }
  }

  @Test("clients of a server are not harmed by a log that has reached its limit")
  func fileLimitOfAServer() throws {
    let worker = "sh -c 'while read l; do echo 0123456789 $l >&2; echo $l; done'"
    let server = try Server("-w 1 --stderr $DIR/log", worker: worker, prelude: "ulimit -f 1")
    let client = try server.connect()
    for number in 0..<200 {
      client.send("\(number)\n")
      #expect(client.next() == "\(number)")
    }
    #expect(try shell("stat -c %s \(server.folder)/log").lines == ["512"])
    let result = server.stop()
    #expect(result.status == 0)
    #expect(result.errors.contains("cannot write the workers' stderr to its file"), "\(result.errors)")
  }

  @Test("a run that is killed leaves nothing that keeps the next one out, however soon it comes")
  func restartAtOnce() throws {
    try withFolder { folder throws in
      let loop = """
        for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
          yes | prefork run -q -w 4 -r 9 --joblog \(folder)/log --resume -- sh -c 'read l; exit 1' >/dev/null 2>&1 &
          sleep 0.0$((i % 4 + 2))
          kill -9 $!
          echo x$i | prefork run -q -w 1 --joblog \(folder)/log --resume -- cat
        done
        """
      let result = try shell(loop, sweeping: true)
      #expect(result.lines == (1...12).map { "x\($0)" }, "\(result.errors)")
    }
  }

  @Test("the holder of a joblog is named; one that ends within a second is waited for")
  func waitsForTheHolder() throws {
    try withFolder { folder throws in
      let first = try Session("exec prefork run -w 1 --joblog \(folder)/log -- cat")
      first.send("a\n")
      #expect(first.nextLine() == "a")
      let refused = try shell("echo b | prefork run --joblog \(folder)/log --resume -- cat")
      #expect(refused.status == 73)
      #expect(refused.errors.contains("written by another run (pid \(first.pid))"), "\(refused.errors)")
      let second = try Session("exec prefork run -w 1 --joblog \(folder)/log --resume -- cat")
      second.send("b\n")
      // It has opened the file, and waits for the lock, which goes with the process.
      second.wait(for: "the second one to wait") { hasOpened("\(folder)/log", by: second.pid) }
      first.signal(SIGKILL)
      #expect(first.finish().status == 128 + SIGKILL)
      #expect(second.nextLine() == "b")
      #expect(second.finish().status == 0)
    }
  }

  // MARK: Rotation

  @Test("HUP opens the file of --stderr again: logs can be rotated, of run and of serve")
  func rotation() throws {
    let worker = "sh -c 'while read l; do echo log $l >&2; echo $l; done'"
    try withFolder { folder throws in
      let session = try Session("cd \(folder); exec prefork run -v -w 1 --stderr log -- \(worker)")
      session.send("a\n")
      #expect(session.nextLine() == "a")
      session.wait(for: "the first log") { (try? contents(of: "\(folder)/log")) == "worker 0: log a\n" }
      rename("\(folder)/log", "\(folder)/log.1")
      session.signal(SIGHUP)
      session.waitForError("goes on in a file opened anew (--stderr log)")
      session.send("b\n")
      #expect(session.nextLine() == "b")
      #expect(session.finish().status == 0)
      #expect(try contents(of: "\(folder)/log.1") == "worker 0: log a\n")
      #expect(try contents(of: "\(folder)/log").hasSuffix(": log b\n"))
    }
    let server = try Server("-v -w 1 --stderr $DIR/log", worker: worker)
    let client = try server.connect()
    client.send("a\n")
    #expect(client.next() == "a")
    server.wait(for: "the first log") { server.lines(of: "log").count == 1 }
    rename("\(server.folder)/log", "\(server.folder)/log.1")
    server.session.signal(SIGHUP)
    server.session.waitForError("opened anew")
    client.send("b\n")
    #expect(client.next() == "b")
    server.wait(for: "the second log") { server.lines(of: "log").count == 1 }
    #expect(server.lines(of: "log.1") == ["worker 0: log a"])
    #expect(server.lines(of: "log")[0].hasSuffix(": log b"))
    server.stop()
  }

  // MARK: Reports, and one file for two purposes

  @Test("a report that fails, or a run that never begins, leaves no trace and harms no older one")
  func reports() throws {
    try withFolder { folder throws in
      _ = try shell("echo old >\(folder)/page; echo old >\(folder)/trace")
      let refused = try shell(
        "echo a | prefork run --report \(folder)/page --trace \(folder)/trace --dead-letter \(folder)/no/dead -- cat")
      #expect(refused.status == 73)
      let failed = try shell("ulimit -f 1; seq 99 | prefork run -q --report \(folder)/page -- cat >/dev/null")
      #expect(failed.status == 74)
      #expect(try shell("ulimit -f 1; seq 99 | prefork run -q --report \(folder)/new -- cat >/dev/null").status == 74)
      #expect(try names(folder) == ["page", "trace"])
      #expect(try contents(of: "\(folder)/page") == "old\n" && contents(of: "\(folder)/trace") == "old\n")
      let killed = "timeout -s KILL 0.3 prefork run --report \(folder)/page -- sh -c 'sleep 9'"
      _ = try shell("echo a | \(killed)", sweeping: true)
      #expect(try names(folder) == ["page", "trace"])
      #expect(try shell("echo a | prefork run --report \(folder)/page -- cat").status == 0)
      #expect(try contents(of: "\(folder)/page").hasPrefix("<!DOCTYPE html>"))
      #expect(try names(folder) == ["page", "trace"])
    }
  }

  @Test(
    "one file for two purposes is refused before anything is started, by whatever names it goes",
    arguments: [
      ("--joblog a --dead-letter a", "--joblog a and --dead-letter a"),
      ("--joblog a --trace ./a", "--joblog a and --trace ./a"),
      ("--dead-letter old --stderr soft", "--dead-letter old and --stderr soft"),
      ("--trace hard --report old", "--trace hard and --report old"),
      ("--joblog new --trace later", "--joblog new and --trace later"),
      ("--joblog old >>old", "stdout and --joblog old"), ("--dead-letter old <old", "stdin and --dead-letter old"),
      ("<old >>old", "stdin and stdout"), ("--joblog $PWD/old 2>>old", ""),
    ])
  func oneFileForTwo(options: String, message: String) throws {
    try withFolder { folder throws in
      let parts = options.split(separator: " ")
      let redirections = parts.filter { $0.contains("<") || $0.contains(">") }.joined(separator: " ")
      let rest = parts.filter { !$0.contains("<") && !$0.contains(">") }.joined(separator: " ")
      let before = "cd \(folder); touch old; ln old hard; ln -s old soft; ln -s new later"
      let result = try shell("\(before); echo a | prefork run \(rest) -- cat \(redirections)")
      #expect(result.status == 64 && result.output == "", "\(result)")
      // Of the last, the message itself goes to the file.
      if !message.isEmpty { #expect(result.errors.contains("\(message) are the same file"), "\(result.errors)") }
      #expect(try names(folder) == ["hard", "later", "old", "soft"])
    }
  }

  @Test("what may be shared is shared: devices, pipes, our stderr with the workers' or with results")
  func sharedOnPurpose() throws {
    try withFolder { folder throws in
      for line in [
        "--joblog /dev/null --dead-letter /dev/null -- cat", "--stderr \(folder)/log -- cat 2>>\(folder)/log",
        "-- cat >\(folder)/all 2>&1",
      ] { #expect(try shell("echo a | prefork run \(line)").status == 0, "\(line)") }
    }
  }

  // MARK: Memory

  @Test("when memory is used up, one line says so, and the status is 71; no trace of our stack")
  func outOfMemory() throws {
    let run = "head -c 300000000 /dev/zero | tr '\\0' a | prefork run -w 1 --max-job-size 1G -- cat"
    let result = try shell("ulimit -v 300000; \(run)", sweeping: true)
    #expect(result.status == 71 && result.output == "")
    #expect(result.errors.split(separator: "\n").count { $0.contains("out of memory") } == 1, "\(result.errors)")
    #expect(!result.errors.contains("Fatal error") && !result.errors.contains("Backtrac"), "\(result.errors)")
  }
}
