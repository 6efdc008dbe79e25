import Synchronization

/// Large blocks of memory that no queue uses, kept for the next one that grows. The kernel has to clear each page that
/// it gives out: to give a block back after each large frame and ask for it again costs as much as to copy the frame.
enum SpareBlocks {
  /// Blocks of more than this many bytes are kept: queues hold on to smaller ones.
  private static let small = 256 * 1024
  /// All of them together take no more, in bytes.
  private static let most = 6 << 20

  private struct Kept: ~Copyable {
    nonisolated(unsafe) var blocks: [UnsafeMutableRawBufferPointer] = []
    var bytes = 0
  }

  private static let kept = Mutex(Kept())

  /// A block of at least this many bytes.
  static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
    if count > small, let spare = take(count) { return spare }
    return .allocate(byteCount: count, alignment: 16)
  }

  static func deallocate(_ block: UnsafeMutableRawBufferPointer) {
    if block.count <= small || !keep(block) { block.deallocate() }
  }

  /// The largest, if it is large enough: the queue will not have to grow again.
  private static func take(_ count: Int) -> UnsafeMutableRawBufferPointer? {
    kept.withLock { kept in
      guard let largest = kept.blocks.indices.max(by: { kept.blocks[$0].count < kept.blocks[$1].count }),
        kept.blocks[largest].count >= count
      else { return nil }
      kept.bytes -= kept.blocks[largest].count
      return kept.blocks.remove(at: largest)
    }
  }

  private static func keep(_ block: UnsafeMutableRawBufferPointer) -> Bool {
    kept.withLock { kept in
      guard kept.bytes + block.count <= most else { return false }
      kept.bytes += block.count
      kept.blocks.append(block)
      return true
    }
  }
}
