import LinuxIO

/// What a worker's pipe has not taken yet. A large frame is not copied: it is shared with its owner, and stands first.
struct Outbound: ~Copyable {
  private var frame: [UInt8] = []
  /// How many bytes of the frame are written.
  private var written = 0
  private var queue = ByteQueue(capacity: 0)

  /// Bytes that wait.
  var count: Int { frame.count - written + queue.count }
  var isEmpty: Bool { frame.isEmpty && queue.isEmpty }

  mutating func append(_ bytes: UnsafeRawBufferPointer) { queue.append(bytes) }

  /// The rest of this frame waits; nothing else may.
  mutating func share(_ frame: [UInt8], written: Int) {
    precondition(isEmpty)
    self.frame = frame
    self.written = written
  }

  /// One write from the front.
  mutating func drain(to descriptor: CInt) -> WriteResult {
    guard !frame.isEmpty else { return queue.drain(to: descriptor) }
    let result = frame.withUnsafeBytes { writeOnce(descriptor, UnsafeRawBufferPointer(rebasing: $0[written...])) }
    if case .bytes(let count) = result { written += count }
    if written == frame.count { dropFrame() }
    return result
  }

  mutating func removeAll() {
    dropFrame()
    queue.removeAll()
  }

  private mutating func dropFrame() {
    frame = []
    written = 0
  }
}
