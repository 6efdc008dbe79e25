/// Bytes in, bytes out, first in first out, in one stretch of memory that can be searched, read into and written from.
///
/// It grows as needed and gives memory back: a single huge frame must not be paid for ever after.
public struct ByteQueue: ~Copyable {
  /// A queue larger than this shrinks when it is empty, or nearly so.
  private static let keptCapacity = 256 * 1024

  private var memory: UnsafeMutableRawBufferPointer
  private var head = 0
  private var tail = 0
  private let firstCapacity: Int
  /// The last read took all the room that it was given: there may be more to read.
  public private(set) var isFilled = false

  /// An empty queue with room for `capacity` bytes before it must grow.
  public init(capacity: Int = 4096) {
    firstCapacity = capacity
    memory = SpareBlocks.allocate(capacity)
  }

  deinit { SpareBlocks.deallocate(memory) }

  /// Bytes waiting.
  public var count: Int { tail - head }
  /// True when none wait.
  public var isEmpty: Bool { head == tail }

  /// Bytes of memory held now.
  var capacity: Int { memory.count }

  /// Adds bytes at the end.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    makeRoom(bytes.count)
    memory.baseAddress!.advanced(by: tail).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    tail += bytes.count
  }

  /// Adds one byte at the end.
  public mutating func append(_ byte: UInt8) {
    makeRoom(1)
    memory[tail] = byte
    tail += 1
  }

  /// Drops bytes from the front.
  public mutating func removeFirst(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    head += count
    if head == tail {
      becomeEmpty()
    } else if isOversized, self.count < memory.count / 16 {
      // A stream that is cut anywhere may leave a rest for ever: to wait for it to be empty would be to keep the
      // memory.
      moveTo(SpareBlocks.allocate(max(firstCapacity, 2 * self.count)))
    }
  }

  /// Drops `count` bytes from the front and returns those of them at `place`, counted from the front. The memory goes
  /// with a large part of the queue, and only the bytes behind it are copied.
  public mutating func removeFirst(_ count: Int, sharing place: Range<Int>) -> SharedBytes {
    let isMost = place.count >= tail / 2 && place.count >= memory.count / 4
    guard isMost, place.count >= SharedBytes.leastSize else {
      defer { removeFirst(count) }
      return withUnsafeBytes { SharedBytes(copying: UnsafeRawBufferPointer(rebasing: $0[place])) }
    }
    let shared = SharedBytes(memory, head + place.lowerBound..<head + place.upperBound)
    let rest = memory[head + count..<tail]
    use(SpareBlocks.allocateForGrowth(max(firstCapacity, 2 * rest.count)), for: UnsafeRawBufferPointer(rebasing: rest))
    return shared
  }

  /// Drops everything.
  public mutating func removeAll() { becomeEmpty() }

  /// Lends the waiting bytes.
  @inline(__always)
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    body(UnsafeRawBufferPointer(rebasing: memory[head..<tail]))
  }

  /// One read of at most `atMost` bytes (at least 1) to the end of the queue.
  public mutating func fill(from fd: CInt, atMost: Int = 65536) -> ReadResult {
    fill(atMost: atMost) { readOnce(fd, $0) }
  }

  /// Fills the end of the queue by any means of reading.
  mutating func fill(atMost: Int, _ read: (UnsafeMutableRawBufferPointer) -> ReadResult) -> ReadResult {
    precondition(atMost > 0, "a read of no bytes cannot be told from the end of the file")
    // Small queues grow only when a read fills them: most replies are small, and there are many workers.
    makeRoom(min(atMost, max(1024, firstCapacity / 2)))
    let room = min(atMost, memory.count - tail)
    let result = read(UnsafeMutableRawBufferPointer(rebasing: memory[tail..<tail + room]))
    if case .bytes(let count) = result {
      tail += count
      isFilled = count == room
      if isFilled, room < atMost { makeRoom(min(atMost, memory.count)) }
    }
    return result
  }

  /// One write from the front of the queue; what was written is dropped.
  public mutating func drain(to fd: CInt) -> WriteResult { drain(atMost: .max) { writeOnce(fd, $0) } }

  /// Empties the front of the queue by any means of writing.
  mutating func drain(atMost: Int, _ write: (UnsafeRawBufferPointer) -> WriteResult) -> WriteResult {
    let end = min(tail, head + min(atMost, count))
    let result = write(UnsafeRawBufferPointer(rebasing: memory[head..<end]))
    if case .bytes(let count) = result { removeFirst(count) }
    return result
  }

  private var isOversized: Bool { memory.count > max(Self.keptCapacity, firstCapacity) }

  private mutating func becomeEmpty() {
    head = 0
    tail = 0
    if isOversized { moveTo(SpareBlocks.allocate(firstCapacity)) }
  }

  private mutating func makeRoom(_ needed: Int) {
    if memory.count - tail >= needed { return }
    let waiting = count
    if memory.count - waiting >= needed, waiting <= memory.count / 2 {
      use(memory, for: UnsafeRawBufferPointer(rebasing: memory[head..<tail]), room: needed)
    } else {
      moveTo(SpareBlocks.allocateForGrowth(max(waiting + needed, memory.count * 2)), room: needed)
    }
  }

  private mutating func moveTo(_ other: UnsafeMutableRawBufferPointer, room: Int = 0) {
    let old = memory
    use(other, for: UnsafeRawBufferPointer(rebasing: old[head..<tail]), room: room)
    SpareBlocks.deallocate(old)
  }

  /// Copies the waiting bytes to this memory, which is used from now on, such that the next read is aligned, if there
  /// is room for that and for `room` more bytes.
  private mutating func use(
    _ other: UnsafeMutableRawBufferPointer, for waiting: UnsafeRawBufferPointer, room: Int = 0
  ) {
    memory = other
    head = min(-waiting.count & (SpareBlocks.alignment - 1), other.count - waiting.count - room)
    tail = head + waiting.count
    if !waiting.isEmpty { (other.baseAddress! + head).copyMemory(from: waiting.baseAddress!, byteCount: waiting.count) }
  }
}
