import Chronicle
import JobCore
import JobEngine
import LinuxIO
import Time
import WireFormats

/// What a run needs to know wherever its jobs are done.
public struct RunConfiguration: Sendable {
  /// Queue, retries, order, limits of the jobs.
  public var ledger: JobLedger.Configuration
  /// How results stand on stdout.
  public var output: ResultFormat
  /// In records, a reply that is JSON stands as the JSON that it is.
  public var keepsJSON = false
  /// Seed of all jitter.
  public var seed: UInt64
  /// What is reported on stderr.
  public var verbosity: Verbosity
  /// How long running jobs, and readers that are slow, may take after a SIGTERM; then they are given
  /// up.
  public var drainLimit: Nanoseconds = .seconds(30)

  /// Where each job that has come out is written down, one line each.
  public var jobLog: String?
  /// Jobs that are `ok` in the joblog are skipped.
  public var resumes = false
  /// Whether the joblog has columns for what jobs cost.
  public var logsUsage = false
  /// Where jobs that did not end well are written, to be fed in again.
  public var deadLetters: String?

  /// Each line of the output is led by its job; only of lines and text.
  public var tagsLines = false
  /// The folder that gets a folder of files for each job.
  public var results: String?

  /// Where the timeline of slots and jobs is written.
  public var trace: String?
  /// Where a page about the finished run is written.
  public var report: String?
  /// How the progress line is drawn; nil for not at all.
  public var progress: TerminalStyle?

  /// Whether anybody wants to know about single jobs.
  public var keepsDetails: Bool {
    output == .records || jobLog != nil || deadLetters != nil || trace != nil || report != nil || sourceIsAcknowledged
      || tagsLines || results != nil
  }

  /// Whether the bytes of jobs are kept until their results are out.
  var keepsJobs: Bool { deadLetters != nil || results != nil }

  /// The source is informed of each outcome, and of what is known about it.
  var sourceIsAcknowledged = false

  /// A run with these parts.
  public init(ledger: JobLedger.Configuration, output: ResultFormat, seed: UInt64, verbosity: Verbosity) {
    self.ledger = ledger
    self.output = output
    self.seed = seed
    self.verbosity = verbosity
  }
}

/// How a run ended; the command turns it into an exit status.
public enum RunEnd: Sendable, Equatable {
  /// Every job was ok, or the reader of stdout had enough.
  case allOK
  /// Some jobs did not end ok.
  case someNotOK
  /// Workers do not start: the breaker is open.
  case workersDoNotStart
  /// Workers, or the server, broke the protocol, so that answers cannot be trusted or none came.
  case protocolBroken
  /// The pool that is served elsewhere cannot be reached, or not any more.
  case serverUnreachable
  /// The server had no room for some job, or for us.
  case serverBusy
  /// We may not use the pool that is served elsewhere.
  case notPermitted
  /// A file that was to be written cannot be, for this reason: nothing was run.
  case cannotCreateFile(String)
  /// One file was named for two purposes, these: nothing was run.
  case sharedFile(String)
  /// Some of the input was no job.
  case badInput
  /// The run was given up because too many jobs did not end well.
  case halted
  /// stdin could not be read.
  case inputUnreadable
  /// stdout could not be written.
  case outputFailed
  /// Finished early because of this signal, which the command raises again.
  case interrupted(signal: CInt)
  /// Our own bug was noticed; the results may be complete all the same.
  case internalError
}
