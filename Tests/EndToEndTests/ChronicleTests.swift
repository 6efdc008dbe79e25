import Glibc
import Testing

/// What people are told of a run while it goes and when it is over.
@Suite struct ChronicleTests {
  private let worker = "while read l; do [ $((l % 10)) = 0 ] && exit 1; echo $l; done"

  private func withFile(_ suffix: String, _ body: (_ path: String) throws -> Void) throws {
    let path = String(try shell("mktemp -u").lines[0]) + suffix
    defer { _ = try? shell("rm -f \(path)") }
    try body(path)
  }

  @Test("the summary counts outcomes, rate, run times, starts and deaths")
  func summary() throws {
    let result = try shell("seq 25 | prefork run -w 1 -- sh -c \(shellWord(worker))")
    #expect(result.errors.contains(#/prefork: 25 jobs in .* \(.*/s\): 23 ok, 2 crashed/#), "\(result.errors)")
    #expect(result.errors.contains(#/prefork: run time median .* ms, longest .* m?s/#))
    #expect(result.errors.contains(#/prefork: [34] worker starts( \(mean .* ms\))?, 2 died/#), "\(result.errors)")
    #expect(try shell("seq 3 | prefork run -- cat").errors == "", "all is well, and nobody looks")
  }

  @Test("a trace is strict JSON, with a row per slot, a span per job, and the deaths")
  func trace() throws {
    try withFile(".json") { path throws in
      _ = try shell("seq 25 | prefork run -w 2 --trace \(path) -- sh -c \(shellWord(worker))")
      let check = """
        import json, sys
        events = json.load(open(sys.argv[1]))
        jobs = [e for e in events if e["ph"] == "X" and e["name"].startswith("job ")]
        deaths = [e for e in events if e["ph"] == "i" and e["name"] == "died"]
        rows = {e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
        print(len(jobs), len(deaths), "slot 0" in rows, any(e["ph"] == "C" for e in events))
        """
      #expect(try shell("python3 -c \(shellWord(check)) \(path)").lines == ["25 2 True True"])
    }
  }

  @Test("a trace of a run that was killed is as long as the format allows it to be")
  func killedTrace() throws {
    try withFile(".json") { path throws in
      let session = try Session("yes | prefork run -w 1 --trace \(path) -- cat >/dev/null")
      session.wait(for: "some of the trace") { (try? contents(of: path).utf8.count) ?? 0 > 100_000 }
      for prefork in processes(with: session.cookie, named: "prefork") { kill(prefork, SIGKILL) }
      _ = session.finish(sweeping: true)
      let check =
        "import json, sys; t = open(sys.argv[1]).read(); print(len(json.loads(t[:t.rindex(chr(10))].rstrip(\",\") + \"]\")) > 100)"
      #expect(try shell("python3 -c \(shellWord(check)) \(path)").lines == ["True"])
    }
  }

  @Test("a report is one page that holds what happened, and no text from outside as markup")
  func report() throws {
    try withFile(".html") { path throws in
      _ = try shell(
        "printf '1\\n10\\n' | prefork run -w 1 --report \(path) -- sh -c \(shellWord("echo '<script>x' >&2; \(worker)"))"
      )
      let page = try contents(of: path)
      #expect(page.contains("<!DOCTYPE html>") && page.contains("</html>"))
      #expect(page.contains("crashed") && page.contains("&lt;script&gt;x") && !page.contains("<script>x"))
      #expect(!page.contains("http://") && !page.contains("https://"))
    }
  }

  @Test("a report to a FIFO that nobody reads is not waited for")
  func reportToFIFO() throws {
    try withFile(".fifo") { path throws in
      let result = try shell("mkfifo \(path) && seq 3 | prefork run --report \(path) -- cat")
      #expect(result.output == "1\n2\n3\n")
      #expect(result.errors.contains("cannot write the report"), "\(result.errors)")
    }
  }

  @Test("a trace or report that cannot be written is told before anything starts")
  func unwritable() throws {
    for option in ["--trace", "--report", "--dead-letter"] {
      let result = try shell("seq 3 | prefork run \(option) /no/such/place -- cat")
      #expect(result.status == 73 && result.output == "", "\(option)")
      let says = "prefork: \(option): \(option == "--report" ? "create" : "open") /no/such/place: No such file"
      #expect(result.errors.hasPrefix(says), "\(result.errors)")
    }
  }

  @Test(
    "a trace or report that cannot be written to its end is told once, with status 74", arguments: ["trace", "report"])
  func fullDisk(option: String) throws {
    let result = try shell("seq 3 | prefork run -q -w 1 --\(option) /dev/full -- cat")
    #expect(result.status == 74)
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }

  @Test("what a job costs stands in its record, and a leak is told with what to do")
  func cost() throws {
    let leak =
      "import sys; keep = []; [(keep.append(bytearray(1_000_000)), print(l.strip(), flush=True)) for l in sys.stdin]"
    let result = try shell(
      "seq 60 | prefork run -v -w 1 --output records -- python3 -u -c \(shellWord(leak))")
    #expect(result.lines[5].contains("\"cpu\":0.") && result.lines[5].contains("\"rss\":"), "\(result.lines[5])")
    #expect(result.errors.contains("try --max-jobs"), "\(result.errors)")
    let without = try shell("seq 5 | prefork run -w 1 --no-accounting --output records -- cat")
    #expect(!without.output.contains("cpu"))
  }

  @Test("the progress line is drawn on a terminal, and gone at the end", .enabled(if: isInstalled("script")))
  func progress() throws {
    let slow = "while read l; do sleep 0.05; echo $l; done"
    let run = "seq 30 | prefork run -w 1 -- sh -c \(shellWord(slow)) >/dev/null"
    let result = try shell("TERM=xterm script -qec \(shellWord(run)) /dev/null")
    #expect(result.output.contains("1/1 busy"), "\(result.output)")
    #expect(result.output.contains("30 jobs in "), "\(result.output)")
    let always = try shell("\(run) --progress never 2>&1 || true")
    #expect(!always.output.contains("busy"))
  }
}
