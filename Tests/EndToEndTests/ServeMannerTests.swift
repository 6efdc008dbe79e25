import Glibc
import TestSupport
import Testing

/// `prefork serve` and the sockets of others: whom it lets in, what it replaces, what it leaves.
@Suite struct ServeMannerTests {
  private static let isRoot = geteuid() == 0

  @Test("the socket's file has the mode and the group that were asked for, and the control socket is ours alone")
  func rights() throws {
    let server = try Server("-w 1 --socket-mode 0660 --socket-group $(id -g)")
    let result = try shell("stat -c '%a %g' \(server.socket) \(server.socket).control; id -g")
    let lines = result.lines.map(String.init)
    #expect(lines == ["660 \(getegid())", "600 \(getegid())", "\(getegid())"])
    server.stop()
    let plain = try Server("-w 1")
    #expect(try shell("stat -c %a \(plain.socket)").output == "600\n")
    plain.stop()
  }

  @Test(
    "another user gets in only if the file and --allow-user let it",
    .enabled(if: isRoot, "only root can be somebody else"),
    arguments: [
      ("", "PermissionError"), ("--socket-mode 0666", "X"), ("--socket-mode 0666 --allow-user 65534", "X"),
      ("--socket-mode 0666 --allow-user 65533", "refused"), ("--allow-user 65534", "PermissionError"),
    ])
  func users(options: String, outcome: String) throws {
    let server = try Server("-w 1 \(options)", worker: "workers/examples/upper.py")
    chmod(server.folder, 0o755)
    let script = #"""
      import os, socket, sys
      os.setgroups([]); os.setgid(65534); os.setuid(65534)
      client = socket.socket(socket.AF_UNIX)
      client.settimeout(60)
      try:
          client.connect(sys.argv[1])
          client.sendall(b"x\n")
          print(client.recv(10).decode().strip() or "refused")
      except PermissionError: print("PermissionError")
      except (BrokenPipeError, ConnectionResetError): print("refused")
      """#
    #expect(try shell("python3 -c \(shellWord(script)) \(server.socket)").output == outcome + "\n")
    if outcome == "refused" {
      server.session.waitForError("(uid 65534) may not use unix:")
      #expect(try server.metric(#"prefork_connections_refused_total{pool="default",reason="user"}"#) == 1)
    }
    // We are always welcome.
    let own = try server.connect()
    own.send("own\n")
    #expect(own.next() == "OWN")
    server.stop()
  }

  @Test("the file of a server that was killed is replaced; one that lives keeps its own, and what is no socket stays")
  func staleFiles() throws {
    let first = try Server("-w 1")
    let second = try shell("prefork serve --listen unix:\(first.socket) -- cat")
    #expect(second.status == 71)
    #expect(second.errors.contains("somebody listens there already"))
    let client = try first.connect()
    client.send("still here\n")
    #expect(client.next() == "still here")
    first.session.signal(SIGKILL)
    #expect(first.session.finish().status == 128 + SIGKILL)
    #expect(first.entries.contains("s"))
    let third = try Session("exec prefork serve -w 1 --listen unix:\(first.socket) -- cat")
    third.waitForError("listening on ")
    let again = try first.connect()
    again.send("new\n")
    #expect(again.next() == "new")
    third.signal(SIGTERM)
    #expect(third.finish().status == 0)
    #expect(first.entries == [])
    first.touch("s")
    let fourth = try shell("prefork serve --listen unix:\(first.socket) -- cat")
    #expect(fourth.status == 71)
    #expect(fourth.errors.contains("what stands there is no socket"))
    #expect(first.entries == ["s"])
  }

  @Test("TCP that other machines can reach is refused unless it is allowed, and a port in use is named")
  func tcp() throws {
    let remote = try shell("prefork serve --listen tcp:0.0.0.0:0 -- cat")
    #expect(remote.status == 71)
    #expect(remote.errors.contains("will not listen on tcp:0.0.0.0:0: other machines could reach it"))
    #expect(remote.errors.contains("--allow-remote"))
    let server = try Server("-w 1 --control unix:$DIR/s.control", listen: "--listen tcp:127.0.0.1:0")
    let taken = try shell("prefork serve --listen tcp:127.0.0.1:\(server.port) -- cat")
    #expect(taken.status == 71)
    #expect(taken.errors.contains("somebody listens there already"))
    server.stop()
    let allowed = try Session("exec prefork serve -w 1 --allow-remote --listen tcp:0.0.0.0:0 -- cat")
    allowed.waitForError("that can be reached from other machines, without encryption and by anyone")
    allowed.signal(SIGTERM)
    #expect(allowed.finish().status == 0)
  }

  @Test("when one of its sockets cannot be had, it leaves nothing of the others")
  func halfListening() throws {
    let folder = try #require(makeTemporaryFolder())
    defer { rmdir(folder) }
    let result = try shell("prefork serve --listen unix:\(folder)/s --listen unix:/nowhere/s -- cat; ls \(folder)")
    #expect(result.output == "")
    #expect(result.errors.contains("its folder must exist"))
  }
}
