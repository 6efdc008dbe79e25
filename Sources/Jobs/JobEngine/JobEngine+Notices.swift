import JobCore
import PoolCore
import Records
import Text
import WorkerPoolDriver
import WorkerProtocols

/// What workers report besides answers.
extension JobEngine {
  mutating func noticed(
    _ notice: WorkerNotice, _ job: SentJob?, _ worker: WorkerID, pid: CInt, _ reporter: inout Reporter
  ) {
    switch notice {
    case .log(let level, let text):
      for line in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
        reporter.workerLine(worker, pid: pid, Array("\(level): ".utf8) + line)
      }
    case .progress(_, let progress):
      guard let job else { return }
      let id = JobID(tag: job.tag)
      if jobs.facts.keepsDetails, has(worker, id) {
        jobs.facts[id].progress = OutputRecord.progress(
          done: progress.done, total: progress.total, message: progress.message)
      }
      reporter.detail("job \(job.number) on worker \(worker.slot) (pid \(pid)): \(progress)")
    case .ready, .retire, .tools, .ignored: break
    }
  }
}
