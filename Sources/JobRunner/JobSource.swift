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
    /// So much was read in this turn without coming to an end: go on in the next one.
    case enoughForNow
    /// The input is over.
    case end
    /// The input cannot be read, or not be understood, any further.
    case failed(String)
  }

  private static let blockSize = 65536
  /// Blocks read in one turn of the loop. An input that never makes anyone wait (a file, /dev/zero, a fast pipe) and
  /// holds no job that can be run would else keep us from signals, replies and timers for as long as it goes on.
  private static let blocksPerTurn = 16

  private var input: InheritedInput
  private var buffer = ByteQueue(capacity: 65536)
  private var decoder: FrameDecoder
  private var hasEnded = false
  private var blocksLeft = Self.blocksPerTurn

  init(_ input: consuming InheritedInput, framing: Framing, maximumJobSize: Int) {
    self.input = input
    decoder = FrameDecoder(framing, maximumSize: maximumJobSize)
  }

  var descriptor: CInt { input.descriptor }
  var isAlwaysReady: Bool { input.isAlwaysReady }
  var wasClosed: Bool { input.kind == .closed }

  /// A new turn of the loop has begun.
  mutating func beginTurn() { blocksLeft = Self.blocksPerTurn }

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
      if blocksLeft == 0 { return .enoughForNow }
      blocksLeft -= 1
      switch input.read(into: &buffer, atMost: Self.blockSize) {
      case .bytes: continue
      case .wouldBlock: return .notYet
      case .endOfFile: hasEnded = true
      case .failed(let error): return .failed("cannot read stdin: \(error)")
      }
    }
  }

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

  mutating func consume(_ count: Int) { buffer.removeFirst(count) }
}
