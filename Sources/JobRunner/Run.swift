import JobEngine
import LinuxIO
import RemotePool
import WorkerPool

/// Runs all jobs of stdin on workers of our own and tells how it ended. `closed`: which standard descriptors we were
/// started without. Throws only when the system refuses what the loop itself needs.
public func run(
  _ configuration: RunConfiguration, on pool: WorkerPoolConfiguration, workerErrors: WorkerErrors,
  closed: ClosedDescriptors
) throws(SystemError) -> RunEnd {
  if let conflict = RunFiles.conflict(in: configuration, workerErrors: workerErrors) { return .sharedFile(conflict) }
  let files: RunFiles
  do throws(UnusableFile) {
    files = try RunFiles(configuration, workerErrors: workerErrors)
  } catch {
    return .cannotCreateFile(error.reason)
  }
  var driver = try RunDriver(configuration, files, at: LocalWorkers(pool, for: configuration), closed: closed)
  return try driver.run()
}

/// Runs all jobs of stdin in a pool that is served elsewhere, likewise.
public func submit(
  _ configuration: RunConfiguration, to pool: RemotePoolConfiguration, closed: ClosedDescriptors
) throws(SystemError) -> RunEnd {
  if let conflict = RunFiles.conflict(in: configuration, workerErrors: .prefixed) { return .sharedFile(conflict) }
  let files: RunFiles
  do throws(UnusableFile) {
    files = try RunFiles(configuration, workerErrors: .prefixed)
  } catch {
    return .cannotCreateFile(error.reason)
  }
  let keeping = JobKeeping(
    ledger: configuration.ledger, keepsDetails: configuration.keepsDetails,
    keepsJobs: configuration.deadLetters != nil, seed: configuration.seed)
  var driver = try RunDriver(configuration, files, at: RemotePool(pool, keeping), closed: closed)
  return try driver.run()
}
