import Chronicle
import CommandLineKit
import ControlClient
import ControlProtocol
import Time

/// The options of `prefork top`.
enum TopOptions {
  static let interval = Option<Nanoseconds>(
    "interval", short: "i", .watchInterval, default: "1s", help: "between two looks at the pool: 100ms to 1h")
  static let pool = Option.optional(
    "pool", .text(placeholder: "NAME", example: "default"), unset: "the first one",
    help: "the pool that is shown first, where several are served; p shows the next")
  static let color = Option<DisplayChoice>(
    "color", .choice, default: "auto", help: "colour on the screen; auto: unless NO_COLOR is set")

  /// The command as help, man page and completions show it.
  static let command = Command(
    name: "top", summary: "watch a served pool on the whole screen, and control it by single keys",
    discussion: [
      "Shows workers, jobs, rates and clients as they are now. r recycles the worker of the chosen slot, R all of "
        + "them, + and - change how many workers there are at most, d drains, s sorts, Tab shows the clients, ? lists "
        + "all keys, q quits. Quitting changes nothing: the pool goes on.",
      "Needs a terminal of its own for keys and screen; `prefork status` shows the same once, anywhere.",
      "ADDRESS is unix:/path or the path alone, of the control socket or of the socket for jobs that it belongs to: "
        + "then \(ControlAddress.suffix) is appended.",
    ],
    groups: [OptionGroup("options", [interval, pool, color])],
    operands: .words([.one("ADDRESS", .controlAddress, isFile: true)]),
    examples: [
      Example("how is the pool?", "prefork top unix:/run/pool.sock"),
      Example("a slow line", "prefork top --interval 5s /run/pool.sock"),
    ],
    exitStatuses: [
      ExitStatusMeaning(ExitCode.ok.rawValue, "left with q"),
      ExitStatusMeaning(ExitCode.someJobsNotOK.rawValue, "the pool refused to be watched; stderr has the reason"),
      ExitStatusMeaning(ExitCode.usage.rawValue, "wrong usage, or no terminal to show it on"),
      ExitStatusMeaning(ExitCode.unavailable.rawValue, "the pool cannot be reached, or does not answer"),
      ExitCode.systemRefused.entry,
      ExitStatusMeaning(ExitCode.outputFailed.rawValue, "the terminal is gone"),
      ExitStatusMeaning(ExitCode.noPermission.rawValue, "not permitted to watch the pool"),
      ExitStatusMeaning(ExitCode.interrupted.rawValue, "left with Ctrl-C (SIGINT)"),
      ExitStatusMeaning(ExitCode.terminated.rawValue, "ended by SIGTERM"),
    ],
    family: ControlOptions.family)
}

extension ValueKind where Value == Nanoseconds {
  /// A duration that a server accepts between two answers to `Watch`.
  fileprivate static var watchInterval: ValueKind {
    let duration = ValueKind.duration(atLeast: PoolInterface.intervals.lowerBound, example: "1s")
    return ValueKind(placeholder: duration.placeholder, example: duration.example) { text throws(ValueError) in
      let time = try duration.parse(text)
      guard time <= PoolInterface.intervals.upperBound else {
        throw ValueError(problem: "is more than an hour", wanted: "a duration from 100ms to 1h", example: "1s")
      }
      return time
    }
  }
}
