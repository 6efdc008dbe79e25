import WireFormats

/// Jobs in batches, in one of the framings: a frame that holds the number of jobs in decimal digits, then each job in a
/// frame of its own, also if there is only one. A worker writes one reply for each job, in their order, without a count.
///
/// A probe or a reset is such a message with one job.
public struct BatchedFraming: WorkerProtocol {
  private let base: Framing
  private let most: Int

  /// The framing, with up to `most` jobs (1 or more) in one message.
  public init(_ framing: Framing, most: Int) {
    base = framing
    self.most = most
  }

  /// The name of the framing.
  public var name: String { base.name }
  /// That in which jobs and replies stand.
  public var framing: Framing? { base }
  /// As it was made.
  public var batch: Int? { most }

  /// The same as in the framing.
  public func defect(of job: RawSpan) -> String? { base.defect(of: job) }

  /// A codec with a decoder of its own.
  public func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    BatchedFrameCodec(base, maximumReplySize: maximumReplySize)
  }

  /// The same as of the framing.
  public var advice: ProtocolAdvice { base.advice }
}

/// Counts, jobs and replies of one worker, each in a frame.
private struct BatchedFrameCodec: WorkerCodec {
  private var frames: FramedCodec
  private var isInBatch = false

  init(_ framing: Framing, maximumReplySize: Int) {
    frames = FramedCodec(framing, maximumReplySize: maximumReplySize)
  }

  mutating func beginBatch(of count: Int, to write: (UnsafeRawBufferPointer) -> Void) {
    isInBatch = true
    Array("\(count)".utf8).withUnsafeBytes { frames.encode($0, id: 0, to: write) }
  }

  mutating func endBatch(to write: (UnsafeRawBufferPointer) -> Void) { isInBatch = false }

  mutating func encode(_ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void) {
    guard !isInBatch else { return frames.encode(job, id: id, to: write) }
    beginBatch(of: 1, to: write)
    frames.encode(job, id: id, to: write)
    endBatch(to: write)
  }

  mutating func decode(_ bytes: RawSpan) -> WorkerMessage { frames.decode(bytes) }
}
