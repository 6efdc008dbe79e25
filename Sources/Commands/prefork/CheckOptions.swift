import CommandLineKit
import Time

/// The options of `prefork check`: those of `run` that concern one worker, and its own.
enum CheckOptions {
  static let job = Option(
    "job", .text(placeholder: "TEXT", example: "'a real job'"), default: "test",
    help:
      "what is sent as each job, without its newline or length; give a real one: what the worker makes of it is not "
      + "judged, but it must be answered")
  static let jobs = Option.optional(
    "jobs", .integer(in: 0...10_000_000, example: 1000), unset: "100, or what 30s allow",
    help: "how many more jobs follow the first, to measure warm jobs and the growth of memory")
  static let timeout = Option<Nanoseconds>(
    "timeout", short: "t", .duration(atLeast: .milliseconds(1), example: "10s"), default: "10s",
    help: "longest wait for the reply to a job; then it is found out why none came")

  /// The command as help, man page and completions show it.
  static let command = Command(
    name: "check",
    summary: "start one worker, try it, and report what is wrong",
    discussion: [
      "Starts one worker and sends it what `prefork run` with the same options would send: a probe (with --probe), a "
        + "first job, more jobs, resets (with --reset), and the end of its input. Shows how long each took, how its "
        + "memory grew and how it stopped; then what is wrong and how to mend it, and what to set. The report goes to "
        + "stdout, the worker's stderr to stderr.",
      "A worker that does not speak --protocol may be a program at a prompt, an MCP server, or a server or worker of "
        + "another kind: if something indicates that, or it is silent, it is started again, each time for a moment, to "
        + "find out. With --protocol mcp and no --tool, its tools are listed.",
      "Durations: 250us, 500ms, 30s, 1.5m, 1h; a bare number is seconds. Sizes: 64K, 16M, 2G, in powers of 1024.",
      "SIGINT or SIGTERM stops the worker and ends the check; a second one kills it.",
    ],
    groups: [
      OptionGroup("essential", [job, jobs, timeout]),
      OptionGroup("formats", [ProtocolOptions.workerProtocol, RunOptions.maxReplySize]),
      ProtocolOptions.groupOfCheck,
      BatchOptions.groupOfCheck,
      OptionGroup(
        "health",
        [
          RunOptions.ready, RunOptions.probe, RunOptions.probeTimeout, RunOptions.reset, RunOptions.startTimeout,
          RunOptions.stopTimeout,
        ]),
      OptionGroup(
        "worker",
        [
          SurroundingsOptions.directory, SurroundingsOptions.environment, SurroundingsOptions.clearEnvironment,
          SurroundingsOptions.user, SurroundingsOptions.niceness, SurroundingsOptions.limits, RunOptions.memoryMax,
          RunOptions.pidsMax,
        ]),
    ],
    requirements: ProtocolOptions.requirements + [
      Requirement(RunOptions.ready, "probe", needs: RunOptions.probe) { $0 == .probe }
    ],
    exclusions: ProtocolOptions.exclusions + BatchOptions.exclusions, programOption: ProtocolOptions.repl,
    foreignOptions: ForeignOptions.workers,
    operands: .commandLine(program: "WORKER", argument: "ARG"),
    examples: [
      Example("does it work, and what does it cost?", "prefork check --job 'hello world' -- ./model.py"),
      Example(
        "with all that run would ask of it",
        "prefork check --ready notify --probe ping=pong --reset reset=ok -- ./model.py"),
    ],
    exitStatuses: [
      ExitStatusMeaning(ExitCode.ok.rawValue, "nothing is wrong with the worker"),
      ExitStatusMeaning(
        ExitCode.someJobsNotOK.rawValue,
        "it works, but something was found that will hurt: it does not stop by itself, its memory grows, it leaves"),
      ExitCode.usage.entry,
      ExitStatusMeaning(ExitCode.unavailable.rawValue, "it does not start, or does not become ready"),
      ExitCode.internalError.entry, ExitCode.systemRefused.entry, ExitCode.outputFailed.entry,
      ExitStatusMeaning(ExitCode.protocolBroken.rawValue, "it breaks the protocol"),
      ExitStatusMeaning(ExitCode.interrupted.rawValue, "interrupted by SIGINT, after the worker was stopped"),
      ExitStatusMeaning(ExitCode.terminated.rawValue, "ended by SIGTERM, likewise"),
    ])
}
