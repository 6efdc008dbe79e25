import EventLoop
import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@Suite struct AlarmTests {
  @Test("rings once, and not before its time")
  func once() throws {
    var loop = try EventLoop()
    let deadline = monotonicNow() + 20 * millisecond
    try loop.setAlarm(at: deadline)
    let rung = try loop.first()
    let late = try loop.events(until: deadline + 40 * millisecond)
    #expect(rung.events == [.alarm] && rung.at >= deadline && late == [])
  }

  @Test("moved later, it rings only then; moved earlier, it rings then, and once")
  func moved() throws {
    var loop = try EventLoop()
    let start = monotonicNow()
    try loop.setAlarm(at: start + 10 * millisecond)
    try loop.setAlarm(at: start + 60 * millisecond)
    let later = try loop.first()
    #expect(later.events == [.alarm] && later.at >= start + 60 * millisecond)
    try loop.setAlarm(at: monotonicNow() + 300_000 * millisecond)
    let deadline = monotonicNow() + 20 * millisecond
    try loop.setAlarm(at: deadline)
    let earlier = try loop.first()
    let after = try loop.events(until: deadline + 50 * millisecond)
    #expect(earlier.events == [.alarm] && earlier.at >= deadline && after == [])
  }

  @Test("cleared, it does not ring; set again for the same time, it does")
  func cleared() throws {
    var loop = try EventLoop()
    let deadline = monotonicNow() + 20 * millisecond
    try loop.setAlarm(at: deadline)
    try loop.setAlarm(at: nil)
    let silent = try loop.events(until: deadline + 20 * millisecond)
    try loop.setAlarm(at: deadline)
    let rung = try loop.first().events
    #expect(silent == [] && rung == [.alarm])
  }

  @Test("after it has rung a new one can be set, even for the same time")
  func anew() throws {
    var loop = try EventLoop()
    let deadline = monotonicNow()
    for _ in 0..<3 {
      try loop.setAlarm(at: deadline)
      let rung = try loop.first().events
      let more = try loop.events(until: monotonicNow() + 5 * millisecond)
      #expect(rung == [.alarm] && more == [])
    }
    try loop.setAlarm(at: monotonicNow() + 10 * millisecond)
    let later = try loop.first().events
    #expect(later == [.alarm])
  }

  @Test("an alarm that was overdue when it was cleared or moved does not ring any more")
  func overdueAndCleared() throws {
    var loop = try EventLoop()
    let past = monotonicNow()
    try loop.setAlarm(at: past)
    try loop.setAlarm(at: nil)
    let cleared = try loop.events(until: monotonicNow() + 5 * millisecond)
    try loop.setAlarm(at: past)
    let later = monotonicNow() + 40 * millisecond
    try loop.setAlarm(at: later)
    let rung = try loop.first()
    let more = try loop.events(until: later + 20 * millisecond)
    #expect(cleared == [] && rung.events == [.alarm] && rung.at >= later && more == [])
  }

  @Test(
    "one that is due when it is set rings at the next wait, behind what is ready, and once",
    arguments: [LoopPatience.none, .millisecond, .endless])
  func due(patience: LoopPatience) throws {
    var loop = try EventLoop()
    let pipe = try Pipe()
    try loop.add(pipe.writeEnd, token: 1, readable: false, writable: true)
    try loop.setAlarm(at: loop.now())
    var events: [LoopEvent] = []
    try loop.wait(into: &events, atMost: patience)
    try loop.wait(into: &events, atMost: .none)
    let ready = LoopEvent.ready(token: 1, readable: false, writable: true, hangup: false)
    #expect(events == [ready, .alarm, ready])
  }

  @Test("an old alarm in the caller's list is not taken for a new one")
  func staleList() throws {
    var loop = try EventLoop()
    let deadline = monotonicNow() + 5 * millisecond
    try loop.setAlarm(at: deadline)
    var events: [LoopEvent] = [.alarm]
    while monotonicNow() < deadline {}
    let pipe = try Pipe()
    try loop.add(pipe.writeEnd, token: 1, readable: false, writable: true)
    try loop.wait(into: &events, atMost: .none)
    try loop.setAlarm(at: nil)
    let after = try loop.events(until: monotonicNow() + 20 * millisecond)
    let hasRung = after.contains(.alarm)
    #expect(!hasRung)
  }

  @Test(
    "the end of time never comes",
    arguments: [UInt64.max, UInt64.max - 1, UInt64.max / 1000 * 1000].map { Instant(nanoseconds: $0) })
  func farAway(deadline: Instant) throws {
    var loop = try EventLoop()
    try loop.setAlarm(at: deadline)
    let events = try loop.events(until: monotonicNow() + 5 * millisecond)
    #expect(events == [])
  }

  @Test("a loop that waits is woken by it: in the past, now, soon, moved earlier")
  func wakes() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      var loop = try EventLoop()
      for delay in [0, 1, 0, 20, 0] as [UInt64] {
        let deadline = monotonicNow() + delay * millisecond
        try loop.setAlarm(at: deadline)
        let events = try loop.next()
        #expect(events == [.alarm])
        #expect(loop.now() >= deadline)
      }
      try loop.setAlarm(at: 1)
      var events = try loop.next()
      #expect(events == [.alarm])
      try loop.setAlarm(at: monotonicNow() + 100_000 * millisecond)
      try loop.setAlarm(at: monotonicNow() + 2 * millisecond)
      events = try loop.next()
      #expect(events == [.alarm])
    }
  }
}
