import Glibc
import Testing

/// Replies of several lines: `--tag` leads each line by its job, `--results` puts each reply into a file of its own.
@Suite struct ResultFileTests {
  private static let worker = "workers/faulty/lies_at_start.py"

  @Test("--tag leads each line by its job; a job of any bytes is one column")
  func tags() throws {
    let text = try shell(
      "prefork run -w 1 --input nul --output text --tag --repl bc", input: "1\n2\u{0}x=1\u{0}1/0\u{0}3\u{0}")
    #expect(text.output == "1\\n2\t1\n1\\n2\t2\n3\t3\n" && text.status == 1, "\(text.errors)")
    let lines = try shell(
      "prefork run -w 1 --tag --fail-prefix ERROR -- \(Self.worker)", input: "a\tb\n\n!fail x\né\\\u{1}\n")
    #expect(lines.output == "a\\tb\ta\tb\n\t\n!fail x\t\né\\\\\\x01\té\\\u{1}\n", "\(lines.output)")
    let long = try shell("prefork run --tag -- cat", input: String(repeating: "x", count: 5000) + "\n")
    let tag = long.output.split(separator: "\t").first ?? ""
    #expect(tag == String(repeating: "x", count: 4096) + "\\...", "\(tag.count)")
  }

  @Test("a reply that waits for its turn, and a job that was cancelled, have their tags, too")
  func order() throws {
    let sleeper = "sh -c 'while read -r x; do sleep $x; echo $x; done'"
    let result = try shell("prefork run -w 2 --tag -- \(sleeper)", input: "0.3\n0\n0.1\n")
    #expect(result.output == "0.3\t0.3\n0\t0\n0.1\t0.1\n", "\(result.errors)")
  }

  @Test("submit tags, and writes files, like run")
  func submit() throws {
    let server = try Server("-w 1")
    try withFolder { folder in
      let result = try shell("prefork submit --tag --results \(folder)/out \(server.socket)", input: "a\nb\n")
      #expect(result.output == "a\ta\nb\tb\n" && result.status == 0, "\(result.errors)")
      #expect(try contents(of: "\(folder)/out/2/stdout") == "b")
    }
    #expect(server.stop().status == 0)
  }

  @Test("each job has a folder with itself, its reply, what its worker wrote to stderr meanwhile, and its record")
  func files() throws {
    try withFolder { folder in
      let run = "prefork run -w 2 --results \(folder)/out --fail-prefix 'ERROR '"
      let result = try shell(
        "\(run) -- \(Self.worker)", input: "a\n!warn oops\n!fail no\nb\n!exit 3\n")
      #expect(result.status == 1, "\(result.errors)")
      func file(_ path: String) throws -> String { try contents(of: "\(folder)/out/\(path)") }
      #expect(try file("1/stdout") == "a" && file("1/stderr") == "" && file("1/job") == "a")
      #expect(try file("2/stdout") == "!warn oops" && file("2/stderr") == "oops\n")
      #expect(try file("3/stdout") == "" && file("3/job") == "!fail no")
      #expect(try file("3/record.json").contains(#""outcome":"failed","error":{"message":"no"}"#))
      #expect(try file("4/stdout") == "b" && file("4/stderr") == "")
      #expect(try file("5/record.json").contains(#""outcome":"crashed""#))
    }
  }

  @Test("what a worker writes to stderr is kept up to 1 MiB, however many lines it has")
  func longErrors() throws {
    try withFolder { folder in
      let script = "import sys\nfor l in sys.stdin: sys.stderr.write(('x' * 999 + '\\n') * 2000), print(flush=True)"
      let run = "prefork run -w 1 --results \(folder)/out"
      let result = try shell("\(run) -- python3 -c \(shellWord(script))", input: "a\n")
      #expect(result.status == 0)
      #expect(try contents(of: "\(folder)/out/1/stderr").utf8.count == (1 << 20) + 1)
    }
  }

