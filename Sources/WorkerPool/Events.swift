import JobEngine
import Messages
import Synchronization

extension WorkerPool {
  /// A worker, by its slot (0 to the most workers, a few more during replacements) and its process.
  public struct Worker: Sendable, Hashable, CustomStringConvertible {
    /// The place in the pool, which a replacement takes over.
    public let slot: Int
    /// The process.
    public let pid: Int32

    /// `worker 3 (pid 812)`
    public var description: String { "worker \(slot) (pid \(pid))" }
  }

  /// Something that happened in a pool.
  public enum Event: Sendable, CustomStringConvertible {
    /// A process was started.
    case started(Worker)
    /// The worker is ready for jobs.
    case ready(Worker)
    /// A worker that was told to stop has ended; how.
    case stopped(Worker, String)
    /// A worker ended that was not told to, broke the protocol, or failed a check; what happened, with the job that it
    /// had.
    case died(Worker, String)
    /// A line that the worker wrote to stderr, or its log message, without the newline.
    case log(Worker, String)
    /// Anything else that people may want to know: what `prefork run` shows on stderr.
    case message(Level, String)

    /// The event as one line.
    public var description: String {
      switch self {
      case .started(let worker): "\(worker) started"
      case .ready(let worker): "\(worker) is ready"
      case .stopped(_, let text), .died(_, let text), .message(_, let text): text
      case .log(let worker, let line): "worker \(worker.slot): \(line)"
      }
    }
  }

  /// How serious a message is.
  public enum Level: Sendable, Comparable {
    /// Normal.
    case detail
    /// Normal, but people should know it.
    case notice
    /// Something is wrong, and was dealt with.
    case warning
    /// Something does not work.
    case error

    init(_ priority: JournalEntry.Priority) {
      switch priority {
      case .error: self = .error
      case .warning: self = .warning
      case .notice: self = .notice
      case .info, .debug: self = .detail
      }
    }
  }
}

/// Where a pool reports what happens, for any number of readers. No reader makes the pool wait.
final class EventHub: MessageLog {
  /// Events are kept for the first reader until it comes, and for a slow one: the newest of them.
  static let mostKept = 1024

  private struct State {
    /// What happened before the first reader came; nil since then.
    var early: [WorkerPool.Event]? = []
    var readers: [Int: AsyncStream<WorkerPool.Event>.Continuation] = [:]
    var nextReader = 0
    var isFinished = false
  }

  private let state = Mutex(State())

  /// Everything from now on; for the first reader everything so far, too.
  func events() -> AsyncStream<WorkerPool.Event> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: WorkerPool.Event.self, bufferingPolicy: .bufferingNewest(Self.mostKept))
    let (reader, isFinished) = state.withLock { state in
      for event in state.early ?? [] { continuation.yield(event) }
      state.early = nil
      state.nextReader += 1
      if !state.isFinished { state.readers[state.nextReader] = continuation }
      return (state.nextReader, state.isFinished)
    }
    continuation.onTermination = { [weak self] _ in self?.remove(reader) }
    if isFinished { continuation.finish() }
    return stream
  }

  private func remove(_ reader: Int) { _ = state.withLock { $0.readers.removeValue(forKey: reader) } }

  func report(_ event: WorkerPool.Event) {
    let readers = state.withLock { state in
      if state.early != nil {
        if state.early!.count == Self.mostKept { state.early!.removeFirst() }
        state.early!.append(event)
      }
      return Array(state.readers.values)
    }
    for reader in readers { reader.yield(event) }
  }

  /// The pool is over: so are all streams.
  func finish() {
    let readers = state.withLock { state in
      state.isFinished = true
      return Array(state.readers.values)
    }
    for reader in readers { reader.finish() }
  }

  // MARK: Messages of the engine

  func log(_ entry: JournalEntry) {
    if let slot = entry.slot, let pid = entry.workerPID, entry.kind == .workerDeath {
      return report(.died(WorkerPool.Worker(slot: slot, pid: pid), entry.message))
    }
    report(.message(WorkerPool.Level(entry.priority), entry.message))
  }

  func log(line: [UInt8], named name: String, _ entry: JournalEntry) {
    guard let slot = entry.slot, let pid = entry.workerPID else { return }
    report(.log(WorkerPool.Worker(slot: slot, pid: pid), String(decoding: line, as: UTF8.self)))
  }
}
