/// Why the bytes of a connection are no Varlink.
public enum WireError: Error, Equatable, Sendable, CustomStringConvertible {
  /// More than `limit` bytes came without a message that can be taken.
  case tooLong(limit: Int)
  /// The bytes ended inside a message.
  case cutOff
  /// A message is not what it must be.
  case malformed(String)

  /// One sentence for people.
  public var description: String {
    switch self {
    case .tooLong(let limit): "more than \(limit) bytes without a message that could be taken"
    case .cutOff: "the connection ended in the middle of a message"
    case .malformed(let reason): "a message is malformed: \(reason)"
    }
  }
}

/// Splits a stream of bytes into messages that end with NUL. It holds `limit` bytes at most, whatever comes.
public struct MessageSplitter: Sendable {
  /// How many bytes may wait here: the longest message, its NUL included, and all that is behind it.
  public let limit: Int
  private var bytes: [UInt8] = []
  /// Where the first message that was not taken begins.
  private var start = 0
  /// No NUL stands between `start` and here.
  private var searched = 0

  /// A splitter with nothing in it.
  public init(limit: Int) { self.limit = limit }

  /// Bytes that were not taken, those of a message that is not complete included.
  public var count: Int { bytes.count - start }

  /// Adds what has come. On an error all that is here is dropped.
  public mutating func append(_ chunk: RawSpan) throws(WireError) {
    if start > 0 {
      bytes.removeFirst(start)
      searched -= start
      start = 0
    }
    guard chunk.byteCount <= limit - bytes.count else {
      bytes = []
      searched = 0
      throw .tooLong(limit: limit)
    }
    unsafe chunk.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
  }

  /// The next message without its NUL; nil until it is complete.
  public mutating func next() -> [UInt8]? {
    guard let end = bytes[searched...].firstIndex(of: 0) else {
      searched = bytes.count
      return nil
    }
    defer {
      start = end + 1
      searched = start
      if start == bytes.count { drop() }
    }
    return Array(bytes[start..<end])
  }

  /// Gives the room back that a long message took.
  private mutating func drop() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 65536)
    start = 0
    searched = 0
  }
}
