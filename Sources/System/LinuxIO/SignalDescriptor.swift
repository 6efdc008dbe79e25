import CLinux
import Glibc

/// A descriptor that is readable while one of its signals is pending (signalfd(2)). It gets only signals that are
/// blocked.
public struct SignalDescriptor: ~Copyable {
  /// A signal that came.
  public struct Received: Sendable {
    /// Its number.
    public let number: CInt
    /// Where it came from: si_code of sigaction(2).
    public let code: CInt
    /// The process that sent it.
    public let sender: CInt
  }

  private let descriptor: FileDescriptor

  /// Of no signals yet.
  public init() throws(SystemError) {
    let number = prefork_signals_create()
    if number < 0 { throw SystemError("signalfd") }
    descriptor = FileDescriptor(owning: number)
  }

  /// To be watched for reading.
  public var rawValue: CInt { descriptor.rawValue }

  /// Gets these signals, and no others, from now on.
  public func watch(_ signals: Set<CInt>) throws(SystemError) {
    var set = signalSet(signals)
    if prefork_signals_watch(descriptor.rawValue, &set) < 0 { throw SystemError("signalfd") }
  }

  /// The next one that is pending; nil if none is.
  public func next() throws(SystemError) -> Received? {
    var (number, code, sender): (CInt, CInt, CInt) = (0, 0, 0)
    let result = prefork_signals_next(descriptor.rawValue, &number, &code, &sender)
    if result < 0 { throw SystemError("read a signal") }
    return result == 0 ? nil : Received(number: number, code: code, sender: sender)
  }
}

/// Blocks these signals in this thread, besides those that are blocked already.
public func block(_ signals: Set<CInt>) throws(SystemError) {
  var set = signalSet(signals)
  if sigprocmask(SIG_BLOCK, &set, nil) < 0 { throw SystemError("sigprocmask") }
}

func signalSet(_ signals: Set<CInt>) -> sigset_t {
  var set = sigset_t()
  sigemptyset(&set)
  for signal in signals { sigaddset(&set, signal) }
  return set
}
