import EventLoop
import JobCore
import LinuxIO
import WireFormats

/// The jobs of stdin.
package struct StandardInput: ~Copyable, JobSource {
  private static let blockSize = 65536
  private static let blocksPerTurn = 16

  package let form: JobForm
  private var input: InheritedInput
  private var buffer: FrameBuffer
  private var hasEnded = false
  private var isWatched = false
  private var hasReportedClosed = false
  /// Lines found so far, with or without a job.
  private var lines: UInt64 = 0
  /// The size of the whole input in bytes, if known, and how many of them were consumed.
  private let totalBytes: UInt64?
  private var consumedBytes: UInt64 = 0
  private var blocksLeft = blocksPerTurn

  /// Reads jobs of at most `maximumJobSize` bytes in this framing.
  package init(_ input: consuming InheritedInput, framing: Framing, form: JobForm, maximumJobSize: Int) {
    self.form = form
    totalBytes = input.remainingBytes
    self.input = input
    buffer = FrameBuffer(framing, maximumSize: maximumJobSize, capacity: 65536)
  }

  // MARK: Jobs

  /// Reads a block only when the buffer has no whole job. A last job without its delimiter is a job like any other.
  package mutating func next() -> SourceStep {
    while true {
      switch buffer.next(isOver: hasEnded) {
      case .frame:
        lines += 1
        return .job
      case .oversize:
        lines += 1
        return .oversize(limit: buffer.maximumSize)
      case .violation(let error):
        let place = hasEnded ? "ends in the middle of a job" : "is not in the format of --input"
        return .failed("stdin \(place): \(error)")
      case .end: return .end
      case .needMore: if let step = read() { return step }
      }
    }
  }

  /// Reads a block; nil if the buffer may contain a job now.
  private mutating func read() -> SourceStep? {
    guard blocksLeft > 0 else { return .nextTurn }
    if input.kind == .closed, !hasReportedClosed {
      hasReportedClosed = true
      return .notice("stdin is closed: there are no jobs")
    }
    blocksLeft -= 1
    switch input.read(into: &buffer.bytes, atMost: Self.blockSize) {
    case .bytes: break
    case .wouldBlock: return input.isInBackground ? .inBackground : .notYet
    case .endOfFile: hasEnded = true
    case .failed(let error): return .failed("cannot read stdin: \(error)")
    }
    return nil
  }

  package func withJob(_ body: (UnsafeRawBufferPointer) -> Void) {
    buffer.withFrame(body)
  }

  package mutating func shareJob() -> SharedBytes? {
    let length = buffer.frameLength
    guard let job = buffer.shareFrame() else { return nil }
    consumedBytes += UInt64(length)
    return job
  }

  package var position: String { "line \(lines) of the input" }

  package mutating func consume(as job: JobID?) {
    consumedBytes += UInt64(buffer.frameLength)
    buffer.consume()
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
