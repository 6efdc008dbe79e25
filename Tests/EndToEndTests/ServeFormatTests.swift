import Glibc
import Testing

/// `prefork serve`: jobs and answers in every format, over every kind of socket.
@Suite struct ServeFormatTests {
  /// Sleeps as long as the job says, then answers with it.
  static let sleeper = #"sh -c 'while read -r x; do sleep "$x"; echo "$x"; done'"#

  @Test("nc and socat, which close their sending side, get every answer")
  func tools() throws {
    let server = try Server("-w 2", worker: "workers/examples/upper.py")
    for (tool, command) in [
      ("nc", "nc -NU \(server.socket)"), ("socat", "socat -t 60 - UNIX-CONNECT:\(server.socket)"),
    ] {
      guard isInstalled(tool) else {
        Issue.record("\(tool) is not installed: the Makefile's PACKAGES have it")
        continue
      }
      #expect(try shell("echo hello | \(command)") == ShellResult(output: "HELLO\n", status: 0))
      let result = try shell("seq -f 'line %g' 2000 | \(command)")
      #expect(result.lines == (1...2000).map { "LINE \($0)" })
    }
    #expect(server.stop().status == 0)
  }

  @Test("answers stand in the order of their jobs, whichever is done first")
  func order() throws {
    let server = try Server("-w 4", worker: Self.sleeper)
    let client = try server.connect()
    client.send("0.4\n0.01\n0.2\n0\n0.1\n0\n")
    client.endInput()
    #expect(client.rest() == "0.4\n0.01\n0.2\n0\n0.1\n0\n")
    #expect(server.stop().status == 0)
  }

  @Test("jobs ended by NUL hold lines, and are answered in order, too")
  func nul() throws {
    let server = try Server(
      "-w 3 --input nul --output nul --protocol nul", worker: "workers/examples/sort_lines_nul.py")
    let client = try server.connect()
    client.send("b\na\0\0z\ny\n\0last")
    client.endInput()
    let answers = client.rest().split(separator: "\0", omittingEmptySubsequences: false)
    #expect(answers.count == 5 && answers.last == "", "\(answers)")
    #expect(answers.first?.split(separator: "\n") == ["a", "b"])
    #expect(answers.dropFirst(3).first?.split(separator: "\n") == ["last"])
    server.stop()
  }

  @Test("empty lines are jobs, and so is a last line without its newline")
  func edges() throws {
    let server = try Server("-w 2")
    let client = try server.connect()
    client.send("\n\na\n\nb")
    #expect(client.next(4) == ["", "", "a", ""])
    client.endInput()
    #expect(client.rest() == "b\n")
    let silent = try server.connect()
    silent.endInput()
    #expect(silent.rest() == "")
    server.stop()
  }

  @Test("a job may come in pieces, and a client may talk as long as it likes")
  func conversation() throws {
    let server = try Server("-w 1", worker: "workers/examples/upper.py")
    let client = try server.connect()
    for word in ["one", "two", "three"] {
      for letter in word { client.send(String(letter)) }
      #expect(client.isSilent(for: 0.02))
      client.send("\n")
      #expect(client.next() == word.uppercased())
    }
    client.endInput()
    #expect(client.rest() == "")
    #expect(server.stop().status == 0)
  }

