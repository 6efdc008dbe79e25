import EventLoop
import Glibc
import LinuxIO
import SystemEvents
import TestSupport
import Testing
import Time

@Suite struct ReadinessTests {
  @Test("a descriptor is told ready as long as it is, with its token")
  func levelTriggered() throws {
    var loop = try EventLoop()
    let pipe = try Pipe()
    try loop.add(pipe.readEnd, token: 7, readable: true, writable: false)
    let none = try loop.pending()
    poke(pipe.writeEnd)
    let first = try loop.pending()
    let second = try loop.pending()
    var byte: UInt8 = 0
    #expect(read(pipe.readEnd, &byte, 1) == 1)
    let last = try loop.pending()
    #expect(none == [] && first == [ready(7, readable: true)] && second == first && last == [])
  }

  @Test("watched for changes it is reported once for each, and once more when it is asked for again")
  func edgeTriggered() throws {
    var loop = try EventLoop()
    let pipe = try Pipe()
    try loop.add(pipe.readEnd, token: 7, readable: true, writable: false, once: true)
    poke(pipe.writeEnd)
    let first = try loop.pending()
    let again = try loop.pending()
    poke(pipe.writeEnd)
    let more = try loop.pending()
    try loop.modify(pipe.readEnd, token: 7, readable: true, writable: false, once: true)
    let asked = try loop.pending()
    let last = try loop.pending()
    let once = [ready(7, readable: true)]
    #expect(first == once && again == [] && more == once && asked == once && last == [])
  }

  @Test("what became ready during a standstill is reported once, whether it is watched for changes or not")
  func afterStandstill() throws {
    var loop = try EventLoop()
    let edge = try Pipe()
    let level = try Pipe()
    try loop.add(edge.readEnd, token: 7, readable: true, writable: false, once: true)
    try loop.add(level.readEnd, token: 8, readable: true, writable: false)
    poke(edge.writeEnd)
    poke(level.writeEnd)
    // The loop does not learn that this was on purpose.
    usleep(300_000)
    var events: [LoopEvent] = []
    try loop.wait(into: &events, atMost: .none)
    #expect(events.count == 2)
    #expect(events.contains(ready(7, readable: true)) && events.contains(ready(8, readable: true)))
  }

  @Test("room to write is told only while it is asked for")
  func writable() throws {
    var loop = try EventLoop()
    let pipe = try Pipe()
    try loop.add(pipe.writeEnd, token: 1, readable: false, writable: true)
    let asked = try loop.pending()
    try loop.modify(pipe.writeEnd, token: 1, readable: false, writable: false)
    let notAsked = try loop.pending()
    try loop.modify(pipe.writeEnd, token: 2, readable: false, writable: true)
    let newToken = try loop.pending()
    #expect(asked == [ready(1, writable: true)] && notAsked == [] && newToken == [ready(2, writable: true)])
  }

  @Test("a hang-up comes with readable, so that what is left is read, and even when nothing was asked for")
  func hangup() throws {
    var loop = try EventLoop()
    var pipe = try Pipe()
    try loop.add(pipe.readEnd, token: 1, readable: true, writable: false)
    poke(pipe.writeEnd)
    _ = pipe.takeWriteEnd()
    let withData = try loop.pending()
    try loop.modify(pipe.readEnd, token: 1, readable: false, writable: false)
    let unasked = try loop.pending()
    #expect(withData == [ready(1, readable: true, hangup: true)])
    #expect(unasked == [ready(1, readable: true, hangup: true)])
  }

  @Test("a writer learns that its reader has gone")
  func readerGone() throws {
    var loop = try EventLoop()
    var pipe = try Pipe()
    try loop.add(pipe.writeEnd, token: 1, readable: false, writable: false)
    let before = try loop.pending()
    _ = pipe.takeReadEnd()
    let after = try loop.pending()
    #expect(before == [] && after == [ready(1, readable: true, hangup: true)])
  }

