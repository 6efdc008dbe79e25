@testable import WireFormats

/// What a stream was cut into.
enum Cut: Equatable {
  case frame([UInt8])
  case oversize(Int?)
  case violation(FramingError)
}

/// Reads a stream as a driver does: pieces are appended, steps are taken, what is consumed is dropped.
struct Reader {
  var decoder: FrameDecoder
  var pending: [UInt8] = []
  var cuts: [Cut] = []
  /// The most bytes that had to be kept between two pieces.
  var mostKept = 0

  init(_ framing: Framing, maximumSize: Int) {
    decoder = FrameDecoder(framing, maximumSize: maximumSize)
  }

  mutating func read(_ piece: some Sequence<UInt8>) {
    pending.append(contentsOf: piece)
    while true {
      let bytes = pending
      let step = decoder.next(in: bytes.span.bytes)
      guard take(step) else { break }
    }
    mostKept = max(mostKept, pending.count)
  }

  mutating func end() {
    while true {
      let bytes = pending
      guard let step = decoder.finish(in: bytes.span.bytes), take(step) else { break }
    }
  }

  /// False when there is nothing more to take now.
  private mutating func take(_ step: FrameDecoder.Step) -> Bool {
    switch step {
    case .frame(let payload, let consumed):
      cuts.append(.frame(Array(pending[payload])))
      pending.removeFirst(consumed)
      return true
    case .needMore(let consumed):
      pending.removeFirst(consumed)
      return false
    case .oversize(let size, let consumed):
      cuts.append(.oversize(size))
      pending.removeFirst(consumed)
      return true
    case .violation(let error):
      if cuts.last != .violation(error) { cuts.append(.violation(error)) }
      return false
    }
  }
}

func read(_ stream: [UInt8], in pieces: [Range<Int>], as framing: Framing, maximumSize: Int = 1000) -> [Cut] {
  var reader = Reader(framing, maximumSize: maximumSize)
  for piece in pieces { reader.read(stream[piece]) }
  reader.end()
  return reader.cuts
}

func read(_ text: String, as framing: Framing, maximumSize: Int = 1000) -> [Cut] {
  let stream = Array(text.utf8)
  return read(stream, in: [0..<stream.count], as: framing, maximumSize: maximumSize)
}

func write(_ payloads: [[UInt8]], as framing: Framing) -> [UInt8] {
  var stream: [UInt8] = []
  for payload in payloads {
    framing.appendHeader(count: payload.count) { stream.append($0) }
    stream += payload
    framing.appendTrailer { stream.append($0) }
  }
  return stream
}

func frames(_ texts: String...) -> [Cut] { texts.map { .frame(Array($0.utf8)) } }
