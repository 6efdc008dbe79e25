import LinuxIO
import WireFormats

/// The bytes of a stream that were read and not consumed, cut into frames.
package struct FrameBuffer: ~Copyable {
  /// What is at the front.
  package enum Step: Equatable {
    /// A whole frame: read it with `withFrame`, then call `consume`.
    case frame
    /// A frame over `maximumSize`, whose bytes were skipped: call `consume`.
    case oversize
    /// No whole frame yet: read more.
    case needMore
    /// The stream is over, and nothing is left.
    case end
    /// The stream is broken: nothing after this can be trusted.
    case violation(FramingError)
  }

  /// The bytes. Readers append to them.
  package var bytes: ByteQueue
  private var decoder: FrameDecoder
  /// The offsets of the payload of the current frame, and the length of the whole frame in bytes.
  private var place = 0..<0
  package private(set) var frameLength = 0
  /// The payload, if it is shared.
  private var shared: SharedBytes?

  /// An empty buffer with room for `capacity` bytes before it must grow. `maximumSize`: the longest payload that it
  /// returns, in bytes.
  package init(_ framing: Framing, maximumSize: Int, capacity: Int) {
    bytes = ByteQueue(capacity: capacity)
    decoder = FrameDecoder(framing, maximumSize: maximumSize)
  }

  package var maximumSize: Int { decoder.maximumSize }

  /// Whether it is in the middle of a frame over `maximumSize`.
  package var isSkipping: Bool { decoder.isSkipping }

  /// Switches to this framing for all bytes from here on.
  package mutating func goOn(as framing: Framing, maximumSize: Int) {
    decoder = FrameDecoder(framing, maximumSize: maximumSize)
  }

  /// Finds the next frame. At the end of the stream (`isOver`) the rest is a frame, too, if the framing allows that.
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

  /// Lends the payload of the current frame.
  @inline(__always)
  package func withFrame<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    if let shared { return shared.withUnsafeBytes(body) }
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[place])) }
  }

  /// Drops the bytes of the current frame and returns its payload, to be shared; nil, and they stay, if that is not
  /// large. It is lent all the same until `consume`.
  package mutating func shareFrame() -> SharedBytes? {
    guard place.count >= SharedBytes.leastSize else { return nil }
    shared = bytes.removeFirst(frameLength, sharing: place)
    (place, frameLength) = (0..<0, 0)
    return shared
  }

  /// Drops the current frame.
  package mutating func consume() {
    bytes.removeFirst(frameLength)
    (place, frameLength) = (0..<0, 0)
    if shared != nil { shared = nil }
  }
}
