import Testing

@testable import LinuxIO

/// A huge frame must not be paid for ever after.
@Suite struct ByteQueueMemoryTests {
  private let large = 32 << 20

  @Test func memoryIsGivenBackThoughTheQueueIsNeverEmpty() {
    var queue = ByteQueue()
    [UInt8](repeating: 1, count: large).withUnsafeBytes { queue.append($0) }
    [2, 3, 4].withUnsafeBytes { queue.append($0) }
    queue.removeFirst(large)
    #expect(queue.capacity <= 256 * 1024)
    #expect(queue.withUnsafeBytes { Array($0) } == [2, 3, 4].withUnsafeBytes { Array($0) })
  }

  @Test func aQueueThatBeganLargeKeepsItsSize() async {
    // In a process of its own: where larger blocks are spare, a queue that begins takes one of them.
    await #expect(processExitsWith: .success) {
      var queue = ByteQueue(capacity: 1 << 20)
      for _ in 0..<3 {
        queue.append(1)
        queue.removeFirst(1)
        #expect(queue.capacity == 1 << 20)
      }
    }
  }
}
