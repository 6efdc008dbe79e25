import Testing

/// stdin, whatever it is and whatever it holds.
@Suite struct InputTests {
  @Test(arguments: [
    ("printf 'a\\nb\\n' | prefork run -w 2 -- cat", "a\nb\n"), ("prefork run -w 2 -- cat </dev/null", ""),
    ("printf 'a\\nb' | prefork run -w 2 -- cat", "a\nb\n"),
    ("printf '\\n\\na\\n\\n' | prefork run -w 1 -- cat", "\n\na\n\n"),
    ("printf '\\n' | prefork run -w 1 -- cat", "\n"), ("printf 'a\\r\\n' | prefork run -w 1 -- cat", "a\r\n"),
    ("printf '' | prefork run -w 1 -- cat", ""), ("head -n 3 Package.swift | prefork run -- cat | wc -l", "3\n"),
    ("prefork run -w 2 -- cat <Makefile | cmp - Makefile && echo same", "same\n"),
  ])
  func jobsComeFromAnywhere(line: String, output: String) throws {
    let result = try shell(line)
    #expect(result.output == output)
    #expect(result.status == 0)
    #expect(result.errors == "")
  }

  @Test func anyByteButTheNewlinePassesUnchanged() throws {
    let result = try shell(
      """
      python3 -c 'import os
      for i in range(50): os.write(1, bytes(b for b in range(256) if b != 10) * 9 + b"\\n")' >all.$$
      prefork run -w 3 -- cat <all.$$ | cmp - all.$$ && echo same; rm all.$$
      """.replacing("all.$$", with: "/tmp/prefork-test-bytes.$$"))
    #expect(result == ShellResult(output: "same\n", status: 0))
  }

  @Test(arguments: [1 << 20, 8 << 20]) func aVeryLongJobPasses(size: Int) throws {
    let job = "head -c \(size) /dev/zero | tr '\\0' x; echo"
    let result = try shell("{ echo a; \(job); \(job); echo b; } | prefork run -w 2 -- cat | tr -d x | tr '\\n' .")
    #expect(result == ShellResult(output: "a...b.", status: 0))
    let count = try shell("{ \(job); } | prefork run -w 2 -- workers/examples/upper.py | tr -d '\\n' | wc -c")
    #expect(count == ShellResult(output: "\(size)\n", status: 0))
  }

  @Test func aClosedStdinMeansNoJobs() throws {
    let result = try shell("prefork run -w 2 -- cat <&-")
    #expect(result == ShellResult(output: "", status: 0, errors: "prefork: stdin is closed: there are no jobs\n"))
  }

  @Test(arguments: ["</tmp", "0>/dev/null"]) func anUnreadableStdinIsStatus66(redirection: String) throws {
    let result = try shell("prefork run -w 2 -- cat \(redirection)")
    #expect(result.status == 66)
    #expect(result.errors.contains("cannot read stdin"), "\(result.errors)")
  }

  @Test func aFileIsReadFromWhereTheShellLeftIt() throws {
    try withFile("first\nsecond\nthird\n") { path in
      let result = try shell("{ read -r line; prefork run -w 2 -- cat; } <\(path)")
      #expect(result == ShellResult(output: "second\nthird\n", status: 0))
    }
  }

  @Test func aSocketIsReadAndWritten() throws {
    let result = try shell(
      """
      python3 -c '
      import socket, subprocess
      ours, theirs = socket.socketpair()
      run = subprocess.Popen(["prefork", "run", "-w", "2", "--", "cat"], stdin=theirs, stdout=theirs)
      theirs.close()
      ours.sendall(b"a\\nb\\n")
      lines = ours.makefile("rb")
      print(lines.readline(), lines.readline())
      ours.sendall(b"c")
      ours.shutdown(socket.SHUT_WR)
      print(lines.read(), run.wait())'
      """)
    #expect(result == ShellResult(output: "b'a\\n' b'b\\n'\nb'c\\n' 0\n", status: 0))
  }

  @Test func aTerminalIsReadLineByLine() throws {
    let result = try shell(
      """
      python3 -c '
      import os, pty, subprocess
      master, slave = pty.openpty()
      run = subprocess.Popen(["prefork", "run", "-w", "2", "--", "cat"], stdin=slave, stdout=subprocess.PIPE)
      os.write(master, b"a\\n")
      print(run.stdout.readline())
      os.write(master, b"b\\n\\x04")
      print(run.stdout.read(), run.wait())'
      """)
    #expect(result == ShellResult(output: "b'a\\n'\nb'b\\n' 0\n", status: 0))
  }

