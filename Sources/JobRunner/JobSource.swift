import LinuxIO
import WireFormats

/// Jobs from stdin, one at a time and no sooner than they are wanted: what is not asked for is not read
/// (multiprocessing.Pool reads its whole input ahead).
struct JobSource: ~Copyable {
  /// What stands next in the input.
  enum Next: Equatable {
    /// A job: its place in the bytes lent by `withBytes`, to be consumed with `consume`.
    case job(Range<Int>, consumed: Int)
    /// A job over the cap was skipped.
    case oversize(consumed: Int)
    /// Nothing at the moment: wait until the input is readable.
    case notYet
    /// The input is the terminal, and we are in the background: to be continued when it is ours.
    case inBackground
    /// Enough was read for this turn of the loop; there may be more at once. Input that holds no job at all (an endless
    /// line that never wants to wait, like /dev/zero) must not keep signals and workers from being heard.
    case nextTurn
    /// The input is over.
    case end
    /// The input cannot be read, or not be understood, any further.
    case failed(String)
  }

  private static let blockSize = 65536
  private static let largeBlock = 256 * 1024
  private static let blocksPerTurn = 16

  private var input: InheritedInput
  private var buffer = ByteQueue(capacity: 65536)
  private var decoder: FrameDecoder
  private var hasEnded = false
  /// Bytes that the whole input has, if that is known; and those of them that were taken as jobs.
  let totalBytes: UInt64?
  private(set) var takenBytes: UInt64 = 0
  private var blocksLeft = blocksPerTurn

  init(_ input: consuming InheritedInput, framing: Framing, maximumJobSize: Int) {
    totalBytes = input.remainingBytes
    self.input = input
    decoder = FrameDecoder(framing, maximumSize: maximumJobSize)
  }

  var descriptor: CInt { input.descriptor }
  var isAlwaysReady: Bool { input.isAlwaysReady }
  var wasClosed: Bool { input.kind == .closed }

  /// Finds the next job, reading a block only when there is no whole job at hand.
  mutating func next() -> Next {
    while true {
      var decoder = self.decoder
      let step = buffer.withUnsafeBytes { decoder.next(in: $0.bytes) }
      self.decoder = decoder
      switch step {
      case .frame(let payload, let consumed): return .job(payload, consumed: consumed)
      case .oversize(_, let consumed): return .oversize(consumed: consumed)
      case .violation(let error): return .failed("stdin is not in the format of --input: \(error)")
      case .needMore(let consumed):
        buffer.removeFirst(consumed)
        if hasEnded { return last() }
      }
      guard blocksLeft > 0 else { return .nextTurn }
      blocksLeft -= 1
      // In the middle of a large job more is read at once.
      let size = buffer.count >= Self.blockSize ? Self.largeBlock : Self.blockSize
      switch input.read(into: &buffer, atMost: size) {
      case .bytes: continue
      case .wouldBlock: return input.isInBackground ? .inBackground : .notYet
      case .endOfFile: hasEnded = true
      case .failed(let error): return .failed("cannot read stdin: \(error)")
      }
    }
  }

  /// A new turn of the loop: some blocks may be read again.
  mutating func beginTurn() { blocksLeft = Self.blocksPerTurn }

  /// What remains at the end: a last job without its delimiter is a job like any other.
  private mutating func last() -> Next {
    var decoder = self.decoder
    let step = buffer.withUnsafeBytes { decoder.finish(in: $0.bytes) }
    self.decoder = decoder
    switch step {
    case nil, .needMore: return .end
    case .frame(let payload, let consumed): return .job(payload, consumed: consumed)
    case .oversize(_, let consumed): return .oversize(consumed: consumed)
    case .violation(let error): return .failed("stdin ends in the middle of a job: \(error)")
    }
  }

  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { buffer.withUnsafeBytes(body) }

  mutating func consume(_ count: Int) {
    buffer.removeFirst(count)
    takenBytes += UInt64(count)
  }
}
