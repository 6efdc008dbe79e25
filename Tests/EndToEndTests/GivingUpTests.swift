import Glibc
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
    let worker = "while read l; do [ $l = 2 ] && exit 1; sleep 300; echo $l; done"
    let result = try shell(
      "seq 2 | prefork run -w 2 --halt now,fail=1 --stop-timeout 200ms -- sh -c \(shellWord(worker))")
    #expect(result.status == 75)
    #expect(result.errors.contains("1 crashed, 1 cancelled"), "\(result.errors)")
    // The other did not die: it was stopped.
    #expect(result.errors.contains("2 worker starts, 1 died\n"), "\(result.errors)")
  }

  @Test("what --halt has cancelled says so in its record, whether it ran or waited; no timeout is made up")
  func haltIsTheCause() throws {
    let worker = "while read l; do [ $l = 2 ] && kill -9 $$; sleep 300; done"
    let result = try shell(
      "seq 4 | prefork run -w 2 --halt now,fail=1 --stop-timeout 200ms --output records -- sh -c \(shellWord(worker))")
    let given = result.lines.filter { $0.contains("\"error\":{\"message\":\"the run was given up (--halt)\"}") }
    #expect(given.count == 3 && !result.output.contains("--timeout"), "\(result.output)")
  }

  @Test("each other end is named, too", arguments: [(1, "TERM"), (2, "INT")])
  func signalsAreTheCause(count: Int, name: String) throws {
    try SignalTests.withGate { gate in
      let session = try Session("exec prefork run -w 1 --stop-timeout 200ms --output records -- \(gate.worker)")
      session.send("a\nb\n")
      session.waitForError("begun a")
      let signal = name == "TERM" ? SIGTERM : SIGINT
      session.signal(signal)
      session.waitForError("finishing 1 running job")
      if count == 2 { session.signal(signal) } else { gate.open() }
      let lines = session.finish().lines
      let cancelled = lines.filter { $0.contains("\"message\":\"prefork was ended by SIG\(name)\"") }
      #expect(lines.count == 2 && cancelled.count == count, "\(lines)")
    }
  }

  @Test("a job that ran longer than its record allows is not said to have exceeded --timeout")
  func ownTimeout() throws {
    let result = try shell(
      "prefork run -w 1 --input records --output records -- workers/faulty/hangs_in_job.py",
      input: "{\"job\":\"hang\",\"timeout\":0.2}\n")
    #expect(result.output.contains("it ran longer than it may (\\\"timeout\\\" of its record)"), "\(result.output)")
  }

  @Test(
    "a pool that gives up starts no worker in place of those that end",
    arguments: [
      "seq 30 | prefork run -w 1 -v -- cat >/dev/full", "yes | prefork run -w 1 -v -- cat | head -n 1 >/dev/null",
      "seq 9 | prefork run -w 1 -v --halt now,fail=1 -- sh -c 'read l; exit 1' >/dev/null",
      "seq 9 | prefork run -w 1 -v --halt soon,fail=1 -- sh -c 'read l; exit 1' >/dev/null",
      "seq 9 | prefork run -w 1 -v --halt now,fail=1 -t 100ms -- sh -c 'read l; exec sleep 300' >/dev/null",
      "printf '1\\ntwice\\n3\\n' | prefork run -vw1 --halt now,fail=1 -- workers/faulty/unasked_reply.py >/dev/null",
      "seq 9 | prefork run -w 1 -v --halt now,fail=1 --max-reply-size 9 -- sed -u s/^3$/3000000000000/ >/dev/null",
      "seq 9 | prefork run -w 1 -v --halt soon,fail=1 --max-reply-size 9 -- sed -u s/^3$/3000000000000/ >/dev/null",
      "seq 9 | prefork run -w 1 -v --joblog /dev/full -- cat >/dev/null",
      "e=$(mktemp); export e; seq 2 | prefork run -w 1 -v -- sh -c 'read l; kill -TERM $PPID; "
        + "until grep -q finishing $e; do sleep 0.02; done; exit 1' >/dev/null 2>$e; cat $e >&2; rm $e",
    ])
  func noReplacements(line: String) throws {
    let result = try shell(line)
    #expect(result.errors.split(separator: "\n").count { $0.hasSuffix(" started") } == 1, "\(result.errors)")
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
    let worker = "while read l; do [ $l = 9 ] && sleep 300; sleep 0.1; echo $l; done"
    let result = try shell("seq 12 | prefork run -w 1 -t 3000% -- sh -c \(shellWord(worker))")
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

  @Test("a record among the dead letters keeps its id and all else; what was no record is kept, and refused again")
  func deadRecords() throws {
    let file = try shell("mktemp -u").lines[0]
    defer { _ = try? shell("rm -f \(file)") }
    let result = try shell(
      "prefork run -w 1 --input records --max-job-size 60 --dead-letter \(file) -- sh -c 'read l; exit 1'",
      input: "{\"job\":\"a\",\"id\":[1],\"mine\":\"x\"}\nnope\n{\"job\":\"b\",\"timeout\":-1}\n{\"job\":\""
        + String(repeating: "c", count: 100) + "\"}\n")
    #expect(result.status == 65)
    let letters = try contents(of: String(file)).split(separator: "\n")
    #expect(letters.count == 4)
    let record = letters.first { $0.contains("\"id\":[1]") } ?? ""
    #expect(record.hasPrefix("{\"job\":\"a\",\"id\":[1],\"mine\":\"x\",\"dead_letter\":"), "\(letters)")
    #expect(letters.contains { $0.hasPrefix("{\"bad_record\":\"nope\",\"dead_letter\":{\"seq\":2,") }, "\(letters)")
    let refused = "{\"job\":\"b\",\"timeout\":-1,\"dead_letter\":{\"seq\":3,"
    #expect(letters.contains { $0.hasPrefix(refused) }, "\(letters)")
    #expect(letters.contains { $0.hasPrefix("{\"dead_letter\":{\"seq\":4,") && $0.contains("is over 60 bytes") })
    let again = try shell("prefork run -w 1 --input records -- cat <\(file)")
    #expect(again.status == 65 && again.output.split(separator: "\n") == ["a"], "\(again)")
    #expect(again.errors.contains("repair the text in its \"bad_record\""), "\(again.errors)")
    #expect(again.errors.contains("a dead letter without its job"), "\(again.errors)")
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
