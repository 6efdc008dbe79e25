import Messages
import Glibc
import LinuxIO
import Synchronization
import TestSupport
import Testing
import Time

@testable import ServiceManager

/// A service manager that reads, or does not. What concerns the environment is tried in a process of its own.
@Suite struct ServiceMessengerTests {
  @Test("without a service manager there is nobody to tell, no thread, and nothing to wait for")
  func nobody() async {
    await #expect(processExitsWith: .success) {
      unsetenv("NOTIFY_SOCKET")
      unsetenv("JOURNAL_STREAM")
      let before = threads()
      let messenger = try ServiceMessenger()
      #expect(!messenger.notifies && !messenger.journals && messenger.watchdogInterval == nil)
      messenger.ready()
      messenger.log(JournalEntry(.info, "x"))
      #expect(messenger.flush(atMost: .milliseconds(0)))
      #expect(threads() == before)
    }
  }

  @Test("it hears all that becomes of us, in order, at an abstract address")
  func inOrder() async {
    await #expect(processExitsWith: .success) {
      let manager = try NotificationSocket()
      setenv("NOTIFY_SOCKET", manager.address, 1)
      setenv("WATCHDOG_USEC", "3000000", 1)
      setenv("WATCHDOG_PID", "\(getpid())", 1)
      let messenger = try ServiceMessenger()
      #expect(messenger.watchdogInterval == 1_500_000_000)
      messenger.ready()
      #expect(heard(by: manager.descriptor) == "READY=1")
      messenger.status("4 workers")
      #expect(heard(by: manager.descriptor) == "STATUS=4 workers")
      messenger.alive()
      #expect(heard(by: manager.descriptor) == "WATCHDOG=1")
      messenger.reloading()
      #expect(heard(by: manager.descriptor).hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
      messenger.ready()
      #expect(heard(by: manager.descriptor) == "READY=1")
      messenger.extendTimeout(by: .seconds(5))
      #expect(heard(by: manager.descriptor) == "EXTEND_TIMEOUT_USEC=5000000")
      messenger.stopping()
      #expect(heard(by: manager.descriptor).hasPrefix("STOPPING=1"))
      #expect(messenger.flush(atMost: .seconds(60)))
    }
  }

  @Test("it may also listen at a path; a watchdog that is meant for another process is not ours")
  func path() async {
    await #expect(processExitsWith: .success) {
      let folder = try #require(makeTemporaryFolder())
      let path = "\(folder)/notify"
      let manager = FileDescriptor(owning: socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
      try #require(bindDatagrams(manager.rawValue, to: path) == 0)
      setenv("NOTIFY_SOCKET", path, 1)
      setenv("WATCHDOG_USEC", "3000000", 1)
      setenv("WATCHDOG_PID", "1", 1)
      let messenger = try ServiceMessenger()
      #expect(messenger.watchdogInterval == nil)
      messenger.ready()
      let text = heard(by: manager.rawValue)
      unlink(path)
      rmdir(folder)
      #expect(text == "READY=1")
    }
  }

  @Test("one that never reads makes nobody wait: not those who tell, and at the end only until the deadline")
  func deaf() async {
    await #expect(processExitsWith: .success) {
      let manager = try NotificationSocket()
      setenv("NOTIFY_SOCKET", manager.address, 1)
      let messenger = try ServiceMessenger()
      messenger.ready()
      // Until the thread hangs in sd_notify: the queue takes some ten messages.
      let filled = monotonicNow() + 1_000_000_000
      while monotonicNow() < filled { messenger.alive() }
      let start = monotonicNow()
      for number in 0..<10_000 {
        messenger.alive()
        messenger.status("\(number)")
      }
      messenger.stopping()
      #expect(monotonicNow() - start < .seconds(600), "each waited for a message to be taken")
      #expect(!messenger.flush(atMost: .milliseconds(100)))
      // It reads after all: what had been said last, and nothing of what had been overtaken.
      var texts: [String] = []
      while !(texts.last ?? "").contains("STOPPING=1") { texts.append(heard(by: manager.descriptor)) }
      #expect(texts.first?.hasPrefix("READY=1") == true)
      #expect(texts.last == "STOPPING=1\nWATCHDOG=1\nSTATUS=9999")
      #expect(texts.count < 2000)
      #expect(messenger.flush(atMost: .seconds(60)))
    }
  }

  @Test("messages for the journal come in their order, and none is lost at the end")
  func journal() throws {
    let written = Written()
    let messenger = try ServiceMessenger(ServiceMessenger.Channels(notify: nil, write: { written.append($0.message) }))
    #expect(messenger.journals && !messenger.notifies)
    for number in 0..<500 { messenger.log(JournalEntry(.info, "\(number)")) }
    #expect(messenger.flush(atMost: .seconds(60)))
    #expect(written.all == (0..<500).map(String.init))
  }

  @Test("libsystemd takes our fields; stderr is the journal when systemd says so of that very file")
  func libsystemd() async {
    await #expect(processExitsWith: .success) {
      unsetenv("NOTIFY_SOCKET")
      var status = stat()
      try #require(fstat(2, &status) == 0)
      setenv("JOURNAL_STREAM", "\(status.st_dev):\(status.st_ino)", 1)
      let messenger = try ServiceMessenger()
      #expect(messenger.journals && !messenger.notifies)
      var entry = JournalEntry(.debug, "a test of prefork", kind: .workerRecycled)
      entry.slot = 0
      messenger.log(entry)
      #expect(messenger.flush(atMost: .seconds(60)))
    }
  }

  @Test("sockets that were passed are found by name, and are not passed on; those of others are left alone")
  func passed() async {
    await #expect(processExitsWith: .success) {
      let listener = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
      for number: CInt in 3...5 { try #require(dup2(listener.descriptor, number + 100) >= 0) }
      setenv("LISTEN_FDS", "3", 1)
      setenv("LISTEN_FDNAMES", "jobs-ocr:control:jobs", 1)
      setenv("LISTEN_PID", "1", 1)
      #expect(try takePassedSockets() == [])
      setenv("LISTEN_FDS", "3", 1)
      setenv("LISTEN_FDNAMES", "jobs-ocr:control:jobs", 1)
      setenv("LISTEN_PID", "\(getpid())", 1)
      let address = listener.address
      for number: CInt in 3...5 { try #require(dup2(number + 100, number) == number) }
      let sockets = try takePassedSockets()
      #expect(sockets.map(\.descriptor) == [3, 4, 5])
      #expect(sockets.map(\.purpose) == [.jobs(pool: "ocr"), .control, .jobs(pool: nil)])
      #expect(fcntl(4, F_GETFD) & FD_CLOEXEC != 0)
      #expect(getenv("LISTEN_FDS") == nil && getenv("LISTEN_PID") == nil && getenv("LISTEN_FDNAMES") == nil)
      let taken = try ListeningSocket(inherited: 5)
      #expect(taken.address == address)
      // They were put over what the test itself may need at its end.
      exit(EXIT_SUCCESS)
    }
  }
}

/// What has been written, in its order.
private final class Written: Sendable {
  private let texts = Mutex<[String]>([])
  var all: [String] { texts.withLock { $0 } }
  func append(_ text: String) { texts.withLock { $0.append(text) } }
}

/// The next datagram, which must come within 60 s.
private func heard(by descriptor: CInt) -> String {
  var entry = pollfd(fd: descriptor, events: CShort(POLLIN), revents: 0)
  guard poll(&entry, 1, 60_000) == 1 else { return "STOPPING=1 (nothing came)" }
  var buffer = [UInt8](repeating: 0, count: 4096)
  let count = recv(descriptor, &buffer, buffer.count, 0)
  return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
}

private func bindDatagrams(_ descriptor: CInt, to path: String) -> CInt {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
}

/// The number of threads of this process.
private func threads() -> Int {
  guard let folder = opendir("/proc/self/task") else { return -1 }
  defer { closedir(folder) }
  var names: Set<String> = []
  while let entry = readdir(folder) {
    names.insert(
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      })
  }
  return names.count - 2
}