  @Test(
    "what is kept of stderr until an earlier job is done counts in the order window",
    arguments: ["print(flush=True)", "print(\"ERROR\", flush=True)"])
  func errorsInWindow(end: String) throws {
    try withFolder { folder in
      // The first job reports how many others have ended, long after the window is full.
      let script = """
        import os, sys, time
        for line in sys.stdin:
          if line == "0\\n":
            while len(os.listdir("\(folder)")) < 5: time.sleep(0.02)
            time.sleep(0.5)
            print(len(os.listdir("\(folder)")), flush=True)
          else:
            open("\(folder)/" + line.strip(), "w")
            sys.stderr.write(("x" * 999 + "\\n") * 300)
            sys.stderr.flush()
            \(end)
        """
      let jobs = (0...40).map { "\($0)\n" }.joined()
      let result = try shell(
        "prefork run -w 2 --results \(folder)/out --fail-prefix ERROR --order-window 1M -- python3 -c \(shellWord(script))",
        input: jobs)
      let ended = result.output.split(separator: "\n").first.flatMap { Int($0) } ?? .max
      #expect(ended <= 10, "\(ended) jobs ended while the first one ran: \(result.errors.suffix(500))")
    }
  }

  @Test("without --output the output is text; replies of several lines are whole there and in their files")
  func text() throws {
    try withFolder { folder in
      let jobs = "1\nprint \"a\\nb\\n\"\n7\n"
      let result = try shell("prefork run -w 1 --results \(folder)/out --repl bc", input: jobs)
      #expect(result.output == "1\na\nb\n7\n", "\(result.errors)")
      #expect(try contents(of: "\(folder)/out/2/stdout") == "a\nb")
      // Once more: the folders are replaced.
      let again = try shell("prefork run -w 1 --results \(folder)/out -- cat", input: "new\n")
      #expect(again.output == "new\n")
      #expect(try contents(of: "\(folder)/out/1/stdout") == "new")
      #expect(try shell("ls -A \(folder)/out").output == "1\n2\n3\n")
    }
  }

  @Test("a folder of somebody else's that has a number for a name is left alone, and ends the run")
  func foreign() throws {
    try withFolder { folder in
      _ = try shell("mkdir \(folder)/1; echo novel >\(folder)/1/text; echo letter >\(folder)/2")
      for skipped in ["", "rm -r \(folder)/1; "] {
        let result = try shell("\(skipped)printf 'a\\nb\\n' | prefork run -w 1 --results \(folder) -- cat")
        #expect(result.status == 74 && result.errors.contains("not empty"), "\(result.errors)")
      }
      #expect(try contents(of: "\(folder)/2") == "letter\n")
    }
  }

  @Test("a folder that cannot be made ends the run before it begins")
  func unwritable() throws {
    let result = try shell("prefork run --results /nonexistent/out -- cat", input: "a\n")
    #expect(result.status == 73 && result.output == "", "\(result.errors)")
    #expect(result.errors.contains("--results: mkdir /nonexistent/out: No such file"), "\(result.errors)")
  }

  @Test("one that cannot be written any more ends the run; its joblog does not claim the job")
  func disappears() throws {
    try withFolder { folder in
      let session = try Session(
        "exec prefork run -w 1 --results \(folder)/out --joblog \(folder)/log --output lines -- cat")
      session.send("a\n")
      session.wait(for: "the first") { session.outputText == "a\n" }
      _ = try shell("rm -r \(folder)/out")
      session.send("b\n")
      session.wait(for: "the end") { session.hasEnded() }
      let result = session.finish()
      #expect(result.status == 74 && result.errors.contains("cannot write the files of job 2"), "\(result.errors)")
      let log = try contents(of: "\(folder)/log").split(separator: "\n").filter { !$0.hasPrefix("Seq") }
      #expect(log.count == 1, "only the first job is done: \(log)")
    }
  }

  @Test("jobs are not parked where what their worker writes to stderr belongs to one of them")
  func prefetch() throws {
    try withFolder { folder in
      let run = "prefork run -w 1 --results \(folder)/out"
      let refused = try shell("\(run) --prefetch 2 -- cat", input: "a\n")
      #expect(refused.status == 64, "\(refused.errors)")
      #expect(refused.errors.contains("--results and --prefetch above 1 exclude each other"), "\(refused.errors)")
      for options in ["--prefetch 1", "--prefetch auto", "--prefetch 2 --stderr inherit"] {
        #expect(try shell("\(run) \(options) -- cat", input: "a\n").output == "a\n", "\(options)")
      }
    }
  }

  @Test("--tag is refused where an output is no line")
  func usage() throws {
    #expect(try shell("prefork run --tag --output records -- cat").status == 64)
    #expect(try shell("prefork run --tag --output nul -- cat").status == 64)
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = try shell("mktemp -d").output.split(separator: "\n").joined()
    defer { _ = try? shell("rm -r \(folder)") }
    try body(folder)
  }
}
