import Glibc
import Testing

/// Jobs that run for ten seconds without a word are named, once, with what their workers are doing.
@Suite struct SilenceTests {
  private func silent(_ worker: String, _ input: String, until text: String, _ body: (Session) -> Void) throws {
    let session = try Session("exec prefork run -w 1 --stop-timeout 100ms -- \(worker)")
    session.send(input)
    session.waitForError(text)
    body(session)
    session.signal(SIGTERM)
    session.signal(SIGINT)
    _ = session.finish()
  }

  /// As psql after an error.
  @Test func aWorkerThatAnsweredBeforeAndNowDoesNot() throws {
    let worker = "sh -c 'read -r job; echo $job; while read -r job; do :; done'"
    try silent(worker, "a\nb\n", until: "is the end of the job missing") { session in
      #expect(session.errorText.contains("job 2 has run for 1"), "\(session.errorText)")
      #expect(session.errorText.contains("which sleeps reading its stdin"), "\(session.errorText)")
      #expect(!session.errorText.contains("does it buffer"), "\(session.errorText)")
    }
  }

  @Test func oneThatNeverAnsweredAndWaitsForMoreMayBuffer() throws {
    try silent("workers/faulty/block_buffered.py", "a\n", until: "does it buffer its output?") { session in
      #expect(session.errorText.contains("job 1 has run for 1"), "\(session.errorText)")
    }
  }

  @Test func oneThatIsStoppedIsNotBlamedForBuffering() throws {
    try silent("sh -c 'read -r job; kill -STOP $$'", "a\n", until: "a signal stopped it: kill -CONT") { session in
      #expect(session.errorText.contains("which is stopped by a signal"), "\(session.errorText)")
      #expect(!session.errorText.contains("does it buffer"), "\(session.errorText)")
    }
  }

  @Test func oneThatRunsIsOnlyNamed() throws {
    try silent("sh -c 'read -r job; while :; do :; done'", "a\n", until: ", which runs") { session in
      #expect(!session.errorText.contains("hint:"), "\(session.errorText)")
    }
  }

  @Test func theProcessThatItWaitsForIsNamed() throws {
    try silent("sh -c 'read -r job; sleep 300; :'", "a\n", until: "whose process sleep (pid ") { session in
      #expect(!session.errorText.contains("hint:"), "\(session.errorText)")
      let lines = session.errorText.split(separator: "\n").filter { $0.contains("has run for") }
      #expect(lines.count == 1, "\(session.errorText)")
    }
  }

  /// The end of a password prompt: the worker is in the background of its terminal, and wants to read it.
  @Test func oneThatReadsTheTerminalFromTheBackgroundIsNamed() throws {
    let line = "read -r job; read -r secret </dev/tty; echo $secret"
    let result = try shell(
      """
      d=$(mktemp -d)
      cat >$d/inner <<'END'
      echo a | prefork run -w 1 -t 4s -- sh -c '\(line)' 2>"$1/errors"
      END
      script -qec "sh $d/inner $d" /dev/null >/dev/null 2>&1 </dev/null
      cat $d/errors; rm -r $d
      """)
    #expect(result.output.contains("hint: the worker wants to read the terminal"), "\(result.output)")
    #expect(!result.output.contains("does it buffer"), "\(result.output)")
  }
}
