import Glibc
import Testing

/// `prefork check` finds out what a worker is that does not speak what it was asked to.
@Suite struct CheckGuessTests {
  private func guess(_ worker: String, options: String = "") throws -> String? {
    let result = try shell("prefork check -t 500ms --stop-timeout 4s \(options) -- \(worker)")
    return result.lines.first { $0.hasPrefix("guess") }.map { String($0.drop { $0 != " " }.drop { $0 == " " }) }
  }

  @Test(
    "programs at a prompt",
    arguments: [("python3", "-i", "python"), ("sh", "", "sh"), ("sqlite3", "", "sqlite3"), ("gdb", "-q", "gdb")])
  func prompts(program: String, arguments: String, preset: String) throws {
    guard isInstalled(program) else { return }
    #expect(try guess("\(program) \(arguments)") == "this looks like a REPL (\(preset)): try --repl \(preset)")
  }

  @Test(
    "a prompt of an unknown program",
    arguments: ["sh -c 'while printf \"tool> \"; read -r job; do echo \"<$job>\"; done'"])
  func unknownPrompt(worker: String) throws {
    #expect(try guess(worker)?.hasPrefix("this looks like a REPL: try --end TEXT --end-reply TEXT") == true)
  }

  @Test("MCP servers, with their tools", arguments: ["", "session", "silent", "fragile"])
  func mcp(how: String) throws {
    let guessed = try guess("workers/faulty/lies_in_mcp.py \(how)")
    #expect(guessed == "this looks like an MCP server: try --protocol mcp --tool NAME (it has other0, echo)")
  }

  @Test("a server of the SDK", .enabled(if: MCPPackages.areThere, "python3 has no mcp"))
  func sdk() throws {
    let guessed = try guess("\(MCPPackages.python) Tests/SDK/mcp_divide.py")
    #expect(guessed == "this looks like an MCP server: try --protocol mcp --tool NAME (it has divide, wait)")
  }

  @Test(
    "servers of JSON-RPC in both framings",
    arguments: [
      ("", "a JSON-RPC server: try --protocol jsonrpc"),
      ("headers", "a JSON-RPC server (Content-Length framing): try --protocol jsonrpc --framing content-length"),
    ])
  func jsonrpc(how: String, expected: String) throws {
    let guessed = try guess("workers/faulty/lies_in_jsonrpc.py \(how)")
    #expect(guessed?.hasPrefix("this looks like \(expected)") == true, "\(guessed ?? "no guess")")
  }

  /// A server that shows nothing of what it is: it reads a length, or waits.
  @Test("a silent server is asked")
  func silent() throws {
    let server = """
      python3 -c '
      import json, sys
      while line := sys.stdin.buffer.readline():
          if line.lower().startswith(b"content-" + b"length"):
              sys.stdin.buffer.readline()
              request = json.loads(sys.stdin.buffer.read(int(line.split(b":")[1])))
              text = json.dumps({"id": request["id"], "error": {"code": -32601, "message": "no"}})
              sys.stdout.write("Content-" + "Length: %d\\r\\n\\r\\n%s" % (len(text), text))
              sys.stdout.flush()
      '
      """
    #expect(try guess(server)?.contains("(Content-Length framing)") == true)
  }

  @Test("a reply that complains in JSON-RPC is followed up")
  func complaint() throws {
    let server = """
      python3 -uc '
      import json, sys
      for line in sys.stdin:
          try: number = json.loads(line)["id"]
          except ValueError: number = None
          print(json.dumps({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "no"}}))
      '
      """
    let result = try shell("prefork check -- \(server)")
    #expect(result.status == 1, "\(result.output)")
    #expect(result.output.contains("guess      this looks like a JSON-RPC server: try --protocol jsonrpc"))
  }

  @Test("what a worker of the asked protocol is sent and means at its start does not spoil the guess")
  func atStart() throws {
    try withFile("hello\n") { file in
      let guessed = try guess("workers/faulty/lies_in_mcp.py", options: "--init-file \(file) --fail-prefix ERROR")
      #expect(guessed == "this looks like an MCP server: try --protocol mcp --tool NAME (it has other0, echo)")
    }
  }

  @Test("workers of Bazel", arguments: ["workers/examples/bazel_upper.py", "python3 workers/faulty/lies_in_bazel.py"])
  func bazel(worker: String) throws {
    #expect(try guess(worker) == "this looks like a persistent worker of Bazel: try --protocol bazel-json")
  }

  @Test(
    "what is only at fault is not guessed at",
    arguments: ["cat", "sed s/a/b/", "workers/faulty/unended_reply.sh", "sh -c 'exit 3'", "./no-such-program", "yes"])
  func nothing(worker: String) throws {
    #expect(try guess(worker) == nil)
  }

  @Test("a worker that says nothing at all is asked in vain, and not for long")
  func mute() throws {
    #expect(try guess("sh -c 'exec cat >/dev/null'") == nil)
  }

  @Test("what is in use is not advised")
  func inUse() throws {
    #expect(try guess("workers/faulty/lies_in_mcp.py", options: "--protocol mcp --tool ecko --job '{}'") == nil)
    let other = try guess("workers/faulty/lies_in_mcp.py", options: "--protocol jsonrpc --method echo")
    #expect(other == nil || other?.contains("MCP") == true)
  }

  @Test("an old MCP server that does not survive the first question lists its tools when it is asked in the old way")
  func oldServer() throws {
    let result = try shell(
      "prefork check --protocol mcp --tool echo --argument text -- workers/faulty/lies_in_mcp.py fragile")
    #expect(result.status == 69)
    #expect(result.output.contains("remedy     it did not survive server/discover; the next one"), "\(result.output)")
    #expect(!result.output.contains("guess"), "\(result.output)")
  }

  @Test("an interrupt ends a trial")
  func interrupted() throws {
    try withFile("") { path in
      let busy = "echo x >>\(path); read -r job; while :; do :; done"
      let session = try Session("exec prefork check -t 300ms --stop-timeout 200ms -- sh -c '\(busy)'")
      session.wait(for: "a second worker") { (try? contents(of: path)) == "x\nx\n" }
      session.signal(SIGINT)
      #expect(session.finish().status == 130)
    }
  }
}
