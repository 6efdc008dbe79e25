import CommandLineKit
import LinuxIO
import Time

/// The options of `prefork submit`; those that mean the same as in `prefork run` are the same. Sizes are in
/// bytes.
enum SubmitOptions {
  // Essential
  static let timeout = Option.optional(
    "timeout", short: "t", .duration(atLeast: .microseconds(1)), unset: "as the server has it",
    help: "longest time one job may run; then its worker is stopped and the job ends as timeout")
  static let retries = Option.optional(
    "retries", short: "r", .integer(in: 0...1_000_000, example: 3), unset: "as the server has it",
    help: "extra attempts for a job that failed, timed out or lost its worker")

  // Formats
  static let maxReplySize = Option<Int>(
    "max-reply-size", .size(), default: "64M", help: "a job whose reply is larger fails")

  // Connection
  static let connectTimeout = Option<Nanoseconds>(
    "connect-timeout", .duration(atLeast: .milliseconds(1), example: "10s"), default: "10s",
    help: "longest time until the server has answered a connection")
  static let reconnect = Option.optional(
    "reconnect", .durationRange(atLeast: .milliseconds(1)), unset: "not at all",
    help:
      "connect again when there is no connection, or none yet, with a wait doubled from MIN to MAX; only jobs that "
      + "have no answer are submitted again")
  static let reconnectTimeout = Option.optional(
    "reconnect-timeout", .duration(atLeast: .nanoseconds(1), example: "5m"), unset: "no limit",
    help: "give up when no attempt has succeeded for this time")

  /// The command as help, man page and completions show it.
  static let command = Command(
    name: "submit",
    summary: "run jobs from stdin in a pool that is served",
    discussion: [
      "ADDRESS is a job socket of prefork serve: unix:/PATH, tcp:HOST:PORT, or a path with a slash. From the outside "
        + "it is like prefork run, but the workers, and the limits that concern them, are the server's.",
      "When the connection is lost, jobs without an answer may have been run or not. With --reconnect they are "
        + "submitted again, and a job that was answered never is; without it the run ends, and --resume takes them up.",
      "The first SIGINT or SIGTERM sends no more jobs and waits for those that are on their way, after SIGTERM for "
        + "--drain-timeout at most; the second ends at once.",
    ],
    groups: [
      OptionGroup("essential", [RunOptions.order, timeout, retries]),
      OptionGroup(
        "formats",
        [RunOptions.input, RunOptions.output, RunOptions.reply, RunOptions.tag, RunOptions.maxJobSize, maxReplySize]),
      OptionGroup("connection", [connectTimeout, reconnect, reconnectTimeout]),
      OptionGroup("jobs", [RunOptions.halt, RunOptions.orderWindow, RunOptions.drainTimeout]),
      OptionGroup("records", [RunOptions.joblog, RunOptions.resume, RunOptions.results, RunOptions.deadLetter]),
      OptionGroup("display", [RunOptions.progress, RunOptions.color, RunOptions.verbosity]),
    ],
    requirements: RunOptions.outputRequirements + [
      Requirement(RunOptions.resume, needs: RunOptions.joblog), Requirement(reconnectTimeout, needs: reconnect),
    ],
    exclusions: RunOptions.outputExclusions, foreignOptions: ForeignOptions.submitting + ForeignOptions.streams,
    operands: .words([.one("ADDRESS", .socketAddress, isFile: true)]),
    examples: [
      Example("every line through a served pool", "seq 5 | prefork submit unix:/run/user/1000/x.sock"),
      Example(
        "over restarts of the server, and of this",
        "prefork submit --reconnect 1s..30s --joblog log --resume ./jobs.sock <in >>out"),
    ],
    exitStatuses: [
      ExitCode.ok, .someJobsNotOK, .usage, .badInput, .inputUnreadable, .unavailable, .internalError, .systemRefused,
      .cannotCreateOutput, .outputFailed, .stoppedEarly, .protocolBroken, .noPermission, .interrupted, .terminated,
    ].map(\.entry))
}
