import EventLoop
import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import SystemEvents

/// Whose signal it is, and which are left ignored.
@Suite struct SignalSenderTests {
  /// SI_KERNEL of sigaction(2).
  private static let kernel: CInt = 0x80

  @Test(
    "what the kernel sends for a terminal is distinguished from what a process sends",
    arguments: [SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP])
  func terminals(signal: CInt) {
    #expect(isFromTerminal(signal, code: Self.kernel))
    // SI_USER, SI_QUEUE, SI_TKILL: kill, sigqueue, tgkill.
    for code in [0, -1, -6] as [CInt] { #expect(!isFromTerminal(signal, code: code)) }
  }

  @Test(
    "a key that interrupts means what the signal of a process means",
    arguments: [SIGINT, SIGQUIT, SIGTERM, SIGWINCH, SIGCHLD, SIGCONT])
  func keys(signal: CInt) {
    for code in [Self.kernel, 1, 0] { #expect(!isFromTerminal(signal, code: code)) }
  }

  @Test("what was ignored stays ignored, but for the signals by which processes ask for workers")
  func ignored() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      for number in [SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGTERM] { signal(number, SIG_IGN) }
      var loop = try EventLoop()
      try loop.watchSignals([SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGTERM])
      for number in [SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGTERM] { raise(number) }
      let events = try loop.next(3)
      let more = try loop.pending()
      #expect(Set(events.map { "\($0)" }) == Set([SIGTTIN, SIGTTOU, SIGTERM].map { "\(LoopEvent.signal($0))" }))
      #expect(more == [])
    }
  }

  @Test("only our parent may be a timeout(1), which sends its signal twice")
  func repeated() {
    for signal in [SIGTERM, SIGINT] {
      #expect(mayBeSentTwice(signal, by: getppid()))
      for sender in [getpid(), 0, 1] { #expect(!mayBeSentTwice(signal, by: sender)) }
    }
    for signal in [SIGHUP, SIGUSR1, SIGCHLD, SIGTTIN] { #expect(!mayBeSentTwice(signal, by: getppid())) }
  }
}
