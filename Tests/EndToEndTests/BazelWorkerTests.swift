import Testing

/// Persistent workers of Bazel, as its documentation describes them, unchanged.
@Suite struct BazelWorkerTests {
  private static let liar = "workers/faulty/lies_in_bazel.py"

  @Test("a worker as in Bazel's documentation: started with --persistent_worker, answers without newlines")
  func singleplex() throws {
    let result = try shell(
      "prefork run -w 1 --protocol bazel-json --output records -- workers/examples/bazel_upper.py",
      input:
        "one argument\n[\"two\", \"arguments\"]\nfail\n[\"fail\", \"a.c\"]\n{\"arguments\":[\"x\"]}\n{\"args\":[]}\n")
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 6, "\(result.errors)")
    #expect(lines[0].contains(#""result":"ONE ARGUMENT""#))
    #expect(lines[1].contains(#""result":"TWO ARGUMENTS""#))
    #expect(lines[3].contains(#""outcome":"failed","error":{"message":"cannot compile a.c","code":2"#), "\(lines[3])")
    #expect(lines[4].contains(#""result":"X""#))
    #expect(lines[5].contains("it is no work request"), "\(lines[5])")
    #expect(result.errors.contains("1 worker start"), "a failure costs no worker: \(result.errors)")
  }

  @Test(
    "multiplex, in both forms: answers as they end, failures, cancelled requests",
    arguments: [("bazel-json", ""), ("bazel-proto", "proto")])
  func multiplex(name: String, argument: String) throws {
    let result = try shell(
      "prefork run -w 1 --protocol \(name) --concurrency 4 --timeout 1s --cancel-grace 60s --output records --unordered"
        + " -- \(Self.liar) \(argument)",
      input: "sleep 0.5\nb\nsleep 100\n[\"fail\",\"é\"]\nc\n")
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 5, "\(result.output) \(result.errors)")
    #expect(lines[0].contains(#""result":"b""#), "\(lines[0])")
    #expect(result.output.contains(#""message":"cannot fail é","code":-3"#), "\(result.output)")
    #expect(lines[4].contains(#""outcome":"timeout""#), "\(lines[4])")
    #expect(result.errors.contains("prefork: 1 worker start"), "\(result.errors)")
  }

  @Test(
    "a worker that lies fails what it has, and no other job",
    arguments: ["bazel-json", "bazel-proto"], ["wrong-id", "no-id", "stray", "die"])
  func lies(name: String, job: String) throws {
    // Lengths and bytes cannot show that they are stray.
    if name == "bazel-proto", job == "stray" { return }
    let argument = name == "bazel-proto" ? "proto" : ""
    let result = try shell(
      "prefork run -w 1 --protocol \(name) --concurrency 2 -r 9 --output records -- \(Self.liar) \(argument)",
      input: "a\n\(job)\nb\nc\n")
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 4, "\(result.output) \(result.errors)")
    #expect(lines[1].contains("\"outcome\":\"quarantined\""), "\(lines[1])")
    for place in [0, 2, 3] { #expect(lines[place].contains("\"outcome\":\"ok\""), "\(lines[place])") }
  }
}
