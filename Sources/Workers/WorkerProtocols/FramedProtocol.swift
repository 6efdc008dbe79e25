import WireFormats

/// A framing is the simplest protocol: each message to a worker is a job, and each message from it is a reply.
extension Framing: WorkerProtocol {
  /// The name of the framing.
  public var name: String { rawValue }
  /// Itself.
  public var framing: Framing? { self }

  /// The job contains the delimiter, or is longer than the protocol can announce.
  public func defect(of job: RawSpan) -> String? { canCarry(job)?.description }

  /// A codec with a decoder of its own.
  public func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    FramedCodec(self, maximumReplySize: maximumReplySize)
  }

  /// Describes how a frame ends or begins.
  public var advice: ProtocolAdvice {
    switch self {
    case .lines:
      ProtocolAdvice(
        unit: "line", form: "a reply ends with a newline (--protocol lines)",
        severalLines: "replies of several lines need --protocol nul, length4 or netstring", endsLines: true)
    case .nul:
      ProtocolAdvice(
        unit: "reply", form: "a reply ends with a NUL byte (--protocol nul)", severalLines: nil, endsLines: false)
    case .length4:
      ProtocolAdvice(
        unit: "reply",
        form: "a reply begins with its length in 4 bytes, the most significant first (--protocol length4)",
        severalLines: nil, endsLines: false)
    case .netstring:
      ProtocolAdvice(
        unit: "reply", form: "a reply is LENGTH:BYTES, with the comma (--protocol netstring)", severalLines: nil,
        endsLines: false)
    }
  }
}

/// Jobs and replies, each in a frame.
public struct FramedCodec: WorkerCodec {
  private var decoder: FrameDecoder

  /// The codec for one worker.
  public init(_ framing: Framing, maximumReplySize: Int) {
    decoder = FrameDecoder(framing, maximumSize: maximumReplySize)
  }

  /// Writes the header of the frame, the job, and the trailer.
  public mutating func encode(
    _ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void
  ) {
    withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { edge in
      var count = 0
      func writeEdge() { if count > 0 { write(UnsafeRawBufferPointer(rebasing: edge[..<count])) } }
      func append(_ byte: UInt8) {
        edge[count] = byte
        count += 1
      }
      decoder.framing.appendHeader(count: job.count, to: append)
      writeEdge()
      write(job)
      count = 0
      decoder.framing.appendTrailer(to: append)
      writeEdge()
    }
  }

  /// A frame is a reply.
  public mutating func decode(_ bytes: RawSpan) -> WorkerMessage {
    switch decoder.next(in: bytes) {
    case .frame(let payload, let consumed): .reply(payload: payload, consumed: consumed)
    case .needMore(let consumed): decoder.isSkipping ? .oversize : .needMore(consumed: consumed)
    case .oversize: .oversize
    case .violation(let error): .violation(error.description)
    }
  }
}
