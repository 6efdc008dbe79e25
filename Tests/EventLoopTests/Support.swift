import EventLoop
import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

let millisecond: Nanoseconds = 1_000_000

extension EventLoop {
  /// What is there now.
  mutating func pending() throws -> [LoopEvent] {
    var events: [LoopEvent] = []
    countTime()
    try wait(into: &events, atMost: .none)
    return events
  }

  /// Waits as a driver does, until there are so many events. Only for a process with a deadline (`endAfterSeconds`):
  /// a loop that has lost something waits for ever.
  mutating func next(_ count: Int = 1) throws -> [LoopEvent] {
    var events: [LoopEvent] = []
    countTime()
    while events.count < count { try wait(into: &events) }
    return events
  }

  /// The first that happens, and when that was seen. After a minute nothing will happen any more.
  mutating func first() throws -> (events: [LoopEvent], at: Instant) {
    var events: [LoopEvent] = []
    let end = monotonicNow() + 60_000 * millisecond
    while events.isEmpty, monotonicNow() < end {
      countTime()
      try wait(into: &events, atMost: .none)
      usleep(200)
    }
    return (events, monotonicNow())
  }

  /// Waits until the time has come, and says what happened meanwhile. A busy machine may come back later than that: what
  /// must not happen until then may have happened after it, and what must happen belongs to `first`.
  mutating func events(until time: Instant) throws -> [LoopEvent] {
    var events: [LoopEvent] = []
    while monotonicNow() < time {
      // What a test does between turns, or a busy machine to it, is no standstill of the loop.
      countTime()
      try wait(into: &events, atMost: .none)
      usleep(200)
    }
    return events
  }
}

/// A process in which a test waits for ever is ended by SIGALRM, and the test fails.
func endAfterSeconds(_ seconds: CUnsignedInt = 300) { alarm(seconds) }

/// Writes a byte, so that the other end becomes readable.
func poke(_ fd: CInt) { #expect(write(fd, "x", 1) == 1) }

func ready(_ token: UInt64, readable: Bool = false, writable: Bool = false, hangup: Bool = false) -> LoopEvent {
  .ready(token: token, readable: readable, writable: writable, hangup: hangup)
}
