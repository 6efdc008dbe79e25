import LinuxIO
import Text

/// Text on its way to stdout or stderr, which never makes the loop wait: a reader that is slow must not keep Ctrl-C
/// from being heard.
struct TextOutput: ~Copyable {
  /// While more than this waits for a slow reader, a worker's lines are dropped: it must not wait for that reader, or
  /// it would be found slow itself.
  private static let highWater = 256 * 1024

  private var output: InheritedOutput
  private var buffer = ByteQueue()
  /// The reader is slow: wait until `descriptor` is writable.
  private(set) var isBlocked = false
  /// Set when it could not be written, but for a reader that has gone: that one has had enough.
  private(set) var failure: SystemError?

  init(_ output: consuming InheritedOutput) { self.output = output }

  var descriptor: CInt { output.descriptor }
  var isAlwaysReady: Bool { output.isAlwaysReady }
  private var droppedLines = 0

  mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
  }

  mutating func writeLine(_ name: String, _ line: [UInt8]) {
    guard buffer.count <= Self.highWater else { return droppedLines += 1 }
    write(name)
    line.withUnsafeBytes { buffer.append($0) }
    write("\n")
  }

  /// Writes as much as the reader takes.
  mutating func flush() {
    if droppedLines > 0, buffer.count <= Self.highWater {
      let lines = "\(plural(droppedLines, "line")) of the worker's log \(counted(droppedLines, "was", "were"))"
      write("prefork: \(lines) dropped because stderr is not read\n")
      droppedLines = 0
    }
    while !buffer.isEmpty {
      switch output.write(from: &buffer) {
      case .bytes: isBlocked = false
      case .wouldBlock:
        isBlocked = true
        return
      case .closed: drop(nil)
      case .failed(let error): drop(error)
      }
    }
  }

  private mutating func drop(_ error: SystemError?) {
    buffer.removeAll()
    isBlocked = false
    if failure == nil { failure = error }
  }
}
