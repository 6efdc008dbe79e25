import Glibc

/// The width of a terminal's window in cells; nil if this is no terminal, or one that does not know (a serial line).
public func terminalColumns(of fd: CInt) -> Int? { terminalSize(of: fd)?.columns }

/// Width and height of a terminal's window in cells, neither of them 0; nil likewise.
public func terminalSize(of fd: CInt) -> (columns: Int, rows: Int)? {
  var size = winsize()
  guard ioctl(fd, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
  return (Int(size.ws_col), max(1, Int(size.ws_row)))
}

/// False when this is our terminal, but belongs to others for now: we were started with `&`, or put aside with `bg`.
/// What is drawn on it then is in their way. True for a terminal that is not our own, as there is nobody in front
/// there.
public func isInForeground(of fd: CInt) -> Bool {
  let group = tcgetpgrp(fd)
  return group < 0 || group == getpgrp()
}

/// The terminal that controls this process, if it had one when this was made.
public struct ControllingTerminal: Sendable {
  private let existed: Bool

  /// Looks for it.
  public init() { existed = Self.exists }

  /// Whether a SIGHUP of this process means that it has hung up: the leader of our session passes that on. Later, when
  /// the leader is gone, too, the SIGHUP of anybody else means what it always does.
  public func isGone(accordingTo sender: CInt) -> Bool { existed && sender == getsid(0) && !Self.exists }

  private static var exists: Bool { (try? FileDescriptor.open("/dev/tty", flags: O_RDONLY | O_NOCTTY)) != nil }
}

/// Whether the descriptor is a terminal.
public func isTerminal(_ fd: CInt) -> Bool { isatty(fd) == 1 }

/// The value of a variable of our environment; nil if it is not set.
public func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
