import CommandLineKit
import ControlClient
import ControlProtocol

/// The commands that look at a served pool and control it, by its control socket.
enum ControlOptions {
  static let onePool = Option.optional(
    "pool", .text(placeholder: "NAME", example: "default"), unset: "the only one",
    help: "which pool, where several are served")
  static let somePools = Option.optional(
    "pool", .text(placeholder: "NAME", example: "default"), unset: "all of them",
    help: "which pool, where several are served")
  static let json = Option.flag("json", help: "print the server's answer as one JSON object, on one line")
  static let limit = Option(
    "limit", short: "n", .integer(in: 1...PoolInterface.maximumJobs, example: 20), default: "100",
    help: "list at most N jobs, the oldest first")

  static let status = command(
    "status", "show the workers, jobs and clients of a served pool", [somePools, json],
    examples: [
      Example("how is the pool?", "prefork status unix:/run/pool.sock"),
      Example("jobs that wait, for a script", "prefork status --json /run/pool.sock | jq '.pools[0].jobs.queued'"),
    ])
  static let jobs = command(
    "jobs", "list the jobs of a served pool that have not ended", [limit, onePool, json],
    examples: [Example("the twenty oldest", "prefork jobs /run/pool.sock --limit 20")])
  static let metrics = command(
    "metrics", "print the metrics of a served pool in OpenMetrics text",
    examples: [
      Example("for node_exporter's textfile collector", "prefork metrics /run/pool.sock > /var/lib/metrics/pool.prom")
    ])
  static let scale = command(
    "scale", "change how many workers a served pool keeps", [onePool],
    [.one("N|MIN..MAX", workers)],
    ["N is as many workers at any time; with MIN..MAX it depends on how many jobs wait."],
    examples: [
      Example("eight workers", "prefork scale /run/pool.sock 8"),
      Example("from two to eight, as jobs wait", "prefork scale /run/pool.sock 2..8"),
    ])
  static let recycle = command(
    "recycle", "replace the workers of a served pool by fresh ones", [somePools],
    [.any("SLOT", slot)],
    ["Without a SLOT all of them. Each goes as soon as its job is done and its successor is ready."],
    examples: [
      Example("all, one after the other", "prefork recycle /run/pool.sock"),
      Example("those in slots 0 and 3", "prefork recycle /run/pool.sock 0 3"),
    ])
  static let reload = command(
    "reload", "make a server read its configuration file again",
    examples: [Example("after the file was changed", "prefork reload /run/pool.sock")])
  static let cancel = command(
    "cancel", "cancel one job of a served pool", [onePool],
    [.one("JOB", job)],
    ["JOB is the number that `prefork jobs` shows. If the job runs, its worker is stopped."],
    examples: [Example("job 17", "prefork cancel /run/pool.sock 17")])
  static let drain = command(
    "drain", "let a served pool finish its jobs and end", [somePools], [],
    ["It takes no new jobs from now on. Waits until it has ended; SIGINT leaves, and the pool goes on draining."],
    examples: [Example("before maintenance", "prefork drain /run/pool.sock")])
  static let stop = command(
    "stop", "stop a served pool", [somePools], [],
    [
      "Its workers are stopped after the grace that the pool gives their jobs. Waits until it has ended; SIGINT leaves."
    ],
    examples: [Example("now", "prefork stop /run/pool.sock")])

  static let workers = ValueKind<ClosedRange<Int>>.countRange(in: 0...10_000, example: "2..8")
  static let slot = ValueKind<Int>.integer(in: 0...9999, example: 3)
  static let job = ValueKind<UInt64>.integer(in: 1...UInt64.max, example: 17)

  /// What all of them do.
  static let family = "look at a served pool, and control it"

  private static func command(
    _ name: String, _ summary: String, _ options: [any OptionProtocol] = [], _ operands: [Operand] = [],
    _ discussion: [String] = [], examples: [Example]
  ) -> Command {
    Command(
      name: name, summary: summary,
      discussion: discussion + [
        "ADDRESS is unix:/path or the path alone, of the control socket or of the socket for jobs that it belongs to: "
          + "then \(ControlAddress.suffix) is appended."
      ],
      groups: options.isEmpty ? [] : [OptionGroup("options", options)],
      operands: .words([.one("ADDRESS", .controlAddress, isFile: true)] + operands), examples: examples,
      exitStatuses: [
        ExitStatusMeaning(ExitCode.ok.rawValue, "done"),
        ExitStatusMeaning(ExitCode.someJobsNotOK.rawValue, "the pool refused; stderr has the reason"),
        ExitCode.usage.entry,
        ExitStatusMeaning(ExitCode.unavailable.rawValue, "the pool cannot be reached, or does not answer"),
        ExitCode.outputFailed.entry,
        ExitStatusMeaning(ExitCode.stoppedEarly.rawValue, "the pool is going down already"),
        ExitStatusMeaning(ExitCode.noPermission.rawValue, "not permitted to control the pool"),
      ],
      family: family)
  }
}

extension ValueKind where Value == ControlAddress {
  /// `unix:/path`, or a path.
  static var controlAddress: ValueKind {
    ValueKind(placeholder: "ADDRESS", example: "unix:/run/pool.sock") { text throws(ValueError) in
      guard let address = ControlAddress(text) else {
        throw ValueError(
          problem: "is not the address of a unix socket", wanted: "unix:/path or a path", example: "unix:/run/pool.sock"
        )
      }
      return address
    }
  }
}
