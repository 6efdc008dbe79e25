import Testing

/// Runs a line of sh while a job socket behaves as `scripts` say, one for each connection, the last of them for all
/// further ones. What they mean stands in fake_server.py. The line finds the address in `$SERVER`.
func serving(
  _ scripts: String..., to line: String, input: String = "", seconds: Double = 240,
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> Served {
  let result = try shell(
    fakeServer(scripts, line), input: input, seconds: seconds, sourceLocation: sourceLocation)
  return Served(result)
}

/// The line that does so. It reads the input itself: the server leaves stdin alone.
func fakeServer(_ scripts: [String], _ line: String) -> String {
  "exec python3 Tests/EndToEndTests/fake_server.py \(scripts.map(shellWord).joined(separator: " ")) -- \(shellWord(line))"
}

/// What came of it.
struct Served {
  let result: ShellResult
  /// The numbers of the jobs that each connection has got.
  let got: [[Int]]
  /// What the server has seen besides: jobs with more than their text, and complaints.
  let seen: [Substring]
  /// What the client has said.
  let said: String

  init(_ result: ShellResult) {
    self.result = result
    let lines = result.errors.split(separator: "\n")
    let told = lines.filter { $0.hasPrefix("server: ") }.map { $0.dropFirst(8) }
    got = told.filter { $0.hasPrefix("connection ") }.map { line in
      line.split(separator: " ").dropFirst(3).compactMap { Int($0) }
    }
    seen = told.filter { !$0.hasPrefix("connection ") }
    said = lines.filter { !$0.hasPrefix("server: ") }.joined(separator: "\n")
  }
}
