import Chronicle
import CommandLineKit
import JobEngine
import JobCore
import Time
import WireFormats

/// How jobs and results stand on our own stdin and stdout.
enum StreamChoice: String, CaseIterable {
  case lines, nul, records
}

/// How results stand on our own stdout.
enum OutputChoice: String, CaseIterable {
  case lines, nul, records, text
}

/// How a reply stands in a record.
enum ReplyChoice: String, CaseIterable {
  case text, json
}

/// In which order results come out.
enum ResultOrder: Equatable {
  case input, completion
}

/// Which idle worker takes the next job: the one used last, or the one unused longest.
enum LeaseOrder: String, CaseIterable {
  case lifo, fifo
}

/// The options of `prefork run`. Sizes are in bytes.
enum RunOptions {
  // Essential
  static let workers = Option.optional(
    "workers", short: "w", .countRange(in: 0...10_000, example: "4"), unset: "one per usable CPU",
    help: "how many workers are kept warm: always N, or from MIN to MAX as jobs wait")
  static let order = Option.switches(
    [
      Switch("keep-order", short: "k", ResultOrder.input, help: "results come out in the order of the input"),
      Switch("unordered", ResultOrder.completion, help: "results come out as soon as they are there"),
    ], default: .input, exclusive: true)
  static let timeout = Option.optional(
    "timeout", short: "t", .timeLimit, unset: "no limit",
    help:
      "longest time one job may run, also as a share of the median of the jobs before it; then its worker is stopped "
      + "and the job ends as timeout")
  static let retries = Option(
    "retries", short: "r", .integer(in: 0...1_000_000, example: 3), default: "0",
    help: "extra attempts for a job that failed, timed out or lost its worker")

  // Formats
  static let input = Option<StreamChoice>(
    "input", .choice, default: "lines",
    help:
      "what ends a job on stdin; records: each is a line of JSON with the job, its id, key, timeout, retries, priority")
  static let output = Option<OutputChoice>(
    "output", .choice, default: "lines",
    help:
      "what ends a result on stdout; records: each is a line of JSON with the result or the error, and what became of "
      + "the job; text: each as it is, in any number of lines, and nothing for a job that did not end ok")
  static let reply = Option<ReplyChoice>(
    "reply", .choice, default: "text",
    help:
      "how a reply stands in a record of --output records: always as a string; json: one that is JSON as the JSON that "
      + "it is, any other as a string")
  static let tag = Option<Bool>.flag(
    "tag", help: "lead each line of the output by its job and a tab; the job is escaped as in the joblog")
  static let results = Option.optional(
    "results", .text(placeholder: "DIR", example: "out"), unset: "none",
    help:
      "write the files DIR/N/job, stdout (the reply), stderr and record.json of job N; each folder appears as a whole. "
      + "The output is then text, unless --output says otherwise")
  static let maxJobSize = Option<Int>(
    "max-job-size", .size(), default: "64M", help: "a larger job fails, and only that one")
  static let maxReplySize = Option<Int>(
    "max-reply-size", .size(), default: "64M", help: "a job whose reply is larger fails, and its worker is replaced")

  // Recycle
  static let maxJobs = Option(
    "max-jobs", .integer(in: 0...1_000_000_000, example: 1000), default: "0",
    help: "replace a worker after N jobs; 0 for never")
  static let maxAge = Option<Nanoseconds>(
    "max-age", .duration(example: "1h"), default: "0", help: "replace a worker at that age; 0 for never")
  static let maxRss = Option.optional(
    "max-rss", .size(), unset: "no limit",
    help: "replace a worker that after a job holds more memory than that, its descendants included")
  static let killRss = Option.optional(
    "kill-rss", .size(), unset: "no limit",
    help: "stop a worker at once that holds more memory than that; its job is crashed")
  static let memoryMax = Option.optional(
    "memory-max", .size(atLeast: 65536), unset: "no limit",
    help:
      "have the kernel kill a worker, with all its descendants, that needs more memory (memory.max of its own cgroup)")
  static let pidsMax = Option.optional(
    "pids-max", .integer(in: 1...4_194_304, example: 64), unset: "no limit",
    help: "most processes and threads of a worker, with all its descendants (pids.max of its own cgroup)")
  static let jitter = Option<Double>(
    "jitter", .percentage, default: "10%",
    help:
      "how far below --max-jobs, --max-age and --max-rss the limit of each worker is drawn, so that they are never all "
      + "replaced at once")

