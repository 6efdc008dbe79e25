import Synchronization

/// Large blocks of memory that are not in use, kept for the next large frame. The kernel has to clear each page that
/// it gives out: to give a block back after each large frame and ask for it again costs as much as to copy the frame.
///
/// As much is kept as is in use at that time, and a little in any case: when the last large frame is gone, most of the
/// memory is given back.
enum SpareBlocks {
  /// Queues hold on to blocks up to this size in bytes, so those are not kept here.
  private static let small = 256 * 1024
  /// A queue that grows beyond this many bytes is likely to hold a large frame soon.
  private static let grown = 64 * 1024
  /// What may be kept in any case, in bytes.
  private static let least = 8 << 20

  private struct Pool: ~Copyable {
    nonisolated(unsafe) var spares: [UnsafeMutableRawBufferPointer] = []
    /// Bytes of these, and of the large blocks in use.
    var spareBytes = 0
    var usedBytes = 0
  }

  private static let pool = Mutex(Pool())

  /// A block of this many bytes. It is larger only if it is a spare, and then not many times as large.
  static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
    count > small ? allocateLarge(count, spare: count...4 * count) : allocateAligned(count)
  }

  /// A block of at least this many bytes, for a queue that grows: a large spare saves it from growing again.
  static func allocateForGrowth(_ count: Int) -> UnsafeMutableRawBufferPointer {
    count > grown ? allocateLarge(count, spare: count...(.max)) : allocateAligned(count)
  }

  /// A copy to a place that is a few bytes further into its page than its origin takes some processors three times as
  /// long, and what the kernel copies to us begins at the beginning of a page.
  private static func allocateAligned(_ count: Int) -> UnsafeMutableRawBufferPointer {
    .allocate(byteCount: count, alignment: count < 4096 ? 16 : alignment)
  }

  /// The alignment of all blocks but small ones, in bytes.
  static let alignment = 64

  /// The spare that came last among those of such a size, whose bytes are most likely still in the processor's cache.
  private static func allocateLarge(_ count: Int, spare sizes: ClosedRange<Int>) -> UnsafeMutableRawBufferPointer {
    pool.withLock { pool in
      var block: UnsafeMutableRawBufferPointer
      if let index = pool.spares.lastIndex(where: { sizes.contains($0.count) }) {
        block = pool.spares.remove(at: index)
        pool.spareBytes -= block.count
      } else {
        block = allocateAligned(count)
      }
      if block.count > small { pool.usedBytes += block.count }
      return block
    }
  }

  static func deallocate(_ block: UnsafeMutableRawBufferPointer) {
    guard block.count > small else { return block.deallocate() }
    pool.withLock { pool in
      pool.usedBytes -= block.count
      pool.spareBytes += block.count
      pool.spares.append(block)
      while pool.spareBytes > max(least, pool.usedBytes) {
        let oldest = pool.spares.removeFirst()
        pool.spareBytes -= oldest.count
        oldest.deallocate()
      }
    }
  }
}
