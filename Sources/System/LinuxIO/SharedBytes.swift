/// A large job or reply on its way. Its owners share the bytes, which never change: none of them makes a copy.
public final class SharedBytes: Sendable {
  /// Fewer bytes than this are not worth sharing: to copy them costs less.
  public static let leastSize = 16 * 1024

  private nonisolated(unsafe) let memory: UnsafeMutableRawBufferPointer
  private let place: Range<Int>

  /// The bytes at `place` in a block of `SpareBlocks`, which goes back there in the end.
  init(_ memory: UnsafeMutableRawBufferPointer, _ place: Range<Int>) {
    self.memory = memory
    self.place = place
  }

  /// A copy of these bytes, which all further owners share.
  public convenience init(copying bytes: UnsafeRawBufferPointer) {
    let memory = SpareBlocks.allocate(bytes.count)
    if bytes.count > 0 { memory.copyMemory(from: bytes) }
    self.init(memory, 0..<bytes.count)
  }

  deinit { SpareBlocks.deallocate(memory) }

  /// How many bytes there are.
  public var count: Int { place.count }

  /// Lends the bytes.
  @inline(__always)
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    body(UnsafeRawBufferPointer(rebasing: memory[place]))
  }
}