  static let surge = Option(
    "surge", .integer(in: 0...10_000, example: 1), default: "1",
    help:
      "replacements that are made ready before the worker they replace retires, which serves on past its limit until "
      + "then; 0: it stops first, at its limit")
  static let maxStarting = Option.optional(
    "max-starting", .integer(in: 1...10_000, example: 4), unset: "twice the usable CPUs, at least 8",
    help: "how many workers may be loading at the same time")
  static let idleTimeout = Option<Nanoseconds>(
    "idle-timeout", .duration(example: "30s"), default: "30s",
    help: "with MIN..MAX workers: one above MIN that had no job for this time retires; 0 for never")

  // Health
  static let ready = Option.optional(
    "ready", .readiness, unset: "probe with --probe, else none",
    help:
      "how a worker proves that it can take jobs: not at all; by READY=1 of sd_notify; by its first line on stdout, or "
      + "the first that begins with TEXT; by answering the probe; by the message of its protocol for that")
  static let probe = Option.optional(
    "probe", .exchange, unset: "none",
    help: "what to send to see whether a worker is well, and the one right reply (without: any); \\= is an = in TEXT")
  static let probeInterval = Option.optional(
    "probe-interval", .duration(atLeast: .milliseconds(1), example: "10s"), unset: "never",
    help: "how often an idle worker is probed")
  static let probeBeforeLease = Option<Bool>.flag(
    "probe-before-lease", help: "probe a worker before it gets a job, unless it was used in the last 500 ms")
  static let probeTimeout = Option<Nanoseconds>(
    "probe-timeout", .duration(atLeast: .milliseconds(1), example: "5s"), default: "5s",
    help: "longest wait for the answer to a probe or a reset; then the worker is replaced")
  static let reset = Option.optional(
    "reset", .exchange, unset: "none",
    help: "what to send after each job, so that the next one sees nothing of it, and the one right reply (without: any)"
  )
  static let workerWatchdog = Option.optional(
    "worker-watchdog", .duration(atLeast: .milliseconds(1), example: "30s"), unset: "off",
    help:
      "a worker that is ready (without --ready: has replied once) and has not sent WATCHDOG=1 (sd_notify) for this "
      + "time is replaced")
  static let startTimeout = Option<Nanoseconds>(
    "start-timeout", .duration(atLeast: .nanoseconds(1)), default: "60s",
    help: "longest time until a started worker is ready; without --ready, until it begins to read its first job")
  static let stopTimeout = Option<Nanoseconds>(
    "stop-timeout", .duration(example: "10s"), default: "10s",
    help: "longest wait after closing a worker's stdin and after SIGTERM, before SIGKILL")
  static let restartBudget = Option<CountPerPeriod>(
    "restart-budget", .countPerPeriod, default: "5/10s",
    help: "after N failed starts within DUR, pause starting workers")
  static let backoff = Option<ClosedRange<Nanoseconds>>(
    "backoff", .durationRange(atLeast: .milliseconds(1)), default: "100ms..30s",
    help: "the wait after a failed start: doubled from MIN to MAX")

