import LinuxIO

/// Bytes for a worker that its pipe had no room for yet. A large job is not copied but shared with its owner.
struct Outbound: ~Copyable {
  /// The bytes before the shared job; all bytes, if there is none.
  private var queue = ByteQueue(capacity: 0)
  private var shared: SharedBytes?
  /// How many bytes of it are written.
  private var written = 0
  /// The bytes behind the shared job.
  private var rest = ByteQueue(capacity: 0)

  /// All bytes that were ever appended.
  private(set) var total = 0

  /// Bytes that wait.
  var count: Int { queue.count + (shared?.count ?? 0) - written + rest.count }
  var isEmpty: Bool { queue.isEmpty && shared == nil }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    total += bytes.count
    if shared == nil { queue.append(bytes) } else { rest.append(bytes) }
  }

  /// This job waits behind what there is. There may be only one, of at least one byte.
  mutating func share(_ job: SharedBytes) {
    precondition(shared == nil && job.count > 0)
    total += job.count
    shared = job
    written = 0
  }

  /// One write from the front.
  mutating func drain(to descriptor: CInt) -> WriteResult {
    guard let shared else { return queue.drain(to: descriptor) }
    let result = queue.withUnsafeBytes { first in
      shared.withUnsafeBytes { second in
        rest.withUnsafeBytes { third in
          writeOnce(descriptor, first, UnsafeRawBufferPointer(rebasing: second[written...]), third)
        }
      }
    }
    if case .bytes(let count) = result { removeFirst(count) }
    return result
  }

  private mutating func removeFirst(_ count: Int) {
    let first = min(count, queue.count)
    queue.removeFirst(first)
    let all = shared?.count ?? 0
    let second = min(count - first, all - written)
    written += second
    guard written == all else { return }
    rest.removeFirst(count - first - second)
    dropShared()
  }

  mutating func removeAll() {
    queue.removeAll()
    rest.removeAll()
    dropShared()
  }

  /// The shared job and everything before it are written.
  private mutating func dropShared() {
    shared = nil
    written = 0
    swap(&queue, &rest)
  }
}
