import EventLoop
import JobCore
import LinuxIO
import WireFormats

/// The jobs of stdin.
package struct StandardInput: ~Copyable, JobSource {
  private static let blockSize = 65536
  private static let largeBlock = 256 * 1024
  private static let blocksPerTurn = 16

  package let form: JobForm
  private var input: InheritedInput
  private var buffer = ByteQueue(capacity: 65536)
  private var decoder: FrameDecoder
  private var hasEnded = false
  private var isWatched = false
  private var hasReportedClosed = false
  /// Where the job that was found stands in the buffer, and how many bytes it takes there.
  private var place = 0..<0
  private var frameLength = 0
  /// Jobs found so far, those included that are none.
  private var lines: UInt64 = 0
  /// Bytes that the whole input has, if that is known; and those of them that were consumed as jobs.
  private let totalBytes: UInt64?
  private var consumedBytes: UInt64 = 0
  private var blocksLeft = blocksPerTurn

  /// Jobs of at most `maximumJobSize` bytes, each in this framing.
  package init(_ input: consuming InheritedInput, framing: Framing, form: JobForm, maximumJobSize: Int) {
    self.form = form
    totalBytes = input.remainingBytes
    self.input = input
    decoder = FrameDecoder(framing, maximumSize: maximumJobSize)
  }

  // MARK: Jobs

  /// Reads a block only when there is no whole job at hand.
  package mutating func next() -> SourceStep {
    while true {
      var decoder = self.decoder
      let step = buffer.withUnsafeBytes { decoder.next(in: $0.bytes) }
      self.decoder = decoder
      switch step {
      case .frame(let payload, let consumed): return found(payload, consumed)
      case .oversize(_, let consumed): return foundOversize(consumed)
      case .violation(let error): return .failed("stdin is not in the format of --input: \(error)")
      case .needMore(let consumed):
        buffer.removeFirst(consumed)
        if hasEnded { return last() }
      }
      if let step = read() { return step }
    }
  }

  /// Reads a block; nil if there may be a job in it now.
  private mutating func read() -> SourceStep? {
    guard blocksLeft > 0 else { return .nextTurn }
    if input.kind == .closed, !hasReportedClosed {
      hasReportedClosed = true
      return .notice("stdin is closed: there are no jobs")
    }
    blocksLeft -= 1
    // In the middle of a large job more is read at once.
    let size = buffer.count >= Self.blockSize ? Self.largeBlock : Self.blockSize
    switch input.read(into: &buffer, atMost: size) {
    case .bytes: break
    case .wouldBlock: return input.isInBackground ? .inBackground : .notYet
    case .endOfFile: hasEnded = true
    case .failed(let error): return .failed("cannot read stdin: \(error)")
    }
    return nil
  }

  /// What remains at the end: a last job without its delimiter is a job like any other.
  private mutating func last() -> SourceStep {
    var decoder = self.decoder
    let step = buffer.withUnsafeBytes { decoder.finish(in: $0.bytes) }
    self.decoder = decoder
    switch step {
    case nil, .needMore: return .end
    case .frame(let payload, let consumed): return found(payload, consumed)
    case .oversize(_, let consumed): return foundOversize(consumed)
    case .violation(let error): return .failed("stdin ends in the middle of a job: \(error)")
    }
  }

  private mutating func found(_ payload: Range<Int>, _ consumed: Int) -> SourceStep {
    (place, frameLength) = (payload, consumed)
    lines += 1
    return .job
  }

  private mutating func foundOversize(_ consumed: Int) -> SourceStep {
    (place, frameLength) = (0..<0, consumed)
    lines += 1
    return .oversize(limit: decoder.maximumSize)
  }

  package func withJob(_ body: (UnsafeRawBufferPointer) -> Void) {
    buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[place])) }
  }

  package var position: String { "line \(lines) of the input" }

  package mutating func consume(as job: JobID?) {
    buffer.removeFirst(frameLength)
    consumedBytes += UInt64(frameLength)
  }

  package var progress: (consumed: UInt64, all: UInt64)? { totalBytes.map { (consumedBytes, $0) } }

  // MARK: Waiting

  package mutating func beginTurn() { blocksLeft = Self.blocksPerTurn }

  package mutating func resume(_ loop: inout EventLoop, token: UInt64) -> String? {
    guard !isWatched, !input.isAlwaysReady else { return nil }
    do throws(SystemError) {
      try loop.add(input.descriptor, token: token, readable: true, writable: false)
    } catch {
      return "cannot wait for stdin: \(error)"
    }
    isWatched = true
    return nil
  }

  package mutating func pause(_ loop: inout EventLoop, token: UInt64) {
    guard isWatched else { return }
    loop.remove(input.descriptor)
    isWatched = false
  }

  package mutating func end(_ loop: inout EventLoop, token: UInt64) { pause(&loop, token: token) }
}