  // Jobs
  static let queue = Option.optional(
    "queue", .integer(in: 1...10_000_000, example: 64), unset: "twice the workers",
    help: "how many jobs that were read may wait for a worker; by default N times as many with --batch N")
  static let queueTimeout = Option.optional(
    "queue-timeout", .duration(atLeast: .nanoseconds(1)), unset: "no limit",
    help: "longest wait for a worker; then the job ends as expired")
  static let prefetch = Option<Int?>(
    "prefetch", .prefetch, default: "auto",
    help:
      "most jobs at one worker: the one that runs, and others that wait in its pipe; auto: as many as it does in a "
      + "millisecond, measured; 1: none waits there")
  static let retryDelay = Option.optional(
    "retry-delay", .delay, unset: "none",
    help: "the wait before a job is tried again: doubled from MIN to MAX")
  static let halt = Option<HaltRule?>(
    "halt", .halt, default: "never",
    help:
      "give up when N jobs, or N% of them (and at least 3), did not end well: now stops the running ones, soon lets "
      + "them finish")
  static let drainTimeout = Option<Nanoseconds>(
    "drain-timeout", .duration(atLeast: .milliseconds(1), example: "30s"), default: "30s",
    help: "after a SIGTERM: longest wait for the running jobs; then they are cancelled")
  static let joblog = Option.optional(
    "joblog", .text(placeholder: "FILE", example: "run.log"), unset: "none",
    help: "a line for each job that is done, in the columns of GNU parallel and some more; written after its result")
  static let resume = Option<Bool>.flag(
    "resume", help: "skip the jobs that are ok in the joblog, known by their content or their key, wherever they stand")
  static let noAccounting = Option<Bool>.flag(
    "no-accounting",
    help: "do not measure the CPU time and the change of memory of each job for joblog, records and report")
  static let trace = Option.optional(
    "trace", .text(placeholder: "FILE", example: "run.trace.json"), unset: "none",
    help: "a timeline of slots and jobs in the Chrome trace format, to be opened in Perfetto or chrome://tracing")
  static let report = Option.optional(
    "report", .text(placeholder: "FILE", example: "report.html"), unset: "none",
    help: "one page about the finished run: throughput, run times, outcomes, slots, the slowest and the failed jobs")
  static let deadLetter = Option.optional(
    "dead-letter", .text(placeholder: "FILE", example: "failed.jsonl"), unset: "none",
    help: "append each job that did not end well, as a record for --input records, with what is known of its end")
  static let quarantineAfter = Option(
    "quarantine-after", .integer(in: 1...1_000_000, example: 3), default: "3",
    help: "do not retry a job that killed N workers, whatever --retries is")
  static let orderWindow = Option<Int>(
    "order-window", .size(), default: "64M",
    help: "finished results that may wait for an earlier one; then no new job starts until that one is done")
  static let leaseOrder = Option<LeaseOrder>(
    "lease-order", .choice, default: "lifo",
    help: "which idle worker takes the next job: the one used last (warmest) or the one unused longest")

  // Display
  static let verbosity = Option.switches(
    [
      Switch("quiet", short: "q", Verbosity.quiet, help: "only errors on stderr"),
      Switch("verbose", short: "v", Verbosity.verbose, help: "report every start, stop and retry on stderr"),
    ], default: .normal)
  static let progress = Option<DisplayChoice>(
    "progress", .choice, default: "auto",
    help:
      "a line on stderr with what is done, the rate, the time that is left (of a file, or once stdin has ended) and "
      + "the failures; auto: on a terminal that is not also used for results or by the workers")
  static let color = Option<DisplayChoice>(
    "color", .choice, default: "auto", help: "colour in the progress line; auto: on a terminal, unless NO_COLOR is set")
  static let seed = Option.optional(
    "seed", .integer(in: 0...UInt64.max, example: 42), unset: "random",
    help: "seed of every random choice, to repeat a run")

  static let recycleGroup = OptionGroup(
    "recycle", [maxJobs, maxAge, maxRss, killRss, memoryMax, pidsMax, jitter, surge, idleTimeout])
  static let healthGroup = OptionGroup(
    "health",
    [
      ready, probe, probeInterval, probeBeforeLease, probeTimeout, reset, workerWatchdog, startTimeout, maxStarting,
      stopTimeout, restartBudget, backoff,
    ])
  static let healthRequirements = [
    Requirement(probeInterval, needs: probe), Requirement(probeBeforeLease, needs: probe),
    Requirement(ready, "probe", needs: probe) { $0 == .probe },
  ]

