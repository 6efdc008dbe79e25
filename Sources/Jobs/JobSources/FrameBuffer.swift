import LinuxIO
import WireFormats

/// What was read of a stream and not consumed, and where its frames are.
package struct FrameBuffer: ~Copyable {
  /// What stands at the front.
  package enum Step: Equatable {
    /// A whole frame, to be looked at with `withFrame` and then to be consumed.
    case frame
    /// A frame over `maximumSize` was skipped, and is to be consumed.
    case oversize
    /// No whole frame yet: read more.
    case needMore
    /// The stream is over, and nothing is left.
    case end
    /// The stream is lost, nothing after this can be trusted.
    case violation(FramingError)
  }

  /// The bytes, to be read into.
  package var bytes: ByteQueue
  private var decoder: FrameDecoder
  /// Where the payload of the frame that was found stands, and how many bytes the frame takes.
  private var place = 0..<0
  package private(set) var frameLength = 0

  /// An empty buffer with room for `capacity` bytes before it must grow. `maximumSize`: the longest payload that is let
  /// through, in bytes.
  package init(_ framing: Framing, maximumSize: Int, capacity: Int) {
    bytes = ByteQueue(capacity: capacity)
    decoder = FrameDecoder(framing, maximumSize: maximumSize)
  }

  package var maximumSize: Int { decoder.maximumSize }

  /// Whether a frame over that is being skipped now.
  package var isSkipping: Bool { decoder.isSkipping }

  /// What comes from here on stands in this framing.
  package mutating func goOn(as framing: Framing, maximumSize: Int) {
    decoder = FrameDecoder(framing, maximumSize: maximumSize)
  }

  /// Finds the next frame. At the end of the stream (`isOver`) its rest is a frame, too, where the framing allows that.
  package mutating func next(isOver: Bool) -> Step {
    var decoder = self.decoder
    let step = bytes.withUnsafeBytes { isOver ? decoder.finish(in: $0.bytes) : decoder.next(in: $0.bytes) }
    self.decoder = decoder
    switch step {
    case .frame(let payload, let consumed):
      (place, frameLength) = (payload, consumed)
      return .frame
    case .oversize(_, let consumed):
      (place, frameLength) = (0..<0, consumed)
      return .oversize
    case .needMore(let consumed):
      bytes.removeFirst(consumed)
      return isOver ? .end : .needMore
    case .violation(let error): return .violation(error)
    case nil: return .end
    }
  }

  /// Lends the payload of the frame that was found.
  @inline(__always)
  package func withFrame<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[place])) }
  }

  /// Drops the frame that was found.
  package mutating func consume() {
    bytes.removeFirst(frameLength)
    (place, frameLength) = (0..<0, 0)
  }
}
