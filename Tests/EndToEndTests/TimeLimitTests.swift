import TestSupport
import Testing

/// Clocks: of a job, of its wait, of a start, of a stop.
@Suite struct TimeLimitTests {
  @Test func aJobOverItsTimeEndsAloneAndItsWorkerIsReplaced() throws {
    let result = try shell("prefork run -w 1 -t 2s -- workers/faulty/hangs_in_job.py", input: "a\nhang\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("job 2 ran out of time (--timeout): stopping worker 0 (pid "), "\(result.errors)")
    #expect(result.errors.contains("2 ok, 1 timeout"), "\(result.errors)")
  }

  @Test func othersAreServedMeanwhile() throws {
    let session = try Session("exec prefork run -w 2 --unordered -t 8s -- workers/faulty/hangs_in_job.py")
    session.send("hang\n" + (1...50).map { "\($0)\n" }.joined())
    #expect((1...50).map { _ in session.nextLine() ?? "" } == (1...50).map { "\($0)" })
    #expect(!session.errorText.contains("ran out of time"))
    #expect(session.finish().lines.last == "")
  }

  @Test func aTimeoutIsRetried() throws {
    let result = try shell("prefork run -w 1 -t 200ms -r 2 -- workers/faulty/hangs_in_job.py", input: "hang\n")
    #expect(result.errors.split(separator: "\n").count { $0.contains("ran out of time") } == 3, "\(result.errors)")
    #expect(result.errors.contains(": timeout"), "\(result.errors)")
  }

  /// Lesson 20 (workerpool #508): the run clock does not include the warm-up.
  @Test func lesson20AWorkerThatLoadsForLongerThanTheTimeoutStillAnswers() throws {
    let result = try shell("seq 4 | prefork run -w 2 -t 3s -- sh -c 'sleep 4; exec cat'")
    #expect(result == ShellResult(output: "1\n2\n3\n4\n", status: 0))
  }

  /// Lesson 12 (pebble #129), and the whole stop ladder: after a timeout, and at the end of the run.
  @Test func lesson12AWorkerThatIgnoresEverySignalIsKilled() throws {
    let result = try shell(
      "prefork run -w 1 -t 2s --stop-timeout 400ms -- workers/faulty/ignores_term.py", input: "a\nhang\nb\n")
    #expect(result.output == "a\n\nb\n")
    #expect(result.status == 1)
  }

  @Test func aStopTimeoutOfZeroDoesNotWait() throws {
    let isSoon = try inOneOfFiveAttempts {
      let start = monotonicTime()
      let result = try shell("prefork run -w 2 --stop-timeout 0 -- workers/faulty/ignores_term.py", input: "a\n")
      #expect(result == ShellResult(output: "a\n", status: 0))
      return monotonicTime() - start < 9_000_000_000
    }
    #expect(isSoon, "it waited for the default of --stop-timeout")
  }

  /// Lesson 10 (celery #4185): the clock is ours, and runs from the first byte written, though the rest never fits.
  @Test func lesson10AJobThatIsNeverReadToItsEndRunsOutOfTime() throws {
    let result = try shell(
      "{ head -c 5000000 /dev/zero | tr '\\0' x; echo; echo b; } | "
        + "prefork run -w 1 -t 3s -- workers/faulty/slow_reader.py")
    #expect(result.output == "\n1 bytes, crc32 71beeff9\n")
    #expect(result.errors.contains("job 1 ran out of time"), "\(result.errors)")
  }

  /// Lesson 9 (celery #1310): a job larger than a pipe goes out in pieces, while all others are served.
  @Test func lesson9AJobLargerThanAPipeGoesOutInPiecesWhileOthersAreServed() throws {
    let worker = "sh -c 'if [ $PREFORK_SLOT = 0 ]; then exec workers/faulty/slow_reader.py; else exec cat; fi'"
    let session = try Session("exec prefork run -w 2 --unordered --lease-order fifo -- \(worker)")
    let large = String(repeating: "x", count: 150_000)
    session.send(large + "\n" + (1...50).map { "\($0)\n" }.joined())
    let replies = (1...51).map { _ in session.nextLine() ?? "" }
    // Whichever of the two got the large one: all came back, none with another's answer.
    #expect(replies.contains { $0.hasPrefix("150000 bytes, crc32 ") || $0 == large })
    #expect(Set(replies).count == 51)
    #expect(session.finish().status == 0)
  }

  @Test func jobsThatWaitTooLongExpire() throws {
    // Five seconds in which nothing stalls: while the machine does, --queue-timeout does not run.
    let slow = "for i in $(seq 100); do sleep 0.05; done"
    let session = try Session(
      "exec prefork run -w 1 --queue 9 --queue-timeout 2s -- sh -c 'while read -r job; do \(slow); echo $job; done'")
    session.send("1\n2\n3\n")
    let result = session.finish()
    #expect(result.output == "1\n\n\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("1 ok, 2 expired"), "\(result.errors)")
  }

  /// The most common mistake of all is named.
  @Test func aWorkerThatBuffersItsRepliesIsFoundOut() throws {
    let result = try shell("prefork run -w 1 -t 300ms -- workers/faulty/block_buffered.py", input: "a\n")
    #expect(result.output == "\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("does it buffer its output?"), "\(result.errors)")
  }
}
