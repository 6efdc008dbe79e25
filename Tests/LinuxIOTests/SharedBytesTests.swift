import TestSupport
import Testing

@testable import LinuxIO

/// Large frames leave a queue without being copied.
@Suite struct SharedBytesTests {
  private let large = 1 << 20

  @Test("what is shared never changes, and the queue goes on behind it", arguments: [1, 2, 3, 4] as [UInt64])
  func againstAModel(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    var queue = ByteQueue()
    var model: [UInt8] = []
    var shared: [(bytes: SharedBytes, expected: [UInt8])] = []
    for step in 0..<400 {
      let most = [40, 9000, 100_000, 700_000][Int.random(in: 0...3, using: &generator)]
      let size = Int.random(in: 1...most, using: &generator)
      let fresh = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ step) }
      queue.append(fresh)
      model += fresh
      guard step % 3 > 0 else { continue }
      let count = Int.random(in: 0...model.count, using: &generator)
      let place = Int.random(in: 0...count, using: &generator)..<count
      shared.append((queue.removeFirst(count, sharing: place), Array(model[place])))
      model.removeFirst(count)
      if shared.count > 8 { shared.removeFirst() }
      #expect(queue.count == model.count && queue.bytes == model, "seed \(seed), step \(step)")
      for (bytes, expected) in shared {
        #expect(bytes.count == expected.count && bytes.withUnsafeBytes { $0.elementsEqual(expected) }, "step \(step)")
      }
    }
  }

  @Test func aLargeFrameIsNotCopied() {
    var queue = ByteQueue()
    queue.append([UInt8](repeating: 1, count: large + 1) + [2, 3])
    let address = queue.withUnsafeBytes { $0.baseAddress }
    let frame = queue.removeFirst(large + 1, sharing: 0..<large)
    #expect(frame.withUnsafeBytes { $0.baseAddress } == address)
    #expect(queue.bytes == [2, 3])
  }

  @Test("a frame does not hold on to memory that is many times as large")
  func aPartOfALargeQueueIsCopied() {
    var queue = ByteQueue()
    queue.append([UInt8](repeating: 1, count: large))
    let address = queue.withUnsafeBytes { $0.baseAddress }
    let frame = queue.removeFirst(20_000, sharing: 0..<20_000)
    #expect(frame.withUnsafeBytes { $0.baseAddress } != address)
    #expect(queue.count == large - 20_000)
    #expect(frame.withUnsafeBytes { $0.allSatisfy { $0 == 1 } })
  }

  @Test func aCopyHasTheSameBytes() {
    for count in [0, 1, 5000, 300_000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      let copy = bytes.withUnsafeBytes { SharedBytes(copying: $0) }
      #expect(copy.count == count && copy.withUnsafeBytes { $0.elementsEqual(bytes) })
    }
  }

  /// The kernel copies three times as fast to such a place on some processors.
  @Test("reads go to an aligned place, wherever the frame before them has ended")
  func alignment() {
    var queue = ByteQueue(capacity: 65536)
    for rest in [1, 7, 63, 64, 1000] {
      queue.append([UInt8](repeating: 1, count: 65_500 - queue.count))
      queue.removeFirst(queue.count - rest)
      _ = queue.fill(atMost: 65536) { room in
        #expect(Int(bitPattern: room.baseAddress) % 64 == 0, "\(rest) bytes left")
        return .wouldBlock
      }
      queue.append([UInt8](repeating: 2, count: large))
      _ = queue.removeFirst(queue.count - rest, sharing: 0..<queue.count - rest)
      _ = queue.fill(atMost: 65536) { room in
        #expect(Int(bitPattern: room.baseAddress) % 64 == 0, "\(rest) bytes behind a large frame")
        return .wouldBlock
      }
    }
  }
}
