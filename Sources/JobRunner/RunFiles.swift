import JobLog
import JobEngine
import LinuxIO

/// The files of a run, opened before anything is started: a run that could not write what it was told to write must not begin.
struct RunFiles: ~Copyable {
  var resume = ResumeIndex()
  var jobLog: JobLogFile?
  var deadLetters: AppendedFile?
  var workerLog: WorkerLog?
  var trace: AppendedFile?

  init(_ configuration: RunConfiguration, workerErrors: WorkerErrors) throws(UnusableFile) {
    if let path = configuration.jobLog {
      jobLog = try JobLogFile(
        path: path, resumes: configuration.resumes, showsUsage: configuration.logsUsage, into: &resume)
    }
    do throws(SystemError) {
      if let path = configuration.trace { trace = try AppendedFile(creating: path) }
      if let path = configuration.report { try replaceFile(at: path, with: []) }
      if let path = configuration.deadLetters { deadLetters = try AppendedFile(path: path) }
      if case .file(let path) = workerErrors { workerLog = try WorkerLog(path: path) }
    } catch {
      throw UnusableFile(error)
    }
  }
}
