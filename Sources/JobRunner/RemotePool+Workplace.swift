import Chronicle
import EventLoop
import JobCore
import JobEngine
import LinuxIO
import PoolCore
import Records
import RemotePool
import Time
import WireFormats

/// A pool that is served elsewhere, as a workplace.
extension RemotePool: Workplace {
  /// As JSON every job can be sent.
  func defect(of payload: UnsafeRawBufferPointer, from framing: Framing?) -> String? { nil }

  mutating func handle(token: UInt64, hangup: Bool, _ loop: inout EventLoop) -> Bool { handle(token: token) }

  mutating func endTurn(
    holdingResults: Bool, holdingMessages: Bool, _ loop: inout EventLoop, _ reporter: inout Reporter
  ) {
    endTurn(holdingResults: holdingResults, &loop, &reporter)
  }

  /// What is on its way cannot be taken back.
  mutating func takeBackUnstarted(_ loop: inout EventLoop) {}

  mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop) {
    if urgency == .graceful { end(&loop) } else { stop(&loop) }
  }

  /// HUP ends us, as it ends other programs: there are no workers to be replaced here.
  var signals: [CInt] { [Signal.user1] }
  func suspendWorkers() {}
  func resumeWorkers() {}

  mutating func take(signal: CInt, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    if signal == Signal.user1 { sayState(&reporter) }
  }

  mutating func saySilence(since start: Instant, _ loop: borrowing EventLoop, _ reporter: inout Reporter) -> Bool {
    saySilence(&reporter)
  }

  var title: String { "\(configuration.address)" }
  var maximumJobs: Int64? { nil }

  var crowd: Crowd {
    Crowd(serving: places, starting: 0, slots: places, phase: places > 0 ? .running : .connecting)
  }

  /// The workers are not ours to be recycled.
  func advice(_ advice: MemoryAdvice) -> String? { nil }

  var verdict: RunEnd? {
    if withdrawnAnswers > 0 { return .protocolBroken }
    return jobs.ledger.internalErrors > 0 ? .internalError : busyJobs > 0 ? .serverBusy : nil
  }

  static func take(_ output: RemotePoolOutput, _ driver: inout RunDriver<RemotePool>) {
    switch output {
    case .job(let output): driver.take(output)
    case .lost(let verdict): driver.poolIsLost(RunEnd(verdict))
    case .closed: driver.poolIsClosed = true
    }
  }
}

extension RunDriver where Work == RemotePool {
  /// Nothing will be answered any more.
  mutating func poolIsLost(_ end: RunEnd) {
    // Who was told to end has a reason already.
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
