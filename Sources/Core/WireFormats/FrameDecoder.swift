/// Cuts a stream into frames. It keeps no bytes: the caller holds what was read and not yet consumed, and passes all of
/// it each time, from the first byte not consumed on.
///
/// ```swift
/// loop: while true {
///   switch decoder.next(in: pending) {
///   case .frame(let payload, let consumed): use(pending, payload); drop(consumed)
///   case .needMore(let consumed): drop(consumed); break loop          // read, append, come back
///   case .oversize(let size, let consumed): refuse(size); drop(consumed)
///   case .violation(let error): throw error
///   }
/// }
/// ```
///
/// What the caller must hold never exceeds `maximumSize`, 12 bytes of header and trailer, and one block of reading: a
/// frame that is longer is consumed as it comes. No byte is looked at twice, however small the pieces are in which a
/// frame arrives.
public struct FrameDecoder: Sendable {
  /// What the next bytes are.
  public enum Step: Equatable, Sendable {
    /// A whole frame. `payload` are offsets in the bytes given; drop `consumed` bytes from the front when done with it.
    case frame(payload: Range<Int>, consumed: Int)
    /// The frame is not there yet. Drop `consumed` bytes (more than 0 only while an oversize frame is skipped), read,
    /// come back.
    case needMore(consumed: Int)
    /// A frame of `size` bytes, over `maximumSize`, ends here and was skipped; the stream is in step again. Returned
    /// once per frame. `size` is nil if it is too large to be counted.
    case oversize(size: Int?, consumed: Int)
    /// The stream is lost, nothing after this can be trusted. Every later call returns the same again.
    case violation(FramingError)
  }

  /// Where in a frame the front of the bytes given is.
  enum State: Sendable, Equatable {
    /// Lines, nul: at a frame's first byte; the first `searched` bytes hold no delimiter.
    case searching(searched: Int)
    /// Lines, nul: inside an oversize frame, of which `skipped` bytes are gone; nil = too many to be counted.
    case skippingToDelimiter(skipped: Int?)
    /// Length4, netstring: at a frame's first byte; `digits` bytes of the length were read, they make `length`.
    case readingLength(digits: Int, length: Int)
    /// Length4, netstring: at a frame's first byte; header and length are known.
    case announced(header: Int, length: Int)
    /// Length4, netstring: inside an oversize frame; `left` bytes of it are still to come, the trailer included.
    case skipping(header: Int, length: Int, left: Int)
    /// The stream is lost.
    case lost(FramingError)
  }

  /// The framing of this stream.
  public let framing: Framing
  /// The longest payload that is let through, in bytes.
  public let maximumSize: Int
  /// How many bytes of the stream were consumed. Offsets in a `FramingError` count from the same byte.
  public internal(set) var position = 0
  var state: State

  /// A decoder at the beginning of a stream. `maximumSize` is the longest payload let through, in bytes, 0 or more.
  public init(_ framing: Framing, maximumSize: Int) {
    precondition(maximumSize >= 0, "maximumSize must be 0 or more")
    self.framing = framing
    self.maximumSize = maximumSize
    state = Self.frameStart(framing)
  }

  /// Whether a frame over `maximumSize` is being skipped now. A caller that cannot accept such a frame need not wait
  /// for its end.
  public var isSkipping: Bool {
    switch state {
    case .skippingToDelimiter, .skipping: true
    case .searching, .readingLength, .announced, .lost: false
    }
  }

  /// Looks for the end of the frame that begins at the front of `bytes`, from where the last search ended.
  public mutating func next(in bytes: RawSpan) -> Step {
    switch state {
    case .searching(let searched): nextDelimited(in: bytes, searched: searched)
    case .skippingToDelimiter(let skipped): skipToDelimiter(in: bytes, skipped: skipped)
    case .readingLength(let digits, let length):
      switch framing {
      case .length4: readBinaryLength(in: bytes)
      case .netstring: readDecimalLength(in: bytes, digits: digits, length: length)
      case .lines, .nul: preconditionFailure("a delimited frame has no length")
      }
    case .announced(let header, let length): nextAnnounced(in: bytes, header: header, length: length)
    case .skipping(let header, let length, let left): skip(in: bytes, header: header, length: length, left: left)
    case .lost(let error): .violation(error)
    }
  }

  /// What is left at the end of the stream; call it until it is nil or a violation. For lines and nul an unterminated
  /// last frame is a frame (the caller decides whether it likes that); for the others it is a violation,
  /// `FramingError.truncated`.
  public mutating func finish(in bytes: RawSpan) -> Step? {
    let step = next(in: bytes)
    guard case .needMore(let consumed) = step else { return step }
    switch state {
    case .searching:
      return bytes.byteCount == 0 ? nil : frame(0..<bytes.byteCount, consumed: bytes.byteCount)
    case .skippingToDelimiter(let skipped):
      state = Self.frameStart(framing)
      return .oversize(size: skipped, consumed: consumed)
    case .readingLength:
      if bytes.byteCount == 0 { return nil }
      return lose(.truncated(expected: framing == .length4 ? 4 : nil, got: bytes.byteCount))
    case .announced(let header, let length):
      return lose(.truncated(expected: header + length + trailerCount, got: bytes.byteCount))
    case .skipping(let header, let length, let left):
      let expected = header + length + trailerCount
      return lose(.truncated(expected: expected, got: expected - left))
    case .lost(let error):
      return .violation(error)
    }
  }
}

extension FrameDecoder {
  static func frameStart(_ framing: Framing) -> State {
    framing.delimiter == nil ? .readingLength(digits: 0, length: 0) : .searching(searched: 0)
  }

  var trailerCount: Int { framing == .netstring ? 1 : 0 }

  mutating func frame(_ payload: Range<Int>, consumed: Int) -> Step {
    state = Self.frameStart(framing)
    position &+= consumed
    return .frame(payload: payload, consumed: consumed)
  }

  mutating func oversize(_ size: Int?, consumed: Int) -> Step {
    state = Self.frameStart(framing)
    position &+= consumed
    return .oversize(size: size, consumed: consumed)
  }

  mutating func needMore(_ next: State, consumed: Int = 0) -> Step {
    state = next
    position &+= consumed
    return .needMore(consumed: consumed)
  }

  mutating func lose(_ error: FramingError) -> Step {
    state = .lost(error)
    return .violation(error)
  }
}