  /// O_NONBLOCK belongs to the open file, which the shell shares: `cat` after us would fail with EAGAIN.
  @Test func noDescriptorOfTheShellIsMadeNonBlocking() throws {
    let result = try shell(
      """
      python3 -c '
      import fcntl, os, pty, socket, subprocess
      def check(name, ends):
          stdin, stdout = ends
          run = subprocess.Popen(["prefork", "run", "-w", "1", "--", "cat"], stdin=stdin, stdout=stdout, stderr=stdout)
          flags = set()
          while run.poll() is None:
              for end in ends: flags.add(fcntl.fcntl(end, fcntl.F_GETFL) & os.O_NONBLOCK)
          for end in ends: flags.add(fcntl.fcntl(end, fcntl.F_GETFL) & os.O_NONBLOCK)
          print(name, run.returncode, flags)
      r, w = os.pipe(); os.write(w, b"a\\n" * 50); os.close(w)
      out_r, out_w = os.pipe()
      check("pipe", (r, out_w))
      a, b = socket.socketpair(); a.sendall(b"a\\n" * 50); a.shutdown(socket.SHUT_WR)
      check("socket", (b.fileno(), b.fileno()))
      master, slave = pty.openpty(); os.write(master, b"a\\n" * 50 + b"\\x04")
      check("terminal", (slave, slave))'
      """)
    #expect(result == ShellResult(output: "pipe 0 {0}\nsocket 0 {0}\nterminal 0 {0}\n", status: 0))
  }

  @Test func aJobOverTheSizeLimitFailsAlone() throws {
    let long = String(repeating: "x", count: 300_000)
    let result = try shell("prefork run -w 2 --max-job-size 5 -- cat", input: "12345\n123456\na\n\(long)\nb")
    #expect(result.output == "12345\n\na\n\nb\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("job 2 is over 5 bytes (--max-job-size)"), "\(result.errors)")
    #expect(result.errors.contains("3 ok, 2 failed"), "\(result.errors)")
  }

  @Test func anEndlessJobFailsWithMemoryFlat() throws {
    let session = try Session(
      "exec prefork run -w 1 --max-job-size 100K -- cat")
    session.send(String(repeating: "x", count: 40_000_000) + "\na\n")
    let most = session.mostMemory(untilOutputHas: "\na\n".utf8.count)
    #expect(session.nextLine() == "")
    #expect(session.nextLine() == "a")
    #expect(most > 0 && most < 8_000_000, "\(most) bytes")
    #expect(session.finish().status == 1)
  }

  @Test func aJobThatTheProtocolCannotCarryFailsAlone() throws {
    let result = try shell(#"printf 'a\0b\nc\0d\0' | prefork run -w 2 --input nul -- cat"#)
    #expect(result.output == "a\n\nd\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("job 2 cannot be sent with --protocol lines"), "\(result.errors)")
    #expect(result.errors.contains("try --protocol length4 or netstring"))
  }

  @Test func aReplyThatTheOutputCannotCarryFailsAlone() throws {
    let result = try shell(
      "printf '%s\\n' 1 '{\"a\":1}' 2 | prefork run -w 2 --protocol netstring -- "
        + "workers/examples/json_pretty_netstring.py")
    #expect(result.output == "1\n\n2\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("the reply to job 2 cannot be written with --output lines"), "\(result.errors)")
    #expect(
      result.errors.contains("hint: for replies of several lines there are --output nul and records; and with run and"),
      "\(result.errors)")
  }

  @Test(arguments: [
    ("lines", "nul", "a\nb\n", "a\u{0}b\u{0}"), ("nul", "lines", "a\u{0}b", "a\nb\n"),
    ("nul", "nul", "a\u{0}\u{0}b", "a\u{0}\u{0}b\u{0}"),
  ])
  func inputAndOutputHaveTheirOwnFormat(input: String, output: String, jobs: String, results: String) throws {
    let result = try shell("prefork run -w 2 --input \(input) --output \(output) -- cat", input: jobs)
    #expect(result == ShellResult(output: results, status: 0))
  }
}
