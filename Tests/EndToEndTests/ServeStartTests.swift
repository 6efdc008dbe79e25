import Glibc
import Testing

/// A worker program that cannot be executed ends the server before it is ready, as it ends `prefork run`.
@Suite struct ServeStartTests {
  @Test(
    "a program that is missing or cannot be executed is found before anything is started: 69, and what to try",
    arguments: [
      ("nosuch-program", "cannot start nosuch-program: No such file or directory", "is not in PATH"),
      ("/etc/passwd", "cannot start /etc/passwd: Permission denied", "chmod +x"),
      ("$DIR/text", "text: Exec format error", "neither a binary for this machine nor a script"),
      ("$DIR/script", "script: No such file or directory", "the interpreter that its #! line names does not"),
    ])
  func foreseen(worker: String, error: String, hint: String) throws {
    for options in ["", "-w 0..3"] {
      let result = try shell(
        """
        DIR=$(mktemp -d); printf 'echo\\n' >$DIR/text; printf '#!/nosuch/sh\\n' >$DIR/script; chmod +x $DIR/*
        prefork serve \(options) --listen unix:$DIR/s -- \(worker); status=$?
        ls $DIR; rm -r $DIR; exit $status
        """)
      #expect(result.status == 69 && result.lines == ["script", "text"])
      #expect(result.errors.contains(error) && result.errors.contains(hint), "\(result.errors)")
      #expect(!result.errors.contains("listening on"))
    }
  }

  @Test("of several pools, the one whose program is missing is named")
  func named() throws {
    let text = """
      pools:
        a: {listen: 'tcp:127.0.0.1:0', command: cat}
        b: {listen: 'tcp:localhost:0', command: ./nosuch}
      """
    let result = try withFile(text) { try shell("prefork serve --config \($0)") }
    #expect(result.status == 69)
    #expect(result.errors.contains("prefork: the pool b: cannot start ./nosuch: No such file"), "\(result.errors)")
  }

  @Test("what only the start itself shows ends it, too, at once and without READY=1")
  func notForeseen() throws {
    let result = try ServeServiceTests.play(
      #"""
      worker = folder + "/w"
      open(worker, "wb").write(b"\177ELF, but no more")
      os.chmod(worker, 0o755)
      service = Service(["--listen", "unix:FOLDER/jobs", "-w", "2", "--", worker])
      print(service.end())
      service.listen_for(0.1)
      print("READY=1" in service.kinds(), os.path.exists(folder + "/jobs"))
      """#)
    #expect(result.output == "69\nFalse False\n", "\(result)")
    let messages = result.errors.split(separator: "\n").dropFirst()
    #expect(
      messages.map { $0.replacing(/cannot start .*\/w:/, with: "cannot start w:") } == [
        "prefork: warning: cannot start w: Exec format error (ENOEXEC)",
        "hint: it is neither a binary for this machine nor a script with a #! line",
        "prefork: error: the first worker cannot be started: giving up before anything is served",
      ])
  }

  @Test("a quiet server says why, too")
  func notForeseenByAQuietOne() throws {
    let result = try shell(
      """
      DIR=$(mktemp -d); printf '\\177ELF, but no more' >$DIR/w; chmod +x $DIR/w
      prefork serve -q --listen unix:$DIR/s -- $DIR/w; status=$?; rm -r $DIR; exit $status
      """)
    #expect(result.status == 69)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains("/w: Exec format error (ENOEXEC)"), "\(result.errors)")
    #expect(lines.last?.hasSuffix("the first worker cannot be started: giving up before anything is served") == true)
  }

  @Test("a program that goes away later does not end it: others may bring it back")
  func later() throws {
    let server = try Server(
      "-w 1 --backoff 1ms..20ms", worker: "$DIR/w",
      prelude: #"printf '#!/bin/sh\nwhile read -r x; do echo $x; test $x != end || exit; done\n' >$DIR/w; "#
        + "chmod +x $DIR/w")
    let client = try server.connect()
    client.send("x\n")
    #expect(client.next() == "x")
    rename(server.folder + "/w", server.folder + "/away")
    client.send("end\n")
    #expect(client.next() == "end")
    server.session.waitForError("cannot start \(server.folder)/w: No such file")
    rename(server.folder + "/away", server.folder + "/w")
    server.wait(for: "an answer") {
      let other = try server.connect()
      other.send("y\n")
      return other.next() == "y"
    }
    #expect(server.stop().status == 0)
  }
}
