import Glibc
import TestSupport
import Testing

/// The joblog, and runs that are taken up again.
@Suite struct JobLogTests {
  private func lines(_ path: String) throws -> [[Substring]] {
    try contents(of: path).split(separator: "\n").dropFirst().map {
      $0.split(separator: "\t", omittingEmptySubsequences: false)
    }
  }

  @Test("a line for each job, in the columns of GNU parallel and some more")
  func columns() throws {
    try withTemporaryFolder { folder throws in
      let worker = "while read l; do [ $l = 2 ] && exit 3; echo $l$l; done"
      let result = try shell("seq 3 | prefork run -w 1 --joblog \(folder)/log -- sh -c \(shellWord(worker))")
      #expect(result.status == 1)
      let header = try contents(of: "\(folder)/log").split(separator: "\n")[0].split(separator: "\t")
      #expect(
        header.prefix(9) == [
          "Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command",
        ])
      #expect(header.dropFirst(9).prefix(4) == ["Slot", "Attempts", "Outcome", "Key"])
      let log = try lines("\(folder)/log")
      #expect(log.map { $0[0] } == ["1", "2", "3"])
      #expect(log.map { $0[8] } == ["1", "2", "3"])
      #expect(log.map { $0[11] } == ["ok", "crashed", "ok"])
      #expect(log.map { $0[6] } == ["0", "3", "0"])
      #expect(log.map { $0[5] } == ["2", "0", "2"])
      #expect(log.allSatisfy { (Double($0[2]) ?? 0) > 1_600_000_000 })
    }
  }

  /// Lesson 27 (GNU parallel --resume): one line prepended to the input, and it skipped the new job and reran another.
  @Test("lesson 27: what was ok is known by its content, whatever moved in the input; the rest runs")
  func resumesByContent() throws {
    try withTemporaryFolder { folder throws in
      let worker = "while read l; do [ $l = 5 ] && [ ! -e \(folder)/again ] && exit 1; echo $l; done"
      let run = "prefork run -w 2 --joblog \(folder)/log --resume -- sh -c \(shellWord(worker))"
      #expect(try shell("seq 8 | \(run)").lines == ["1", "2", "3", "4", "", "6", "7", "8"])
      _ = try shell("touch \(folder)/again")
      let second = try shell("{ echo new; seq 9; echo 3; } | \(run)")
      #expect(second.lines == ["new", "5", "9", "3"], "5 was not ok, and 3 is there once more")
      #expect(second.errors.contains("has 7 jobs that ended ok: skipped"))
      #expect(second.errors.contains("7 jobs skipped"))
      #expect(try shell("{ echo new; seq 9; echo 3; } | \(run)").lines == [])
    }
  }

  @Test("records are known by their key, even if their job has changed")
  func keys() throws {
    try withTemporaryFolder { folder throws in
      let run = "prefork run -w 1 --input records --joblog \(folder)/log --resume -- cat"
      #expect(try shell(run, input: "{\"job\":\"a\",\"key\":\"k\\tey\"}\n{\"job\":\"b\"}\n").lines == ["a", "b"])
      #expect(try shell(run, input: "{\"job\":\"A\",\"key\":\"k\\tey\"}\n{\"job\":\"B\"}\n").lines == ["B"])
    }
  }

  @Test("the log of another run is not written over, and a file that is no joblog is left as it is")
  func foreignFiles() throws {
    try withTemporaryFolder { folder throws in
      _ = try shell("seq 3 | prefork run --joblog \(folder)/log -- cat")
      let before = try contents(of: "\(folder)/log")
      let again = try shell("seq 3 | prefork run --joblog \(folder)/log -- cat")
      #expect(again.status == 73 && again.output == "")
      #expect(again.errors.contains("is the joblog of a run of 3 jobs; to go on with it, give --resume"))
      #expect(try contents(of: "\(folder)/log") == before)
      _ = try shell("echo precious >\(folder)/notes")
      let foreign = try shell("seq 3 | prefork run --joblog \(folder)/notes --resume -- cat")
      #expect(foreign.status == 73 && foreign.output == "")
      #expect(try contents(of: "\(folder)/notes") == "precious\n")
      let missing = try shell("seq 3 | prefork run --joblog \(folder)/no/log -- cat")
      #expect(missing.status == 73 && missing.errors.contains("No such file or directory"))
    }
  }

  @Test("two runs cannot write one joblog at the same time")
  func locked() throws {
    try withTemporaryFolder { folder throws in
      let session = try Session("exec prefork run -w 1 --joblog \(folder)/log -- cat")
      session.send("a\n")
      #expect(session.nextLine() == "a")
      let second = try shell("seq 3 | prefork run --joblog \(folder)/log --resume -- cat")
      #expect(second.status == 73 && second.errors.contains("is being written by another run"), "\(second.errors)")
      session.closeInput()
      _ = session.finish()
    }
  }

  @Test(
    "a run that is killed again and again, at any moment, ends with each job ok once in the joblog",
    arguments: [1, 2] as [UInt64])
  func killedAgainAndAgain(seed: UInt64) throws {
    var chance = SplitMix64(state: seed)
    try withTemporaryFolder { folder throws in
      _ = try shell("seq 3000 >\(folder)/jobs")
      let worker = "while read l; do echo $((l * 2)); done"
      let run =
        "prefork run -w 2 --joblog \(folder)/log --resume -- sh -c \(shellWord(worker)) <\(folder)/jobs >>\(folder)/out"
      for _ in 0..<6 {
        let time = Double.random(in: 0.02...0.4, using: &chance)
        _ = try shell("timeout -s KILL \(time) \(run)", sweeping: true)
        // What a kill tears in the middle of a write cannot be had by chance: so it is torn by hand.
        _ = try shell("[ ! -s \(folder)/log ] || truncate -s -\(Int.random(in: 0...60, using: &chance)) \(folder)/log")
      }
      let last = try shell(run)
      #expect(last.status == 0, "\(last.errors)")
      let log = try lines("\(folder)/log").filter { $0.count > 11 && $0[11] == "ok" }
      #expect(log.count == 3000)
      #expect(Set(log.map { $0[8] }).count == 3000)
      // What was in flight may have run twice; nothing is missing, and nothing is wrong.
      let results = Set(try contents(of: "\(folder)/out").split(separator: "\n").compactMap { Int($0) })
      #expect(results.isSuperset(of: (1...3000).map { $0 * 2 }))
    }
  }

  @Test("a FIFO with a slow reader gets every line of joblog and trace: the run waits for it, also at its end")
  func slowReaderOfAFile() throws {
    try withTemporaryFolder { folder throws in
      for option in ["--joblog", "--trace"] {
        let reader = "{ sleep 0.5; cat >\(folder)/read; } <\(folder)/fifo"
        let run = "seq 3000 | prefork run -q -w 2 \(option) \(folder)/fifo -- cat | tail -n 1"
        let result = try shell(
          "rm -f \(folder)/fifo; mkfifo \(folder)/fifo; \(reader) & exec 3>\(folder)/fifo; \(run) 3>&-; exec 3>&-; wait"
        )
        #expect(result == ShellResult(output: "3000\n", status: 0))
        let read = try contents(of: "\(folder)/read")
        #expect(read.split(separator: "\n").count > 3000 && read.hasSuffix("\n"), "\(option): \(read.suffix(100))")
      }
    }
  }

  @Test("a device holds no joblog: it is only written, by as many runs as like")
  func devices() throws {
    let full = try shell("seq 3 | prefork run -w 1 --joblog /dev/full -- cat")
    #expect(full.status == 74 && full.errors.contains("cannot write the joblog"), "\(full.errors)")
    let session = try Session("exec prefork run -w 1 --joblog /dev/null -- cat")
    session.send("a\n")
    #expect(session.nextLine() == "a")
    #expect(try shell("seq 3 | prefork run -w 1 --joblog /dev/null --resume -- cat").lines == ["1", "2", "3"])
    session.closeInput()
    _ = session.finish()
  }

  @Test("a job that was taken back before its worker had begun has not run")
  func takenBack() throws {
    try withTemporaryFolder { folder throws in
      let session = try Session(
        "exec prefork run -w 1 --output records --joblog \(folder)/log -- sh -c 'echo here >&2; sleep 300; cat'")
      session.send("a\n")
      session.waitForError("worker 0: here")
      session.signal(SIGINT)
      let result = session.finish()
      #expect(result.output.contains("\"outcome\":\"cancelled\""), "\(result.output)")
      #expect(!result.output.contains("\"ran\"") && !result.output.contains("\"slot\""), "\(result.output)")
      #expect(try lines("\(folder)/log").map { Double($0[3].drop { $0 == " " }) } == [0])
    }
  }

  @Test("no line of a job whose result has not left us: nobody reads, and nothing is logged as ok")
  func notBeforeTheResult() throws {
    try withTemporaryFolder { folder throws in
      // The pipe to sleep takes 64 KiB, the rest of the results waits in prefork when it is killed.
      let worker = "while read l; do printf '%2000s\\n' $l; done"
      let run = "prefork run -w 2 --joblog \(folder)/log -- sh -c \(shellWord(worker))"
      let reader = "{ until [ -e \(folder)/gate ]; do sleep 0.02; done; cat >\(folder)/out; }"
      let session = try Session("seq 300 | \(run) | \(reader)")
      session.wait(for: "a full pipe") { (try? lines("\(folder)/log").count) ?? 0 > 25 }
      _ = pause(0.5)
      for prefork in processes(with: session.cookie, named: "prefork") { kill(prefork, SIGKILL) }
      _ = try shell("touch \(folder)/gate")
      _ = session.finish(sweeping: true)
      let delivered = try contents(of: "\(folder)/out").split(separator: "\n").count { $0.utf8.count == 2000 }
      let logged = try lines("\(folder)/log").count { $0.count > 11 && $0[11] == "ok" }
      #expect(logged <= delivered && logged > 10, "\(logged) logged, \(delivered) delivered")
    }
  }
}

/// A folder that is gone after `body`, with all that is in it.
private func withTemporaryFolder(_ body: (_ folder: String) throws -> Void) throws {
  let folder = try shell("mktemp -d").lines[0]
  defer { _ = try? shell("rm -rf \(folder)") }
  try body(String(folder))
}
