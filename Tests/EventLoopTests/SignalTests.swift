import EventLoop
import Glibc
import LinuxIO
import SystemEvents
import TestSupport
import Testing
import Time

/// Signals concern the whole process, so each of these has one of its own.
@Suite struct SignalTests {
  @Test("a watched signal becomes an event instead of its default action")
  func watched() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      var loop = try EventLoop()
      try loop.watchSignals([SIGTERM, SIGINT])
      raise(SIGTERM)
      var events = try loop.next()
      #expect(events == [.signal(SIGTERM)])
      raise(SIGINT)
      raise(SIGTERM)
      events = try loop.next(2)
      #expect(Set(events.map { "\($0)" }) == Set([LoopEvent.signal(SIGINT), .signal(SIGTERM)].map { "\($0)" }))
      events = try loop.pending()
      #expect(events == [])
    }
  }

  @Test("a signal that came before it was watched, but was blocked, is not lost")
  func pendingBefore() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      var set = sigset_t()
      sigemptyset(&set)
      sigaddset(&set, SIGUSR1)
      sigprocmask(SIG_BLOCK, &set, nil)
      raise(SIGUSR1)
      var loop = try EventLoop()
      try loop.watchSignals([SIGUSR1])
      let events = try loop.next()
      #expect(events == [.signal(SIGUSR1)])
    }
  }

  @Test("a signal that comes while the alarm is being set is not lost")
  func duringSetAlarm() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      var loop = try EventLoop()
      try loop.watchSignals([SIGUSR1])
      raise(SIGUSR1)
      try loop.setAlarm(at: monotonicNow() + 100_000 * millisecond)
      let events = try loop.next()
      #expect(events == [.signal(SIGUSR1)])
    }
  }

  @Test("a signal, an alarm and a descriptor at once: nothing is lost, whatever the order")
  func together() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      var generator = SplitMix64(state: 11)
      var loop = try EventLoop()
      try loop.watchSignals([SIGUSR1, SIGUSR2])
      let pipe = try Pipe()
      try loop.add(pipe.readEnd, token: 1, readable: true, writable: false)
      var expected = [0, 0, 0, 0]
      var seen = [0, 0, 0, 0]
      for _ in 0..<3000 {
        for act in (0...3).shuffled(using: &generator) where Bool.random(using: &generator) {
          expected[act] += 1
          switch act {
          case 0: raise(SIGUSR1)
          case 1: raise(SIGUSR2)
          case 2: try loop.setAlarm(at: monotonicNow() - Nanoseconds.random(in: 0...2000, using: &generator))
          default: poke(pipe.writeEnd)
          }
        }
        // Each wait may bring some of them; it must not wait for ever as long as one is missing.
        while seen != expected {
          for event in try loop.next() {
            switch event {
            case .signal(SIGUSR1): seen[0] += 1
            case .signal(SIGUSR2): seen[1] += 1
            case .alarm: seen[2] += 1
            default:
              var byte: UInt8 = 0
              seen[3] += read(pipe.readEnd, &byte, 1)
            }
          }
        }
      }
      #expect(seen == expected)
    }
  }

  @Test("a signal is seen although more descriptors are ready than one turn takes")
  func amongMany() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      var loop = try EventLoop()
      try loop.watchSignals([SIGUSR1])
      let pipe = try Pipe()
      poke(pipe.writeEnd)
      for token in 0..<500 {
        try loop.add(fcntl(pipe.readEnd, F_DUPFD_CLOEXEC, 10), token: UInt64(token), readable: true, writable: false)
      }
      for _ in 0..<5 { _ = try loop.pending() }
      raise(SIGUSR1)
      var turns = 0
      while try !loop.next().contains(.signal(SIGUSR1)) { turns += 1 }
      #expect(turns <= 3)
      #expect(pipe.readEnd >= 0)
    }
  }

  @Test("the same signal cannot be watched twice, and says so")
  func twice() async {
    await #expect(processExitsWith: .success) {
      var loop = try EventLoop()
      try loop.watchSignals([SIGUSR1])
      do throws(SystemError) {
        try loop.watchSignals([SIGUSR1])
        Issue.record("accepted")
      } catch {
        #expect(error.description.hasPrefix("watch SIGUSR1, which is watched already: "))
      }
    }
  }
}
