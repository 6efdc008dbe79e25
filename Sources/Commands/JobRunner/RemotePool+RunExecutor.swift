import Chronicle
import EventLoop
import JobEngine
import JobSources
import LinuxIO
import RemotePool
import Time

/// A pool that is served elsewhere, as the executor of a run.
extension RemotePool: RunExecutor {
  /// HUP ends us, as it ends other programs: there are no workers to be replaced here.
  var signals: [CInt] { [Signal.user1] }

  mutating func take(signal: CInt, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    if signal == Signal.user1 { sayState(&reporter) }
  }

  mutating func saySilence(since start: Instant, _ loop: borrowing EventLoop, _ reporter: inout Reporter) -> Bool {
    saySilence(&reporter)
  }

  var title: String { "\(configuration.address)" }
  var maximumJobs: Int64? { nil }

  var capacity: ExecutorCapacity {
    ExecutorCapacity(serving: places, starting: 0, slots: places, phase: places > 0 ? .running : .connecting)
  }

  /// The workers are not ours to be recycled.
  func advice(_ advice: MemoryAdvice) -> String? { nil }

  var verdict: RunEnd? {
    if withdrawnAnswers > 0 { return .protocolBroken }
    return jobs.ledger.internalErrors > 0 ? .internalError : busyJobs > 0 ? .serverBusy : nil
  }

  static func take<Source: JobSource & ~Copyable>(
    _ output: RemotePoolOutput, _ driver: inout RunDriver<Source, RemotePool>
  ) {
    switch output {
    case .job(let output): driver.take(output)
    case .lost(let verdict): driver.poolIsLost(RunEnd(verdict))
    case .closed: driver.poolIsClosed = true
    }
  }
}

extension RunDriver where Source: ~Copyable, Executor == RemotePool {
  /// Nothing will be answered any more.
  mutating func poolIsLost(_ end: RunEnd) {
    // A run that was asked to end has a reason already.
    if earlyEnd == nil { earlyEnd = end }
    abandonJobs(.prompt, because: .serverLost)
  }
}

extension RunEnd {
  init(_ verdict: Loss.Verdict) {
    switch verdict {
    case .unreachable: self = .serverUnreachable
    case .busy: self = .serverBusy
    case .notPermitted: self = .notPermitted
    case .protocolBroken: self = .protocolBroken
    }
  }
}
