import WireFormats

/// Cuts the output of a worker into messages of JSON.
struct MessageDecoder {
  enum Step: Equatable {
    /// A message. `payload`: its offsets in the bytes; drop `consumed` bytes when done with it.
    case frame(payload: Range<Int>, consumed: Int)
    case needMore(consumed: Int)
    case oversize
    case violation(String)
  }

  private enum Framing {
    case lines(FrameDecoder)
    case headers(HeaderDecoder)
  }

  /// Bytes of a message around the reply: ids, names, escapes.
  private static let envelope = 4096

  private var framing: Framing

  init(_ framing: JSONRPCProtocol.MessageFraming, maximumReplySize: Int) {
    let size = maximumReplySize.addingReportingOverflow(Self.envelope).partialValue
    let maximumSize = size < 0 ? Int.max : size
    self.framing =
      switch framing {
      case .newline: .lines(FrameDecoder(.lines, maximumSize: maximumSize))
      case .contentLength: .headers(HeaderDecoder(maximumSize: maximumSize))
      }
  }

  var isSkipping: Bool {
    switch framing {
    case .lines(let decoder): decoder.isSkipping
    case .headers: false
    }
  }

  mutating func next(in bytes: RawSpan) -> Step {
    switch framing {
    case .headers(var decoder):
      let step = decoder.next(in: bytes)
      framing = .headers(decoder)
      return step
    case .lines(var decoder):
      let step = Self.nextLine(in: bytes, &decoder)
      framing = .lines(decoder)
      return step
    }
  }

  /// Empty lines mean nothing.
  private static func nextLine(in bytes: RawSpan, _ decoder: inout FrameDecoder) -> Step {
    var skipped = 0
    while true {
      switch decoder.next(in: bytes.extracting(skipped..<bytes.byteCount)) {
      case .frame(let payload, let consumed):
        let place = (payload.lowerBound + skipped)..<(payload.upperBound + skipped)
        skipped += consumed
        if !bytes.extracting(place).isBlank { return .frame(payload: place, consumed: skipped) }
      case .needMore(let consumed): return .needMore(consumed: skipped + consumed)
      case .oversize: return .oversize
      case .violation(let error): return .violation(error.description)
      }
    }
  }
}

/// Headers as in LSP, then as many bytes as they announce.
struct HeaderDecoder {
  private static let mostHeaderBytes = 1024

  private let maximumSize: Int
  /// The headers do not end in this many of the first bytes.
  private var searched = 0
  /// Where the message stands, once its headers are read.
  private var place: Range<Int>?

  init(maximumSize: Int) { self.maximumSize = maximumSize }

  mutating func next(in bytes: RawSpan) -> MessageDecoder.Step {
    if let place { return body(place, bytes) }
    guard let end = endOfHeaders(bytes) else {
      return bytes.byteCount > Self.mostHeaderBytes
        ? .violation("no end of the headers within \(Self.mostHeaderBytes) bytes") : .needMore(consumed: 0)
    }
    let headers = bytes.extracting(0..<end)
    guard let length = Self.length(in: headers) else { return .violation("no Content-Length in the headers") }
    guard length <= maximumSize else { return .oversize }
    let place = end..<(end + length)
    self.place = place
    return body(place, bytes)
  }

  private mutating func body(_ place: Range<Int>, _ bytes: RawSpan) -> MessageDecoder.Step {
    guard bytes.byteCount >= place.upperBound else { return .needMore(consumed: 0) }
    self.place = nil
    searched = 0
    return .frame(payload: place, consumed: place.upperBound)
  }

  /// Behind the empty line.
  private mutating func endOfHeaders(_ bytes: RawSpan) -> Int? {
    let limit = min(bytes.byteCount, Self.mostHeaderBytes)
    var offset = max(searched, 1)
    while offset < limit {
      if bytes.byte(at: offset) == 0x0A {
        let isEmpty =
          bytes.byte(at: offset - 1) == 0x0A
          || (offset >= 2 && bytes.byte(at: offset - 1) == 0x0D && bytes.byte(at: offset - 2) == 0x0A)
        if isEmpty { return offset + 1 }
      }
      offset += 1
    }
    searched = limit
    return nil
  }

  /// The value of `Content-Length`, in any case.
  private static func length(in headers: RawSpan) -> Int? {
    var bytes: [UInt8] = []
    bytes.append(headers)
    for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
      let line = String(decoding: line, as: UTF8.self)
      guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == "content-length" else { continue }
      let value = line[line.index(after: colon)...].filter { $0 != " " && $0 != "\t" }
      guard let length = Int(value), length >= 0 else { return nil }
      return length
    }
    return nil
  }
}

extension RawSpan {
  /// Nothing but white space of JSON.
  fileprivate var isBlank: Bool {
    for offset in 0..<byteCount {
      let byte = byte(at: offset)
      if byte != 0x20, byte != 0x09, byte != 0x0D, byte != 0x0A { return false }
    }
    return true
  }
}
