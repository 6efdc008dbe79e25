import CLinux
import Glibc

/// A terminal whose whole screen and every key are ours for a while, and which is given back as it was: when its owner
/// ends, when the process is stopped and goes on, and, as far as that can be, when it crashes. There is one at a time.
///
/// Writes never block, so that a window that nobody reads (a stopped ssh) does not stop everything else.
public struct FullScreen: ~Copyable {
  /// Where a terminal that does not read is waited for at the end, in milliseconds.
  private static let patience: CInt = 500

  /// Where keys come from; readable when there are some.
  public let keys: CInt
  /// Where the screen is written to; writable when there is room.
  public let screen: CInt
  private let ownScreen: FileDescriptor?
  private let enter: String
  /// Stays where it is: a crash needs it.
  private let leave: UnsafeMutablePointer<CChar>
  private var isTaken = false

  /// Takes the terminal. `enter` is what makes the screen ours, `leave` what gives it back.
  public init(keys: CInt, screen: CInt, enter: String, leave: String) throws(SystemError) {
    self.keys = keys
    // The flags of an inherited descriptor are shared with the shell: this one is our own. Another user's terminal (su)
    // cannot be opened; it is written as it is, then.
    let own = prefork_open("/proc/self/fd/\(screen)", O_WRONLY | O_NONBLOCK | O_NOCTTY)
    ownScreen = own >= 0 ? FileDescriptor(owning: own) : nil
    self.screen = own >= 0 ? own : screen
    self.enter = enter
    self.leave = strdup(leave)
    try take()
  }

  deinit {
    if isTaken { Self.giveBack(screen, leave) }
    free(leave)
  }

  /// Takes the terminal again after `giveBack`, or after somebody else has changed it (SIGCONT).
  public mutating func take() throws(SystemError) {
    if isTaken { prefork_terminal_give_back() }
    if prefork_terminal_take(keys, screen, leave) < 0 { throw SystemError("set the terminal") }
    isTaken = true
    var text = enter
    text.withUTF8 { Self.write($0, to: screen) }
  }

  /// Gives the terminal back.
  public mutating func giveBack() {
    guard isTaken else { return }
    isTaken = false
    Self.giveBack(screen, leave)
  }

  /// Reads the keys that are there. `.endOfFile` means none, too, unless the terminal has hung up.
  public func readKeys(into keys: inout [UInt8]) -> ReadResult {
    var result = ReadResult.wouldBlock
    keys = [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
      result = readOnce(self.keys, UnsafeMutableRawBufferPointer(buffer))
      if case .bytes(let read) = result { count = read }
    }
    return result
  }

  private static func giveBack(_ screen: CInt, _ leave: UnsafeMutablePointer<CChar>) {
    leave.withMemoryRebound(to: UInt8.self, capacity: strlen(leave)) {
      write(UnsafeBufferPointer(start: $0, count: strlen(leave)), to: screen)
    }
    prefork_terminal_give_back()
  }

  /// Writes all of it, as far as a terminal that takes nothing for a while allows.
  private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to screen: CInt) {
    var rest = UnsafeRawBufferPointer(bytes)[...]
    while !rest.isEmpty {
      switch writeOnce(screen, UnsafeRawBufferPointer(rebasing: rest)) {
      case .bytes(let count): rest = rest.dropFirst(count)
      case .wouldBlock:
        var entry = pollfd(fd: screen, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, patience) > 0, entry.revents & Int16(POLLOUT) != 0 else { return }
      case .closed, .failed: return
      }
    }
  }
}
