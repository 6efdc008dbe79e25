import Testing

/// Jobs and results as lines of JSON.
@Suite struct RecordTests {
  @Test("a record's id comes back byte for byte, its text goes to the worker as it is, other values as their JSON")
  func idsAndPayloads() throws {
    let result = try shell(
      "prefork run -w 1 --input records --output records -- cat",
      input:
        "{\"id\": {\"a\":[1,  2]}, \"job\": \"caf\\u00e9\\t!\"}\n{\"job\": {\"x\":  1.50}, \"id\":null}\n{\"job\":\"\"}\n"
    )
    #expect(result.status == 0)
    #expect(result.lines.count == 3)
    #expect(
      result.lines[0].hasPrefix(
        "{\"id\":{\"a\":[1,  2]},\"seq\":1,\"outcome\":\"ok\",\"result\":\"café\\t!\",\"attempts\":1,"))
    #expect(
      result.lines[1].contains("\"id\":null,\"seq\":2,\"outcome\":\"ok\",\"result\":\"{\\\"x\\\":  1.50}\""),
      "\(result.lines[1])")
    #expect(result.lines[2].contains("\"seq\":3,\"outcome\":\"ok\",\"result\":\"\""))
  }

  @Test("records in, lines out: as with lines, line n answers record n")
  func recordsToLines() throws {
    let result = try shell(
      "prefork run -w 2 --input records -- cat", input: "{\"job\":\"one\"}\n\n{\"job\":[1,2]}\n{\"job\":\"three\"}")
    #expect(result == ShellResult(output: "one\n[1,2]\nthree\n", status: 0))
  }

  @Test("a bad record is one failed job with its line and the reason; the others run, and the status is 65")
  func badRecords() throws {
    let bad = [
      "nope", "{\"job\":1", "[1]", "{\"id\":1}", "{\"job\":1,\"job\":2}", "{\"job\":1,\"timeout\":-1}",
      "{\"job\":\"\\ud800\"}", String(repeating: "[", count: 5000),
    ]
    let input = bad.map { "\($0)\n{\"job\":\"fine\"}\n" }.joined()
    let result = try shell("prefork run -v -w 2 --input records -- cat", input: input)
    #expect(result.status == 65)
    #expect(result.lines == bad.flatMap { _ in ["", "fine"] })
    for number in bad.indices {
      #expect(result.errors.contains("job \(2 * number + 1) is a bad record: "), "\(result.errors)")
      #expect(result.errors.contains("(line \(2 * number + 1) of the input)"))
    }
    #expect(result.errors.contains("8 ok, 8 failed"))
  }

  @Test("a bad record keeps its id, if it can be found")
  func idOfABadRecord() throws {
    let result = try shell(
      "prefork run -w 1 --input records --output records -- cat",
      input: "{\"id\":9,\"job\":\"x\",\"timeout\":-1}\n{\"id\":[\"a\"]}\n{\"id\":7,\n")
    #expect(result.status == 65)
    #expect(result.lines[0].hasPrefix("{\"id\":9,\"seq\":1,\"outcome\":\"failed\",\"error\":"), "\(result.output)")
    #expect(result.lines[1].hasPrefix("{\"id\":[\"a\"],\"seq\":2,\"outcome\":\"failed\""), "\(result.output)")
    #expect(result.lines[2].hasPrefix("{\"seq\":3,\"outcome\":\"failed\""), "it is not JSON: \(result.output)")
  }

  @Test("bytes that are no text, NUL too, go in and out as base64")
  func bytes() throws {
    let result = try shell(
      "prefork run -w 1 --protocol length4 --input records --output records -- cat",
      input: "{\"job_base64\":\"AP8K\"}\n{\"job_base64\":\"AP8\"}\n")
    #expect(result.status == 65)
    #expect(result.lines[0].contains("\"outcome\":\"ok\",\"result_base64\":\""), "\(result.output)\(result.errors)")
    #expect(result.lines[1].contains("\"job_base64\\\" is"), "\(result.lines[1])")
  }

  @Test("a payload that the worker's protocol cannot carry fails alone, with what to try")
  func unfit() throws {
    let result = try shell(
      "prefork run -w 1 --input records --output records -- cat",
      input: "{\"job\":\"two\\nlines\"}\n{\"job\":\"one\"}\n")
    #expect(result.status == 1)
    #expect(
      result.lines[0].contains(
        "\"outcome\":\"failed\",\"error\":{\"message\":\"the job cannot be sent with --protocol lines"))
    #expect(result.lines[0].contains("try --protocol length4 or netstring"))
    #expect(result.lines[1].contains("\"result\":\"one\""))
  }

  @Test("such a record keeps its id, its key, and its form as a dead letter")
  func unfitInFull() throws {
    let run = "prefork run -q -w 1 --input records --output records --joblog /dev/fd/8 --dead-letter /dev/fd/9 -- cat"
    let result = try shell("\(run) 8>&1 9>&1 | cat", input: "{\"id\":7,\"key\":\"k\",\"job\":\"a\\nb\"}\n")
    let lines = result.lines.filter { $0.contains("a\\n") || $0.contains("failed") }
    #expect(lines.contains { $0.hasPrefix("{\"id\":7,\"seq\":1,\"outcome\":\"failed\"") }, "\(result.output)")
    #expect(lines.contains { $0.hasPrefix("{\"id\":7,\"key\":\"k\",\"job\":\"a\\nb\",\"dead_letter\":") })
    #expect(lines.contains { $0.contains("\tfailed\tkey:k") && $0.split(separator: "\t")[4] == "3" })
  }

  @Test("an error carries the cause, the code or the signal, and the worker's last words")
  func errors() throws {
    let worker = "while read l; do case $l in die) echo ouch >&2; exit 3;; kill) kill -9 $$;; *) echo $l;; esac; done"
    let result = try shell(
      "prefork run -w 1 --output records -- sh -c \(shellWord(worker))", input: "die\nkill\nfine\n")
    #expect(result.status == 1)
    #expect(result.lines[0].contains("\"outcome\":\"crashed\",\"error\":{\"message\":\"worker 0 (pid "))
    #expect(result.lines[0].contains("\"code\":3,\"stderr\":\"ouch\"}"))
    #expect(result.lines[1].contains("\"signal\":9"))
    #expect(result.lines[2].contains("\"result\":\"fine\""))
  }

  @Test("a record's own timeout and retries count for it alone")
  func ownTerms() throws {
    let result = try shell(
      "prefork run -v -w 1 -r 5 --input records --output records -- workers/faulty/hangs_in_job.py",
      input: "{\"job\":\"hang\",\"timeout\":0.2,\"retries\":1}\n{\"job\":\"a\"}\n")
    #expect(result.lines[0].contains("\"outcome\":\"timeout\""))
    #expect(result.lines[0].contains("\"attempts\":2"))
    #expect(result.lines[1].contains("\"outcome\":\"ok\""))
  }

  @Test("a higher priority goes first, results keep the order of the input")
  func priorities() throws {
    // All come in one block, before the worker runs.
    let worker = "while read l; do echo $l >&2; echo $l; done"
    let input = (0...5).map { "{\"job\":\"\($0)\",\"priority\":\($0)}\n" }.joined()
    let result = try shell("prefork run -w 1 --queue 10 --input records -- sh -c \(shellWord(worker))", input: input)
    #expect(result.lines == ["0", "1", "2", "3", "4", "5"])
    let order = result.errors.split(separator: "\n").filter { $0.hasPrefix("worker 0: ") }.map { $0.suffix(1) }
    #expect(order == ["5", "4", "3", "2", "1", "0"])
  }
}
