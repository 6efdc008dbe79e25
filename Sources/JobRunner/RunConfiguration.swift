import JobCore
import LinuxIO
import WireFormats
import WorkerPool

/// Everything `prefork run` needs to know.
public struct RunConfiguration: Sendable {
  /// The workers and how they are kept.
  public var pool: WorkerPoolConfiguration
  /// Queue, retries, order, limits of the jobs.
  public var ledger: JobLedger.Configuration
  /// How jobs are separated on stdin.
  public var input: Framing
  /// How results are separated on stdout.
  public var output: Framing
  /// Longest job in bytes; a longer one fails alone.
  public var maximumJobSize: Int
  /// Seed of all jitter.
  public var seed: UInt64
  /// What people are told on stderr.
  public var verbosity: Verbosity
  /// Where the workers' stderr goes.
  public var workerErrors = WorkerErrors.prefixed

  /// A run with these parts.
  public init(
    pool: WorkerPoolConfiguration, ledger: JobLedger.Configuration, input: Framing, output: Framing,
    maximumJobSize: Int, seed: UInt64, verbosity: Verbosity
  ) {
    self.pool = pool
    self.ledger = ledger
    self.input = input
    self.output = output
    self.maximumJobSize = maximumJobSize
    self.seed = seed
    self.verbosity = verbosity
  }
}

/// Where the workers' stderr goes.
public enum WorkerErrors: Sendable, Equatable {
  /// Whole lines to ours, each under the worker's name.
  case prefixed
  /// Workers have our stderr as theirs: nothing stands between, lines may be mixed, and no evidence of a death is kept.
  case inherited
  /// Whole lines, each under the worker's name, appended to this file.
  case file(String)
}

/// How much is said on stderr.
public enum Verbosity: Int, Sendable, Comparable {
  /// Only what ends the run, and what workers themselves say.
  case quiet
  /// Also deaths, failed jobs, and a summary when not all is well.
  case normal
  /// Also every start, stop and recycling, and always the summary.
  case verbose

  /// Quiet is less than verbose.
  public static func < (left: Verbosity, right: Verbosity) -> Bool { left.rawValue < right.rawValue }
}

/// How a run ended; the command turns it into an exit status.
public enum RunEnd: Sendable, Equatable {
  /// Every job was ok, or the reader of stdout had enough.
  case allOK
  /// Some jobs did not end ok.
  case someNotOK
  /// Workers do not start: the breaker is open.
  case workersDoNotStart
  /// Workers broke the protocol, so that answers cannot be trusted or none came.
  case protocolBroken
  /// An output file could not be created: nothing was run.
  case cannotCreateFile(SystemError)
  /// stdin could not be read.
  case inputUnreadable
  /// stdout could not be written.
  case outputFailed
  /// Finished early because of this signal, which the command raises again.
  case interrupted(signal: CInt)
  /// Our own bug was noticed; the results may be complete all the same.
  case internalError
}
