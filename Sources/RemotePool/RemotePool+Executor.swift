import EventLoop
import JobEngine
import PoolCore
import WireFormats

/// A pool that is served elsewhere, as an executor.
extension RemotePool: JobExecutor {
  /// As JSON every job can be sent.
  package func defect(of payload: UnsafeRawBufferPointer, from framing: Framing?) -> String? { nil }

  /// What is on its way cannot be taken back.
  package mutating func takeBackUnstarted(_ loop: inout EventLoop) {}

  package mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop) {
    if urgency == .graceful { end(&loop) } else { stop(&loop) }
  }

  package func suspendWorkers() {}
  package func resumeWorkers() {}
}
