import EventLoop
import JobEngine
import PoolCore

/// A pool that is served elsewhere, as an executor.
extension RemotePool: JobExecutor {
  /// What is on its way cannot be taken back.
  package mutating func takeBackUnstarted(_ loop: inout EventLoop) {}

  package mutating func stop(_ urgency: StopUrgency, _ loop: inout EventLoop) {
    if urgency == .graceful { end(&loop) } else { stop(&loop) }
  }

  package func suspendWorkers() {}
  package func resumeWorkers() {}
}