  @Test("a removed descriptor is never told of again, a closed one neither; its number may serve anew")
  func removed() throws {
    var loop = try EventLoop()
    var first = try Pipe()
    let second = try Pipe()
    poke(first.writeEnd)
    poke(second.writeEnd)
    try loop.add(first.readEnd, token: 1, readable: true, writable: false)
    try loop.add(second.readEnd, token: 2, readable: true, writable: false)
    loop.remove(second.readEnd)
    loop.remove(second.readEnd)
    let afterRemoval = try loop.pending()
    _ = first.takeReadEnd()
    let afterClosing = try loop.pending()
    try loop.add(second.readEnd, token: 3, readable: true, writable: false)
    let again = try loop.pending()
    #expect(afterRemoval == [ready(1, readable: true)] && afterClosing == [] && again == [ready(3, readable: true)])
  }

  @Test("regular files and /dev/null are refused; so is what is watched already, and a change of what is not")
  func refused() throws {
    var loop = try EventLoop()
    let null = try FileDescriptor.open("/dev/null", flags: O_RDONLY)
    let file = try FileDescriptor.open("/proc/self/exe", flags: O_RDONLY)
    let pipe = try Pipe()
    var codes: [CInt] = []
    for fd in [null.rawValue, file.rawValue, pipe.readEnd, pipe.readEnd] {
      do { try loop.add(fd, token: 1, readable: true, writable: false) } catch { codes.append(error.code) }
    }
    do { try loop.modify(pipe.writeEnd, token: 1, readable: true, writable: false) } catch { codes.append(error.code) }
    #expect(codes == [EPERM, EPERM, EEXIST, ENOENT])
  }

  @Test("of very many ready descriptors every one gets its turn")
  func many() throws {
    var loop = try EventLoop()
    let pipe = try Pipe()
    poke(pipe.writeEnd)
    // Copies of one descriptor are watched each for itself.
    let copies = (0..<600).map { _ in fcntl(pipe.readEnd, F_DUPFD_CLOEXEC, 10) }
    defer { for copy in copies { close(copy) } }
    for (token, copy) in copies.enumerated() {
      try loop.add(copy, token: UInt64(token), readable: true, writable: false)
    }
    var seen = Set<UInt64>()
    for _ in 0..<3 {
      for case .ready(let token, _, _, _) in try loop.pending() { seen.insert(token) }
    }
    #expect(seen.count == 600)
  }

  @Test("events are added to the list, which may hold others")
  func appends() throws {
    var loop = try EventLoop()
    let pipe = try Pipe()
    try loop.add(pipe.writeEnd, token: 1, readable: false, writable: true)
    var events: [LoopEvent] = [.alarm]
    try loop.wait(into: &events)
    #expect(events == [.alarm, ready(1, writable: true)])
  }

  @Test("the time of a turn is that of its wake-up")
  func turnTime() throws {
    var loop = try EventLoop()
    let before = monotonicNow()
    _ = try loop.pending()
    let now = loop.now()
    #expect((before...monotonicNow()).contains(now))
    #expect(loop.now() == now)
  }

  @Test("without systemd there is no watchdog")
  func watchdog() throws {
    var loop = try EventLoop()
    let isEnabled = try loop.enableWatchdog()
    #expect(!isEnabled)
  }

  @Test("systemd's watchdog is pinged while the loop turns, beside the signals; one for another process is not ours")
  func pingedWatchdog() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let manager = try NotificationSocket()
      setenv("NOTIFY_SOCKET", manager.address, 1)
      setenv("WATCHDOG_USEC", "40000", 1)
      setenv("WATCHDOG_PID", "1", 1)
      var loop = try EventLoop()
      let isAnothers = try !loop.enableWatchdog()
      setenv("WATCHDOG_PID", "\(getpid())", 1)
      try loop.watchSignals([SIGUSR1])
      let isOurs = try loop.enableWatchdog()
      #expect(isAnothers && isOurs)
      raise(SIGUSR1)
      var seen: [LoopEvent] = []
      var pings = 0
      while pings < 4 {
        seen += try loop.events(until: monotonicNow() + 10 * millisecond)
        var message = [UInt8](repeating: 0, count: 64)
        let count = recv(manager.descriptor, &message, message.count, CInt(MSG_DONTWAIT))
        if count > 0 { pings += String(decoding: message[..<count], as: UTF8.self) == "WATCHDOG=1" ? 1 : 100 }
      }
      #expect(pings == 4 && seen == [.signal(SIGUSR1)])
    }
  }
}
