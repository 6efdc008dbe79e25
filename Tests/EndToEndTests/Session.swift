import Glibc
import Synchronization
import Testing

/// A running line of sh with a pipe to each of its standard streams, to talk with while it runs.
///
/// Everything waits for something to happen, and never longer than the deadline: then all that the line started is
/// killed, and the test fails with what was said so far.
final class Session {
  /// The process of the shell; that of prefork if the line begins with `exec`.
  let pid: pid_t
  /// Stands in the environment of all that the line starts, so that nothing of it can hide.
  let cookie: String
  private let line: String
  private let deadline: UInt64
  private let place: SourceLocation
  private var input: CInt?
  private var unsent: ArraySlice<UInt8> = []
  private var closesInput = false
  private var output: CInt?
  private var errors: CInt?
  private(set) var outputBytes: [UInt8] = []
  private var errorBytes: [UInt8] = []
  private var taken = 0
  private var status: Int32?

  /// One spawn at a time: until O_CLOEXEC is set, a pipe would be inherited by a process that another test starts.
  private static let spawning = Mutex(0)

  init(_ line: String, seconds: Double = 240, sourceLocation: SourceLocation = #_sourceLocation) throws {
    self.line = line
    place = sourceLocation
    deadline = monotonicTime() + UInt64(seconds * 1e9)
    let number = Self.spawning.withLock { count in
      count += 1
      return count
    }
    cookie = "SESSION_OF_TEST=\(getpid()).\(number)"
    var pipes: [(read: CInt, write: CInt)] = []
    let cookie = self.cookie
    pid = try Self.spawning.withLock { _ in
      for _ in 0..<3 { pipes.append(try privatePipe()) }
      defer { for descriptor in [pipes[0].read, pipes[1].write, pipes[2].write] { close(descriptor) } }
      return try spawnShell(line, [pipes[0].read, pipes[1].write, pipes[2].write], cookie)
    }
    input = pipes[0].write
    output = pipes[1].read
    errors = pipes[2].read
    for descriptor in [pipes[0].write, pipes[1].read, pipes[2].read] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
  }

  deinit {
    for descriptor in [input, output, errors] { if let descriptor { close(descriptor) } }
    if status == nil {
      kill(-pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    for survivor in processes(with: cookie) { kill(survivor, SIGKILL) }
  }

  /// Bytes given to `send` that its pipe has not taken yet.
  var unsentCount: Int { unsent.count }

  /// The worker processes of a line that begins with `exec prefork`: its children but for the guard. Two looks in a row
  /// must agree: of what changes during a look, such as a worker that is replaced, only a part would be seen.
  var workers: [pid_t] {
    var workers = workersAtALook()
    while monotonicTime() < deadline {
      let again = workersAtALook()
      if again == workers { break }
      workers = again
    }
    return workers
  }

  private func workersAtALook() -> [pid_t] {
    children(of: pid).map(\.pid).filter { (try? contents(of: "/proc/\($0)/comm")) != "worker-guard\n" }
  }

  var outputText: String { String(decoding: outputBytes, as: UTF8.self) }

  var errorText: String { String(decoding: errorBytes, as: UTF8.self) }

  // MARK: Talking

  /// Puts text on its way to stdin.
  func send(_ text: String) {
    unsent += Array(text.utf8)
    write()
  }

  /// Closes stdin, once all is sent.
  func closeInput() {
    closesInput = true
    write()
  }

  func signal(_ signal: CInt) { kill(pid, signal) }

  /// The next line of stdout, without its newline; nil at its end.
  func nextLine() -> String? {
    var end: Int?
    wait(for: "a line on stdout") {
      end = self.outputBytes[self.taken...].firstIndex(of: UInt8(ascii: "\n"))
      return end != nil || self.output == nil
    }
    guard let end else { return nil }
    defer { taken = end + 1 }
    return String(decoding: outputBytes[taken..<end], as: UTF8.self)
  }

  /// Waits until stderr holds this text.
  func waitForError(_ text: String) { wait(for: "\"\(text)\" on stderr") { self.errorText.contains(text) } }

  /// Closes our end of its stdout: the reader has gone.
  func closeOutput() {
    if let output { close(output) }
    output = nil
  }

  /// Waits for its end, and for that of all that it started.
  func finish(sweeping: Bool = false) -> ShellResult {
    closeInput()
    wait(for: "the end") { self.hasEnded() && self.output == nil && self.errors == nil }
    var left = processes(with: cookie)
    // What was killed a moment ago may not have vanished yet, and on a busy machine a moment is long. What is really
    // left lives for minutes.
    let patience = monotonicTime() + 40_000_000_000
    while !sweeping, !left.isEmpty, monotonicTime() < patience {
      poll(nil, 0, 5)
      left = processes(with: cookie)
    }
    for survivor in left { kill(survivor, SIGKILL) }
    if !sweeping, !left.isEmpty { fail("left behind: \(left)") }
    return ShellResult(
      output: outputText, status: status ?? -1, errors: errorText)
  }

  /// True once it has ended and was reaped.
  func hasEnded() -> Bool {
    guard status == nil else { return true }
    var word: CInt = 0
    guard waitpid(pid, &word, WNOHANG) == pid else { return false }
    status = word & 0x7F == 0 ? (word >> 8) & 0xFF : 128 + (word & 0x7F)
    return true
  }

  /// Moves bytes until the condition holds. `whileReading` false leaves its stdout alone: a reader that is slow.
  func wait(for what: String, whileReading: Bool = true, until condition: () -> Bool) {
    while !condition() {
      guard monotonicTime() < deadline else { return giveUp(what) }
      var entries = [pollfd(fd: errors ?? -1, events: CShort(POLLIN), revents: 0)]
      entries.append(pollfd(fd: whileReading ? output ?? -1 : -1, events: CShort(POLLIN), revents: 0))
      entries.append(pollfd(fd: unsent.isEmpty ? -1 : input ?? -1, events: CShort(POLLOUT), revents: 0))
      poll(&entries, 3, 5)
      if entries[2].revents != 0 { write() }
      if whileReading { Self.read(&output, into: &outputBytes) }
      Self.read(&errors, into: &errorBytes)
    }
  }

  private func giveUp(_ what: String) {
    fail("the deadline passed without \(what)")
    kill(-pid, SIGKILL)
    for survivor in processes(with: cookie) { kill(survivor, SIGKILL) }
    waitpid(pid, nil, 0)
    status = status ?? -1
    for descriptor in [output, errors] { if let descriptor { close(descriptor) } }
    (output, errors) = (nil, nil)
  }

  private func fail(_ what: String) {
    let said = String(decoding: outputBytes.suffix(300), as: UTF8.self)
    Issue.record("\(what)\nline: \(line)\nstdout: …\(said)\nstderr: …\(errorText.suffix(1500))", sourceLocation: place)
  }

  // MARK: Bytes

  private func write() {
    while let descriptor = input, !unsent.isEmpty {
      let count = unsent.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EAGAIN { return }
        unsent = []  // nobody reads any more: not for us to judge
      } else {
        unsent.removeFirst(count)
      }
    }
    if closesInput, let descriptor = input {
      close(descriptor)
      input = nil
    }
  }

  private static func read(_ descriptor: inout CInt?, into bytes: inout [UInt8]) {
    var block = [UInt8](repeating: 0, count: 65536)
    while let number = descriptor {
      let count = Glibc.read(number, &block, block.count)
      if count > 0 {
        bytes += block[..<count]
      } else if count < 0, errno == EAGAIN || errno == EINTR {
        return
      } else {
        close(number)
        descriptor = nil
      }
    }
  }
}
