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
  public var advice: ProtocolAdvice { advice(onReplies: "--protocol") }

  /// The same, if this option selects the framing of the replies.
  fileprivate func advice(onReplies option: String) -> ProtocolAdvice {
    switch self {
    case .lines:
      ProtocolAdvice(
        unit: "line", form: "a reply ends with a newline (\(option) lines)",
        severalLines: "replies of several lines need \(option) nul, length4 or netstring", endsLines: true)
    case .nul:
      ProtocolAdvice(
        unit: "reply", form: "a reply ends with a NUL byte (\(option) nul)", severalLines: nil, endsLines: false)
    case .length4:
      ProtocolAdvice(
        unit: "reply",
        form: "a reply begins with its length in 4 bytes, the most significant first (\(option) length4)",
        severalLines: nil, endsLines: false)
    case .netstring:
      ProtocolAdvice(
        unit: "reply", form: "a reply is LENGTH:BYTES, with the comma (\(option) netstring)", severalLines: nil,
        endsLines: false)
    }
  }
}

/// Jobs in one framing, and replies in another.
public struct MixedFraming: WorkerProtocol {
  /// The framing of jobs, probes and resets.
  public var jobs: Framing
  /// The framing of what the worker answers.
  public var replies: Framing

  /// The protocol of workers that read one framing and write another.
  public init(jobs: Framing, replies: Framing) {
    self.jobs = jobs
    self.replies = replies
  }

  /// The names of both: `lines/nul`.
  public var name: String { "\(jobs)/\(replies)" }
  /// `--protocol JOBS --reply-protocol REPLIES`
  public var option: String { "--protocol \(jobs) --reply-protocol \(replies)" }
  /// That of jobs.
  public var framing: Framing? { jobs }
  /// That of replies.
  public var replyFraming: Framing? { replies }

  /// As for the framing of jobs alone.
  public func defect(of job: RawSpan) -> String? { jobs.defect(of: job) }

  /// A codec with a decoder of its own.
  public func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    FramedCodec(jobs, replies: replies, maximumReplySize: maximumReplySize)
  }

  /// Describes how a reply ends or begins.
  public var advice: ProtocolAdvice { replies.advice(onReplies: "--reply-protocol") }
}

/// Jobs and replies, each in a frame.
public struct FramedCodec: WorkerCodec {
  private let jobs: Framing
  private var decoder: FrameDecoder

  /// The codec for one worker. `replies`: the framing of replies, if it is not that of jobs.
  public init(_ jobs: Framing, replies: Framing? = nil, maximumReplySize: Int) {
    self.jobs = jobs
    decoder = FrameDecoder(replies ?? jobs, maximumSize: maximumReplySize)
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
      jobs.appendHeader(count: job.count, to: append)
      writeEdge()
      write(job)
      count = 0
      jobs.appendTrailer(to: append)
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
