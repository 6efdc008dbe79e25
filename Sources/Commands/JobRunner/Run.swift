import JobEngine
import JobSources
import LinuxIO
import RemotePool
import WorkerPoolDriver

/// Runs all jobs of `source` on our own workers, and returns how the run ended. Throws only if the system refuses
/// something that the loop itself needs.
package func run<Source: JobSource & ~Copyable>(
  _ configuration: RunConfiguration, from source: consuming Source, on pool: WorkerPoolConfiguration,
  workerErrors: WorkerErrors, stderrWasClosed: Bool
) throws(SystemError) -> RunEnd {
  try perform(configuration, from: source, workerErrors, stderrWasClosed) { LocalWorkers(pool, for: $0) }
}

/// Runs all jobs of `source` in a served pool, likewise.
package func submit<Source: JobSource & ~Copyable>(
  _ configuration: RunConfiguration, from source: consuming Source, to pool: RemotePoolConfiguration,
  stderrWasClosed: Bool
) throws(SystemError) -> RunEnd {
  try perform(configuration, from: source, .prefixed, stderrWasClosed) { RemotePool(pool, JobKeeping($0)) }
}

// The same for stdin. These functions are not generic, because they are called from another module, and the compiler
// specializes generic code only within a module. A driver that is not specialized for its source costs more per job, so
// a new source that needs the speed gets such a function, too.

package func run(
  _ configuration: RunConfiguration, from source: consuming StandardInput, on pool: WorkerPoolConfiguration,
  workerErrors: WorkerErrors, stderrWasClosed: Bool
) throws(SystemError) -> RunEnd {
  try perform(configuration, from: source, workerErrors, stderrWasClosed) { LocalWorkers(pool, for: $0) }
}

package func submit(
  _ configuration: RunConfiguration, from source: consuming StandardInput, to pool: RemotePoolConfiguration,
  stderrWasClosed: Bool
) throws(SystemError) -> RunEnd {
  try perform(configuration, from: source, .prefixed, stderrWasClosed) { RemotePool(pool, JobKeeping($0)) }
}

@inline(__always)
private func perform<Source: JobSource & ~Copyable, Executor: RunExecutor & ~Copyable>(
  _ configuration: RunConfiguration, from source: consuming Source, _ workerErrors: WorkerErrors,
  _ stderrWasClosed: Bool, on executor: (RunConfiguration) -> Executor
) throws(SystemError) -> RunEnd {
  if let conflict = RunFiles.conflict(in: configuration, workerErrors: workerErrors) { return .sharedFile(conflict) }
  let files: RunFiles
  do throws(UnusableFile) {
    files = try RunFiles(configuration, workerErrors: workerErrors)
  } catch {
    return .cannotCreateFile(error.reason)
  }
  returnLargeBlocks()
  var configuration = configuration
  configuration.sourceIsAcknowledged = Source.isAcknowledged
  var driver = try RunDriver(
    configuration, files, from: source, on: executor(configuration), stderrWasClosed: stderrWasClosed)
  return try driver.run()
}

extension JobKeeping {
  fileprivate init(_ run: RunConfiguration) {
    self.init(
      ledger: run.ledger, keepsDetails: run.keepsDetails, keepsJobs: run.keepsJobs, seed: run.seed)
  }
}
