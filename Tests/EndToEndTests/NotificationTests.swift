import Glibc
import Testing

/// Which senders of READY=1 are believed: the worker, and whatever it has started, even if that has lost its parent.
@Suite(.enabled(if: isInstalled("systemd-notify"), "systemd-notify is not installed")) struct NotificationTests {
  /// As root systemd-notify names its parent as the sender. If that has ended, it is prefork, which adopts orphans.
  @Test(arguments: [
    "systemd-notify --ready", "( systemd-notify --ready )", "( systemd-notify --ready & )",
    "( setsid systemd-notify --ready & )", "( sleep 0.2; systemd-notify --ready ) &",
    "( ( sleep 0.2; exec systemd-notify --ready ) & )", "( systemd-notify --no-block --ready & )",
    "( systemd-notify --ready --status='all is well' & )",
  ])
  func readyFromAnythingThatTheWorkerHasStarted(_ notification: String) throws {
    let line =
      "prefork run -v -w 2 --start-timeout 10s --ready notify -- sh -c \(shellWord(notification + "\nexec cat"))"
    let result = try shell("seq 4 | \(line)")
    #expect(result.output == "1\n2\n3\n4\n", "\(result.errors)")
    #expect(result.status == 0)
    #expect(!result.errors.contains("notification socket: ignored"), "\(result.errors)")
  }

  /// It knows the address, but no worker has started it. Root can even give prefork out as the sender.
  @Test(arguments: ["", "--pid=PREFORK"]) func aStrangerIsNotBelieved(option: String) throws {
    try withFile("") { path in
      let session = try Session(
        "exec prefork run -v -w 1 --ready notify -- sh -c 'echo \"$NOTIFY_SOCKET\" >\(path); sleep 300'")
      session.wait(for: "the address") { (try? contents(of: path))?.hasSuffix("\n") == true }
      let option = geteuid() == 0 ? option.replacing("PREFORK", with: "\(session.pid)") : ""
      // The sender, which is the shell where root calls systemd-notify, must not be gone before prefork looks.
      let sender = try Session("NOTIFY_SOCKET=$(cat \(path)) systemd-notify --no-block --ready \(option); read -r end")
      session.waitForError(" is not worker 0 (pid ")
      _ = sender.finish()
      #expect(session.errorText.contains("but wrote to its notification socket: ignored"), "\(session.errorText)")
      session.signal(SIGTERM)
      session.signal(SIGTERM)
      #expect(session.finish().output == "")
    }
  }

  @Test func anOrphanOfAnotherWorkerIsNotBelieved() throws {
    try withFile("") { path in
      // Slot 0 waits for ever; slot 1 takes its address and lets an orphan say that it is ready.
      let first = "echo \"$NOTIFY_SOCKET\" >\(path); exec sleep 300"
      let second =
        "until [ -s \(path) ]; do sleep 0.02; done; "
        + "( NOTIFY_SOCKET=$(cat \(path)) setsid systemd-notify --ready & ); exec sleep 300"
      let session = try Session(
        "exec prefork run -v -w 2 --ready notify -- "
          + "sh -c \(shellWord("if [ \"$PREFORK_SLOT\" = 0 ]; then \(first); else \(second); fi"))")
      session.send("a\n")
      session.waitForError(" is not worker 0 (pid ")
      session.signal(SIGTERM)
      session.signal(SIGTERM)
      #expect(session.finish().output == "\n" || session.outputText == "")
    }
  }
}
