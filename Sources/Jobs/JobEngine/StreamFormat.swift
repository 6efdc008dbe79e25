import JobSources
import WireFormats

/// How jobs or results stand in a stream.
public enum StreamFormat: Sendable, Equatable {
  /// As they are, framed.
  case framed(Framing)
  /// Each as one line of JSON that holds more than the bytes.
  case records

  /// What separates one from the next.
  package var framing: Framing {
    switch self {
    case .framed(let framing): framing
    case .records: .lines
    }
  }

  /// What the bytes of a job in such a stream are.
  package var form: JobForm {
    switch self {
    case .framed(let framing): .plain(framing)
    case .records: .record
    }
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

/// How much is written to stderr.
public enum Verbosity: Int, Sendable, Comparable {
  /// Only what ends the run, and what workers themselves write.
  case quiet
  /// Also deaths, failed jobs, and a summary when not all is well.
  case normal
  /// Also every start, stop and recycling, and always the summary.
  case verbose

  /// Quiet is less than verbose.
  public static func < (left: Verbosity, right: Verbosity) -> Bool { left.rawValue < right.rawValue }
}
