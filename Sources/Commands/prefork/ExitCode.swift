import CommandLineKit

/// Why prefork ended, as its exit status. The numbers from 64 on are those of sysexits.h, so that scripts can rely on
/// them; 128 + n is the shell's way to report signal n.
enum ExitCode: Int32, CaseIterable {
  case ok = 0
  case someJobsNotOK = 1
  case usage = 64
  case badInput = 65
  case inputUnreadable = 66
  case unavailable = 69
  case internalError = 70
  case systemRefused = 71
  case cannotCreateOutput = 73
  case outputFailed = 74
  case stoppedEarly = 75
  case protocolBroken = 76
  case noPermission = 77
  case badConfiguration = 78
  case interrupted = 130
  case terminated = 143

  /// What it means, as help and man page put it.
  var meaning: String {
    switch self {
    case .ok: "every job ended ok"
    case .someJobsNotOK: "some jobs did not end ok; the summary on stderr counts them by outcome"
    case .usage: "wrong usage: the command line could not be understood"
    case .badInput: "a bad record in the input"
    case .inputUnreadable: "the input could not be read"
    case .unavailable: "workers will not start: the restart budget is spent; or no server can be reached"
    case .internalError: "an error in prefork itself; please report it"
    case .systemRefused: "the operating system refused something that is needed"
    case .cannotCreateOutput: "an output file could not be created"
    case .outputFailed: "the output could not be written"
    case .stoppedEarly: "stopped early by a rule, or the server is busy"
    case .protocolBroken: "the workers, or the server, broke the protocol"
    case .noPermission: "permission denied"
    case .badConfiguration: "the configuration is bad"
    case .interrupted: "interrupted by SIGINT, after the running jobs were finished"
    case .terminated: "ended by SIGTERM, after the running jobs were finished"
    }
  }

  /// The status with its meaning, for a command's declaration.
  var entry: ExitStatusMeaning { ExitStatusMeaning(rawValue, meaning) }
}
