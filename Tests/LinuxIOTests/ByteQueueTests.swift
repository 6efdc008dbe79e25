import TestSupport
import Testing
import Time

@testable import LinuxIO

@Suite struct ByteQueueTests {
  @Test("behaves like an array from whose front bytes are taken", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func againstAModel(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    var queue = ByteQueue(capacity: [0, 1, 64, 4096][Int(seed % 4)])
    var model: [UInt8] = []
    var stamp: UInt8 = 0
    for step in 0..<2000 {
      let size = Int.random(in: 0...[3, 40, 700, 9000][step % 4], using: &generator)
      let some = min(size, model.count)
      stamp &+= 1
      let fresh = (0..<size).map { stamp &+ UInt8(truncatingIfNeeded: $0) }
      switch Int.random(in: 0...5, using: &generator) {
      case 0:
        queue.append(fresh)
        model += fresh
      case 1:
        queue.append(stamp)
        model.append(stamp)
      case 2:
        let bytes = fresh.prefix(1024)
        let result = queue.fill(atMost: 2048) { copy(bytes, into: $0) }
        #expect(result == (bytes.isEmpty ? .wouldBlock : .bytes(bytes.count)))
        model += bytes
      case 3, 4:
        queue.removeFirst(some)
        model.removeFirst(some)
      default:
        var written: [UInt8] = []
        let result = queue.drain(atMost: some) {
          written = Array($0)
          return .bytes($0.count)
        }
        #expect(result == .bytes(some))
        #expect(written == Array(model.prefix(some)))
        model.removeFirst(some)
      }
      #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
      #expect(queue.bytes == model, "seed \(seed), step \(step)")
    }
  }

  @Test("a steady stream through a queue that is never empty does not make it grow")
  func compaction() {
    var queue = ByteQueue(capacity: 1000)
    queue.append([UInt8](repeating: 1, count: 300))
    for _ in 0..<10_000 {
      queue.append([UInt8](repeating: 2, count: 100))
      queue.removeFirst(100)
    }
    #expect(queue.count == 300)
    #expect(queue.capacity == 1000)
  }

  @Test("a single huge frame is not paid for ever after")
  func shrinksBack() {
    var queue = ByteQueue(capacity: 100)
    queue.append([UInt8](repeating: 1, count: 10_000_000))
    #expect(queue.capacity >= 10_000_000)
    queue.removeFirst(9_999_999)
    queue.append(7)
    #expect(queue.bytes == [1, 7])
    queue.removeFirst(2)
    #expect(queue.capacity == 100)
    queue.append([UInt8](repeating: 1, count: 10_000_000))
    queue.removeAll()
    #expect(queue.capacity == 100)
  }

  @Test("memory that is used again and again is kept")
  func keepsWhatItUses() async {
    // In a process of its own: where large blocks are spare, a queue that grows takes one of them.
    await #expect(processExitsWith: .success) {
      var queue = ByteQueue(capacity: 100)
      queue.append([UInt8](repeating: 1, count: 100_000))
      let grown = queue.capacity
      queue.removeAll()
      #expect(queue.capacity == grown)
    }
  }

  @Test("reads that fill the room are given more room, up to what they may take")
  func growsWithItsReads() {
    var queue = ByteQueue(capacity: 4096)
    var sizes: [Int] = []
    for _ in 0..<8 {
      _ = queue.fill(atMost: 65536) { room in
        sizes.append(room.count)
        return .bytes(room.count)
      }
      queue.removeFirst(queue.count)
    }
    #expect(sizes.first == 4096)
    #expect(sizes.last == 65536)
    #expect(sizes == sizes.sorted())
  }

  @Test("reads that bring little do not make it grow")
  func staysSmall() {
    var queue = ByteQueue(capacity: 4096)
    for _ in 0..<1000 {
      _ = queue.fill(atMost: 65536) { copy([1, 2, 3], into: $0) }
      queue.removeFirst(3)
    }
    #expect(queue.capacity == 4096)
  }

  private func copy(_ bytes: ArraySlice<UInt8>, into room: UnsafeMutableRawBufferPointer) -> ReadResult {
    if bytes.isEmpty { return .wouldBlock }
    let count = min(bytes.count, room.count)
    room.copyBytes(from: bytes.prefix(count))
    return .bytes(count)
  }
}