  @Test("records are answered as they finish, by id, with their number in the connection")
  func records() throws {
    let worker = #"""
      sh -c 'while read -r x; do [ "$x" != slow ] || until [ -e $DIR/go ]; do sleep 0.02; done; echo "$x"; done'
      """#
    let server = try Server("-w 2 --input records --output records", worker: worker)
    let (one, other) = (try server.connect(), try server.connect())
    one.send(#"{"id":"slow","job":"slow"}"# + "\n" + #"{"id":{"any":[1,null]},"job":"0"}"# + "\n")
    let first = try #require(one.next())
    #expect(first.contains(#""seq":2"#) && first.contains(#""id":{"any":[1,null]}"#), "\(first)")
    other.send(#"{"job":"0.0"}"#)
    other.endInput()
    let only = other.rest()
    #expect(only.contains(#""seq":1"#) && only.contains(#""result":"0.0""#), "\(only)")
    server.touch("go")
    let second = try #require(one.next())
    #expect(second.contains(#""seq":1"#) && second.contains(#""id":"slow""#) && second.contains(#""outcome":"ok""#))
    server.stop()
  }

  @Test("a bad record fails alone; blank lines are nothing")
  func badRecords() throws {
    let server = try Server("-w 1 --input records --output records")
    let client = try server.connect()
    client.send("{\"job\":\n\n  \nnonsense\n{\"job\":\"fine\",\"id\":7}\n")
    client.endInput()
    let lines = client.rest().split(separator: "\n")
    #expect(lines.filter { $0.contains(#""outcome":"failed""#) }.count == lines.count - 1)
    #expect(lines.last?.contains(#""result":"fine""#) == true, "\(lines)")
    server.session.waitForError("is a bad record")
    server.stop()
  }

  @Test("a client that asks for records gets them, whatever the formats are", arguments: ["lines", "nul", "records"])
  func handshake(format: String) throws {
    let server = try Server("-w 1 --max-job-size 1M --client-jobs 7 --input \(format) --output \(format)")
    let client = try server.connect()
    let greeting = "\u{16}prefork records 1\0\n"
    // In two pieces: the first does not tell yet.
    client.send(String(greeting.prefix(9)))
    #expect(client.isSilent(for: 0.05))
    client.send(String(greeting.dropFirst(9)))
    let hello = try #require(client.next())
    for member in [
      #""records":1"#, #""pool":"default""#, #""max-job-size":1048576"#, #""most-unsettled":7"#, #""prefork":""#,
    ] {
      #expect(hello.contains(member), "\(hello)")
    }
    client.send(#"{"id":1,"job":"two\nlines"}"# + "\n" + #"{"id":2,"job":"x"}"# + "\n")
    client.endInput()
    let answers = client.rest().split(separator: "\n")
    #expect(answers.count == 2)
    // Our worker speaks lines, which cannot carry the first.
    #expect(answers.contains { $0.contains(#""id":1"#) && $0.contains("cannot be sent with --protocol lines") })
    #expect(answers.contains { $0.contains(#""id":2"#) && $0.contains(#""result":"x""#) })
    // What merely begins like it is a job.
    let plain = try server.connect()
    plain.send("\u{16}prefork\n\0")
    plain.endInput()
    if format == "lines" { #expect(plain.rest() == "\u{16}prefork\n\0\n") }
    server.stop()
  }

  @Test(
    "workers of every protocol are asked the same",
    arguments: [
      "lines", "nul", "netstring", "length4",
    ])
  func protocols(framing: String) throws {
    try withFile(Self.echo) { script in
      let server = try Server(
        "-w 2 --protocol \(framing) --input records --output records", worker: "python3 \(script) \(framing)")
      let client = try server.connect()
      client.send(#"{"id":1,"job":"plain"}"# + "\n" + #"{"id":2,"job":"two\nlines"}"# + "\n")
      client.endInput()
      let answers = client.rest().split(separator: "\n")
      #expect(answers.contains { $0.contains(#""id":1"#) && $0.contains(#""result":"plain""#) })
      let result = framing == "lines" ? "cannot be sent" : #""result":"two\nlines""#
      #expect(answers.contains { $0.contains(#""id":2"#) && $0.contains(result) }, "\(answers)")
      server.stop()
    }
  }

  @Test("an answer that does not fit into a line is an empty line, told on stderr, and the next are right")
  func unfitAnswer() throws {
    try withFile(Self.echo) { script in
      let server = try Server("-w 1 --protocol length4", worker: "python3 \(script) length4 doubling")
      let client = try server.connect()
      client.send("a\nbreak\nb\n")
      client.endInput()
      #expect(client.rest() == "aa\n\nbb\n")
      server.session.waitForError("the reply to job 2 cannot be written with --output lines")
      server.stop()
    }
  }

  @Test("several sockets, TCP with a port that the system chooses among them, feed one pool")
  func severalSockets() throws {
    let server = try Server("-w 1 --listen tcp:127.0.0.1:0 --listen unix:$DIR/s2")
    server.session.waitForError("s2\n")
    #expect(server.port > 0)
    let clients = [try server.connect(), try Client(unix: server.folder + "/s2"), try Client(port: server.port)]
    for (number, client) in clients.enumerated() { client.send("from \(number)\n") }
    for (number, client) in clients.enumerated() {
      client.endInput()
      #expect(client.rest() == "from \(number)\n")
    }
    #expect(try server.control("status").output.contains("3 came so far"))
    #expect(server.stop().status == 0)
  }

  /// An echo in the framing of its first argument; "doubling" says each job twice, with a newline between for "break".
  static let echo = #"""
    import sys
    framing, doubling = sys.argv[1], len(sys.argv) > 2
    i, o = sys.stdin.buffer, sys.stdout.buffer
    def until(end):
        text = b""
        while not text.endswith(end):
            byte = i.read(1)
            if not byte: sys.exit()
            text += byte
        return text[:-1]
    while True:
        if framing == "lines": job = until(b"\n")
        elif framing == "nul": job = until(b"\0")
        elif framing == "netstring":
            job = i.read(int(until(b":")))
            i.read(1)
        else:
            head = i.read(4)
            if not head: sys.exit()
            job = i.read(int.from_bytes(head, "big"))
        if doubling: job = b"x\ny" if job == b"break" else job + job
        if framing == "lines": o.write(job + b"\n")
        elif framing == "nul": o.write(job + b"\0")
        elif framing == "netstring": o.write(b"%d:%s," % (len(job), job))
        else: o.write(len(job).to_bytes(4, "big") + job)
        o.flush()
    """#
}
