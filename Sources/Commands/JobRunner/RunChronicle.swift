import Chronicle
import JobCore
import JobEngine
import LinuxIO

/// Passes what happens in a run to what people read: always to the summary, to trace and report if they are wanted.
struct RunChronicle: ~Copyable {
  var summary = RunSummary()
  var advice = MemoryAdvice()
  private(set) var report: RunReport?
  private var writer: TraceWriter?
  private var traceFile: AppendedFile?
  private var traced: [UInt8] = []
  /// Whether anybody wants to hear of single attempts.
  let isDetailed: Bool

  init(trace: consuming AppendedFile?, keepsReport: Bool, title: String, pid: CInt) {
    traceFile = trace
    if keepsReport { report = RunReport() }
    isDetailed = traceFile != nil || keepsReport
    if traceFile != nil { writer = TraceWriter(title: title, pid: pid, into: &traced) }
  }

  /// What all hear.
  mutating func tell(_ event: RunEvent) {
    summary.take(event)
    tellDetail(event)
  }

  /// A job has changed the memory of its worker. The growth by jobs that were too short to be measured comes with a
  /// later one.
  mutating func addMemory(_ change: Int64?, slot: Int, pid: CInt) {
    advice.add(slot: slot, pid: pid, change: change ?? 0)
  }

  /// What only trace and report hear.
  mutating func tellDetail(_ event: RunEvent) {
    guard isDetailed else { return }
    report?.add(event)
    if writer != nil { writer!.append(event, to: &traced) }
  }

  /// Writes the trace as far as it goes. Nil, or why it cannot be written.
  mutating func flush() -> SystemError? {
    guard traceFile != nil else { return nil }
    traceFile!.append(traced)
    traced.removeAll(keepingCapacity: true)
    return traceFile!.flush()
  }

  /// What to wait for when a FIFO takes no more of the trace at the moment.
  var blockedTrace: CInt? { blockedDescriptor(of: traceFile) }

  /// The last word of the trace, to be flushed.
  mutating func end() { writer?.end(to: &traced) }
}
