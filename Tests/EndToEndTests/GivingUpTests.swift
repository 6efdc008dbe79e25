import Testing

/// When jobs fail: tried again after a wait, given up, kept for later.
@Suite struct GivingUpTests {
  private let fails = "while read l; do [ $((l % 2)) = 0 ] && exit 1; echo $l; done"

  @Test("halt soon: after the n-th failure nothing new is started, and the status is 75")
  func haltSoon() throws {
    let result = try shell("seq 1000 | prefork run -w 1 --halt soon,fail=3 -- sh -c \(shellWord(fails))")
    #expect(result.status == 75)
    #expect(result.lines == ["1", "", "3", "", "5", ""])
    #expect(result.errors.contains("given up because of --halt: 3 jobs did not end well"))
  }

  @Test("halt now: what runs is stopped, long before it would end")
  func haltNow() throws {
    let worker = "while read l; do [ $l = 2 ] && exit 1; sleep 20; echo $l; done"
    let result = try shell(
      "seq 2 | prefork run -w 2 --halt now,fail=1 --stop-timeout 200ms -- sh -c \(shellWord(worker))", seconds: 15)
    #expect(result.status == 75)
    #expect(result.errors.contains("1 crashed, 1 cancelled"), "\(result.errors)")
  }

  @Test("halt at a share of the jobs")
  func haltShare() throws {
    let result = try shell("seq 1000 | prefork run -w 1 --halt soon,fail=50% -- sh -c \(shellWord(fails))")
    #expect(result.status == 75)
    #expect(result.lines.count < 20)
  }

  @Test("a retry waits as long as it was told to")
  func retryDelay() throws {
    let start = monotonicTime()
    let result = try shell(
      "prefork run -w 1 -r 3 --quarantine-after 9 --retry-delay 400ms --max-jobs 1 -- sh -c 'read l; exit 1'",
      input: "a\n")
    #expect(result.errors.contains(": crashed"))
    #expect(monotonicTime() - start >= 600_000_000)
  }

  @Test("a job that takes much longer than the median of those before it is stopped")
  func relativeTimeout() throws {
    let worker = "while read l; do [ $l = 9 ] && sleep 30; sleep 0.05; echo $l; done"
    let result = try shell("seq 12 | prefork run -w 1 -t 400% -- sh -c \(shellWord(worker))", seconds: 20)
    #expect(result.lines == ["1", "2", "3", "4", "5", "6", "7", "8", "", "10", "11", "12"])
    #expect(result.errors.contains("job 9 ran out of time (--timeout)"))
  }

  @Test("dead letters hold what failed and why, and can be fed in again")
  func deadLetters() throws {
    let file = try shell("mktemp -u").lines[0]
    defer { _ = try? shell("rm -f \(file)") }
    let worker = "while read l; do case $l in *bad*) echo no >&2; exit 4;; esac; echo $l; done"
    let first = try shell(
      "prefork run -w 1 -r 1 --dead-letter \(file) -- sh -c \(shellWord(worker))",
      input: "one\nbad \"two\"\nthree\nbad4\n")
    #expect(first.lines == ["one", "", "three", ""])
    let letters = try contents(of: String(file)).split(separator: "\n")
    #expect(letters.count == 2)
    #expect(
      letters[0].hasPrefix(
        "{\"job\":\"bad \\\"two\\\"\",\"dead_letter\":{\"seq\":2,\"outcome\":\"crashed\",\"attempts\":[{"))
    #expect(letters[0].split(separator: "\"stderr\":\"no\"").count == 3, "both attempts: \(letters[0])")
    let second = try shell("prefork run -w 1 --input records -- cat <\(file)")
    #expect(second == ShellResult(output: "bad \"two\"\nbad4\n", status: 0))
  }

  @Test("a record among the dead letters keeps its id and all else; a bad record is not among them")
  func deadRecords() throws {
    let file = try shell("mktemp -u").lines[0]
    defer { _ = try? shell("rm -f \(file)") }
    let result = try shell(
      "prefork run -w 1 --input records --dead-letter \(file) -- sh -c 'read l; exit 1'",
      input: "{\"job\":\"a\",\"id\":[1],\"mine\":\"x\"}\nnope\n")
    #expect(result.status == 65)
    let letters = try contents(of: String(file)).split(separator: "\n")
    #expect(letters.count == 1)
    #expect(letters[0].hasPrefix("{\"job\":\"a\",\"id\":[1],\"mine\":\"x\",\"dead_letter\":"), "\(letters)")
  }

  @Test(
    "what is written wrong is told with what is right",
    arguments: ["now", "soon,fail=0", "later,fail=1", "now,fail=101%"])
  func badRules(rule: String) throws {
    let result = try shell("prefork run --halt \(rule) -- cat")
    #expect(result.status == 64 && result.errors.contains("--halt"))
    #expect(try shell("prefork run --resume -- cat").errors.contains("--joblog"))
  }
}