  static let outputRequirements = [replyRequirement(needing: output, .records)]

  /// JSON stands as it is only in records, which `output` selects with this value.
  static func replyRequirement<Format: RawRepresentable & Equatable & Sendable>(
    needing output: Option<Format>, _ records: Format
  ) -> Requirement where Format.RawValue == String {
    Requirement(
      reply, "json", needs: output, records.rawValue, when: { $0 == .json }, where: { $0 == records })
  }

  static let outputExclusions = [
    Exclusion(tag, output, "records") { $1 == .records || $1 == .nul }
  ]

  /// The command as help, man page and completions show it.
  static let command = Command(
    name: "run",
    summary: "run jobs from stdin through warm workers",
    discussion: [
      "Each line of stdin is a job. A worker reads jobs on its stdin and writes one reply for each, in order, on its "
        + "stdout; its stderr is its log; the end of its stdin means stop. Line n of the output answers line n of the "
        + "input; a job that did not end ok leaves an empty line.",
      "Usable CPUs are those that prefork's affinity and cpuset allow, or fewer if the quota of its control groups is "
        + "less, rounded up.",
      "Durations: 250us, 500ms, 30s, 1.5m, 1h, 7d; a bare number is seconds. Sizes: 64K, 16M, 2G, in powers of 1024; a "
        + "bare number is bytes. Of an option given twice the last one counts.",
      "The first SIGINT or SIGTERM starts no more jobs and lets the running ones finish, after SIGTERM for "
        + "--drain-timeout at most; the second stops at once.",
    ],
    groups: [
      OptionGroup("essential", [workers, order, timeout, retries]),
      OptionGroup("formats", [ProtocolOptions.workerProtocol, input, output, reply, tag, maxJobSize, maxReplySize]),
      ProtocolOptions.group,
      BatchOptions.group,
      recycleGroup,
      healthGroup,
      OptionGroup(
        "jobs",
        [
          queue, queueTimeout, prefetch, retryDelay, halt, quarantineAfter, orderWindow, leaseOrder,
          drainTimeout,
        ]),
      OptionGroup("records", [joblog, resume, results, deadLetter, trace, report, noAccounting]),
      SurroundingsOptions.group,
      OptionGroup("display", [progress, color, verbosity, seed]),
    ],
    requirements: healthRequirements + ProtocolOptions.requirements + ProtocolOptions.workRequirements
      + outputRequirements + BatchOptions.requirements + [
        Requirement(resume, needs: joblog),
        Requirement(BatchOptions.key, needs: input, "records", where: { $0 == .records }),
      ],
    exclusions: ProtocolOptions.exclusions + outputExclusions + BatchOptions.exclusions + [
      // A job is known to be the cause of lines on stderr only if it is the only one.
      Exclusion(
        results, prefetch, "above 1", when: { $1 ?? 1 > 1 }, unless: SurroundingsOptions.stderr,
        is: { $0 == .inherit })
    ],
    programOption: ProtocolOptions.repl,
    foreignOptions: ForeignOptions.workers + ForeignOptions.streams,
    operands: .commandLine(program: "WORKER", argument: "ARG"),
    examples: [
      Example("every line through a warm worker", "seq 5 | prefork run -- workers/examples/upper.py"),
      Example(
        "8 workers, 30 s a job, 2 more attempts; killed, it can be taken up again",
        "prefork run -w 8 -t 30s -r 2 --joblog log --resume -- ./model.py <in >>out"),
    ],
    exitStatuses: [
      ExitCode.ok, .someJobsNotOK, .usage, .badInput, .inputUnreadable, .unavailable, .internalError,
      .systemRefused,
      .cannotCreateOutput, .outputFailed, .stoppedEarly, .protocolBroken, .interrupted, .terminated,
    ].map(\.entry))
}
