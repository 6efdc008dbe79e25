import Testing

/// Workers that answer lines can fail a job without dying (`--fail-prefix`), write another framing than they read
/// (`--reply-protocol`), and answer in JSON (`--reply json`).
@Suite struct FailPrefixTests {
  private static let worker = "workers/faulty/lies_at_start.py"

  @Test("a reply that begins with the prefix fails its job alone, and the rest is the message")
  func fails() throws {
    let result = try shell(
      "prefork run -w 1 -v --output records --fail-prefix 'ERROR' -- \(Self.worker)",
      input: "a\n!fail out of tune\nb\n!fail\nan ERROR\n")
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 5, "\(result.errors)")
    #expect(lines[1].contains(#""outcome":"failed","error":{"message":"out of tune"}"#), "\(lines[1])")
    #expect(lines[3].contains(#""error":{"message":"the worker gave no reason"}"#), "\(lines[3])")
    #expect(lines[4].contains(#""result":"an ERROR""#), "\(lines[4])")
    #expect(result.status == 1)
    #expect(result.errors.contains("1 worker start"), "\(result.errors)")
  }

  @Test("such a failure is tried again, and becomes a dead letter")
  func follows() throws {
    try withFile("") { letters in
      let result = try shell(
        "prefork run -w 1 --retries 2 --dead-letter \(letters) --fail-prefix 'ERROR ' -- \(Self.worker)",
        input: "a\n!fail x\nb\n")
      #expect(result.output == "a\n\nb\n" && result.status == 1, "\(result.errors)")
      let letter = try contents(of: letters)
      #expect(letter.contains(#""job":"!fail x""#), "\(letter)")
      #expect(letter.components(of: #""message":"x""#) == 3, "\(letter)")
    }
  }

  @Test(
    "it works with every protocol",
    arguments: [
      ("--protocol nul -- cat", ""), ("--protocol netstring -- cat", ""),
      ("--protocol length4 -- cat", ""), ("--repl sh", "echo "),
      ("--protocol jsonrpc -- workers/faulty/lies_in_jsonrpc.py", ""),
    ])
  func protocols(worker: String, before: String) throws {
    let jobs = before == "echo " ? "echo a\necho ERR x\n" : "a\nERR x\n"
    let result = try shell("prefork run -w 1 --output records --fail-prefix 'ERR ' \(worker)", input: jobs)
    #expect(result.output.contains(#""result":"a""#), "\(result.output) \(result.errors)")
    #expect(result.output.contains(#""message":"x""#), "\(result.output) \(result.errors)")
  }

  @Test("a probe that is answered so has failed, unless that is the right answer")
  func probes() throws {
    let line = "prefork run -w 1 --start-timeout 20s --restart-budget 1/1m --ready probe --fail-prefix ERROR"
    let wrong = try shell("\(line) --probe '!fail not well' -- \(Self.worker)", input: "a\n")
    #expect(wrong.status == 69 && wrong.errors.contains("failed its probe: failed: not well"), "\(wrong.errors)")
    let right = try shell("\(line) --probe '!fail x=ERROR x' -- \(Self.worker)", input: "a\n")
    #expect(right.output == "a\n" && right.status == 0, "\(right.errors)")
  }

  @Test("jobs in one framing and replies in another", arguments: ["nul", "netstring", "length4"])
  func mixed(replies: String) throws {
    let reply = ["nul": #"a\nb\0"#, "netstring": #"3:a\nb,"#, "length4": #"\0\0\0\u0003a\nb"#][replies] ?? ""
    let result = try shell(
      "prefork run -w 1 --reply-protocol \(replies) --output records -- \(Self.worker)",
      input: "!raw \(reply)\n!raw \(reply)\n")
    #expect(result.output.components(of: #""result":"a\nb""#) == 2, "\(result.output) \(result.errors)")
    #expect(result.status == 0)
  }

  @Test("a worker that writes lines all the same is named, with the option")
  func mixedUp() throws {
    let result = try shell("prefork run -w 1 --reply-protocol netstring -- \(Self.worker)", input: "abc\n")
    #expect(result.errors.contains("malformed reply"), "\(result.errors)")
    let check = try shell("prefork check --reply-protocol netstring --job abc -- \(Self.worker)")
    #expect(check.output.contains("--reply-protocol netstring"), "\(check.output)")
  }

  @Test("--reply json: a reply that is JSON stands as JSON, any other as text; a line feed in it ends no record")
  func json() throws {
    let result = try shell(
      "prefork run -w 1 --output records --reply json --protocol nul --input nul -- cat",
      input: "{\"a\":\n [1, 2]}\0{\"a\":\0text\0 12 \0\"é\"\0\0[1] x\0")
    let results = result.output.split(separator: "\n").map { line in
      String(line.split(separator: "\"result\":", maxSplits: 1).last ?? "")
    }
    let expected = [#"{"a":  [1, 2]},"#, #""{\"a\":","#, #""text","#, " 12 ,", #""é","#, #""","#, #""[1] x","#]
    try #require(results.count == expected.count, "\(result.output)")
    for (line, start) in zip(results, expected) { #expect(line.hasPrefix(start), "\(line)") }
  }

  @Test("served, a plain client gets JSON, and submit the bytes, which it writes as it is asked to")
  func servedJSON() throws {
    let server = try Server("-w 1 --output records --reply json")
    let client = try server.connect()
    client.send("[1]\n")
    #expect(client.next()?.contains(#""result":[1],"#) == true)
    let text = try shell("prefork submit \(server.socket)", input: "\"x\"\n")
    #expect(text.output == "\"x\"\n", "\(text.errors)")
    let json = try shell("prefork submit --output records --reply json \(server.socket)", input: "\"x\"\ny\n")
    #expect(json.output.components(of: #""result":"x","#) == 1 && json.output.contains(#""result":"y","#))
    #expect(server.stop().status == 0)
  }
}

extension String {
  /// How often a text stands in it.
  func components(of text: String) -> Int { ranges(of: text).count }
}
