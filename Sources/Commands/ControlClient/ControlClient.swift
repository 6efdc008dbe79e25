import ControlProtocol
import Glibc
import LinuxIO
import Time

/// A connection to the control socket of a served pool, for programs that may wait. Every call waits for its answers
/// before the next one is made.
public struct ControlClient: ~Copyable {
  /// How long a server may take to answer, by default.
  public static let defaultPatience: Nanoseconds = .seconds(10)
  /// A longer answer is refused: 64 MiB hold the state of 100 000 slots.
  static let longestAnswer = 64 << 20

  /// The socket that was found.
  public let path: String
  private let stream: UnixStream
  private let patience: Nanoseconds
  private var splitter = MessageSplitter(limit: longestAnswer)

  /// Connects. It and every answer may take `patience`.
  public init(
    connectingTo address: ControlAddress, patience: Nanoseconds = defaultPatience
  ) throws(ControlClientError) {
    path = address.resolved
    self.patience = patience
    do throws(SystemError) {
      stream = try UnixStream(connectingTo: path, until: monotonicNow() + patience)
    } catch {
      throw ControlClientError(error, address.resolved)
    }
  }

  /// Readable when an answer, a part of one, or the end has come.
  public var descriptor: CInt { stream.descriptor }

  /// Asks, and waits for the one answer.
  public mutating func ask(_ request: ControlRequest) throws(ControlClientError) -> ControlReply {
    try send(request)
    guard let answer = try nextAnswer(to: request) else { throw .closed(path) }
    return answer.reply
  }

  /// Asks. The answers come from `nextAnswer`.
  public mutating func send(_ request: ControlRequest) throws(ControlClientError) {
    var left: Nanoseconds? = patience
    var message = request.message[...]
    while !message.isEmpty {
      switch message.withUnsafeBytes({ stream.write($0) }) {
      case .bytes(let count): message = message.dropFirst(count)
      case .wouldBlock:
        if !wait(forWriting: true, &left) { throw .noAnswer(path, after: patience) }
      case .closed: throw .closed(path)
      case .failed(let error): throw .system(error)
      }
    }
  }

  /// Waits for the next answer to `request`, which was sent; nil if the server closed the connection. `forEver` waits
  /// as long as it takes, for answers that depend on how long jobs run.
  public mutating func nextAnswer(
    to request: ControlRequest, forEver: Bool = false
  ) throws(ControlClientError) -> ControlAnswer? {
    var left = forEver ? nil : patience
    while true {
      if let answer = try takeAnswer(to: request) { return answer }
      if !wait(forWriting: false, &left) { throw .noAnswer(path, after: patience) }
      if try !read() { return nil }
    }
  }

  /// Waits until the stream can be read or, if `forWriting`, written; false if that takes longer than what is left of
  /// the patience, nil for no limit. It waits in turns, each of which costs no more than was planned: if the machine
  /// stalls the server stands still, too, and is not to blame.
  private func wait(forWriting: Bool, _ left: inout Nanoseconds?) -> Bool {
    while let rest = left {
      guard rest > .zero else { return false }
      let (turn, start) = (min(rest, .milliseconds(500)), monotonicNow())
      let isReady = stream.wait(forWriting: forWriting, until: start + turn)
      left = rest - min(monotonicNow() - start, turn)
      if isReady { return true }
    }
    return stream.wait(forWriting: forWriting, until: nil)
  }

  /// The next answer that has come already; nil if there is none. Call `read` when the descriptor is readable.
  public mutating func takeAnswer(to request: ControlRequest) throws(ControlClientError) -> ControlAnswer? {
    guard let message = splitter.next() else { return nil }
    do throws(ReplyError) {
      return try ControlAnswer(message, to: request)
    } catch {
      switch error {
      case .refused(let error): throw .refused(error)
      case .malformed(let reason): throw .malformed(reason)
      }
    }
  }

  /// Reads what has come, without waiting; false at the end.
  public mutating func read() throws(ControlClientError) -> Bool {
    var result = ReadResult.wouldBlock
    let chunk = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
      result = stream.read(into: UnsafeMutableRawBufferPointer(buffer))
      if case .bytes(let read) = result { count = read }
    }
    switch result {
    case .bytes: break
    case .wouldBlock: return true
    case .endOfFile: return false
    case .failed(let error):
      // The server went away with something of ours unread.
      if error.code == ECONNRESET { return false }
      throw .system(error)
    }
    do throws(WireError) {
      try splitter.append(chunk.span.bytes)
    } catch {
      throw .malformed(error.description)
    }
    return true
  }
}
