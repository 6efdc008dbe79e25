import LinuxIO
import PoolCore
import WorkerPool
import WorkerProcess

/// Everything for people: whole lines on stderr, never interleaved, never in the way of the work.
struct Reporter: ~Copyable {
  /// So many messages of one kind are shown; the rest is counted. (`-v` shows all.)
  private static let mostOfAKind = 10
  /// While more than this waits for a slow reader of stderr, the workers' stderr is not read.
  private static let highWater = 256 * 1024

  /// What can repeat without end.
  enum Kind: Int, CaseIterable {
    case death, failedStart, failedJob, breach, rejectedJob

    var plural: String {
      switch self {
      case .death: "worker deaths"
      case .failedStart: "failed starts"
      case .failedJob: "failed jobs"
      case .breach: "breaches of the protocol"
      case .rejectedJob: "rejected jobs"
      }
    }
  }

  private var output: InheritedOutput
  private var buffer = ByteQueue()
  private let verbosity: Verbosity
  private var said = [Int](repeating: 0, count: Kind.allCases.count)
  private(set) var isBlocked = false

  init(_ output: consuming InheritedOutput, verbosity: Verbosity) {
    self.output = output
    self.verbosity = verbosity
  }

  var descriptor: CInt { output.descriptor }
  var isAlwaysReady: Bool { output.isAlwaysReady }
  var isFull: Bool { buffer.count > Self.highWater }
  var isVerbose: Bool { verbosity == .verbose }

  /// Says why the run cannot go on.
  mutating func fatal(_ text: String) { line("prefork: \(text)") }

  /// Says what to try.
  mutating func hint(_ text: String) { line("hint: \(text)") }

  /// Says something that people should know.
  mutating func note(_ text: String) { if verbosity >= .normal { line("prefork: \(text)") } }

  /// Says something that only the curious want to know.
  mutating func detail(_ text: @autoclosure () -> String) { if isVerbose { line("prefork: \(text())") } }

  /// Says something that may repeat: the first few times, then it is only counted.
  mutating func repeated(_ kind: Kind, _ text: @autoclosure () -> String, evidence: [String] = []) {
    said[kind.rawValue] += 1
    guard verbosity >= .normal else { return }
    let count = said[kind.rawValue]
    guard isVerbose || count <= Self.mostOfAKind else { return }
    line("prefork: \(text())")
    for line in evidence { self.line("prefork:   last stderr: \"\(line)\"") }
    if count == Self.mostOfAKind, !isVerbose { line("prefork: further \(kind.plural) are only counted; -v shows all") }
  }

  /// What was counted but not shown.
  mutating func sayWhatWasCounted() {
    guard verbosity == .normal else { return }
    for kind in Kind.allCases where said[kind.rawValue] > Self.mostOfAKind {
      line("prefork: \(said[kind.rawValue]) \(kind.plural) in all")
    }
  }

  /// A line of a worker's stderr under the worker's name.
  mutating func workerLine(_ worker: WorkerID, _ text: [UInt8]) {
    append("worker \(worker.slot): ")
    text.withUnsafeBytes { buffer.append($0) }
    append("\n")
  }

  private mutating func line(_ text: String) { append(text + "\n") }

  private mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
  }

  /// Writes as much as the reader takes. A stderr that cannot be written is nobody's fault and stops nothing.
  mutating func flush() {
    while !buffer.isEmpty {
      switch output.write(from: &buffer) {
      case .bytes: isBlocked = false
      case .wouldBlock:
        isBlocked = true
        return
      case .closed, .failed:
        buffer.removeAll()
        isBlocked = false
      }
    }
  }
}
