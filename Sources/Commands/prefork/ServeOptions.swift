import CommandLineKit
import LinuxIO
import Text
import Time

/// What becomes of a job for which there is no room in the queue.
enum WhenFull: String, CaseIterable {
  case wait, refuse
}

/// What becomes of the running jobs of a client that goes away.
enum DisconnectChoice: String, CaseIterable {
  case finish, cancel
}

/// The options of `prefork serve` that `run` does not have, or not like this.
enum ServeOptions {
  // Sockets
  static let listen = Option.repeated(
    "listen", .socketAddress,
    help:
      "where clients bring their jobs: unix:/PATH or tcp:HOST:PORT; may be given several times. Sockets passed by "
      + "systemd need no option")
  static let control = Option.optional(
    "control", .socketAddress, unset: "the first unix:/PATH with .control",
    help: "the socket for status, top, scale, drain and the like; only we and root may use it")
  static let metricsListen = Option.optional(
    "metrics-listen", .socketAddress, unset: "none",
    help: "serve /metrics (OpenMetrics), /healthz and /readyz by HTTP there")
  static let socketMode = Option(
    "socket-mode", .fileMode, default: "0600", help: "who may open the unix job sockets, as chmod(1) writes it")
  static let socketGroup = Option.optional(
    "socket-group", .group, unset: "ours", help: "the group of the unix job sockets; a mode of 0660 lets it in")
  static let allowUser = Option.repeated(
    "allow-user", .userID,
    help: "users who may connect to the unix job sockets, if the mode lets them; may be given several times")
  static let allowRemote = Option<Bool>.flag(
    "allow-remote",
    help: "listen also on TCP addresses that other machines can reach: without encryption, and for everyone who can")
  static let maxConnections = Option(
    "max-connections", .integer(in: 1...1_000_000, example: 1000), default: "16384",
    help: "how many clients may be connected to a pool at once; more are turned away")
  static let idleConnectionTimeout = Option.optional(
    "idle-connection-timeout", .duration(atLeast: .milliseconds(1), example: "10m"), unset: "never",
    help: "close a connection that had no traffic for this time and waits for no job")

  // Formats
  static let input = Option<StreamChoice>(
    "input", .choice, default: "lines",
    help:
      "what ends a job in a connection; records: each is a line of JSON with the job, its id, key, timeout, retries, "
      + "priority")
  static let output = Option<StreamChoice>(
    "output", .choice, default: "lines",
    help:
      "what ends an answer; lines, nul: in the order of the connection's jobs; records: as they finish, each a line of "
      + "JSON with its id, the result or the error")

  // Jobs
  static let queue = Option(
    "queue", .integer(in: 1...10_000_000, example: 64), default: "1024",
    help: "how many accepted jobs of all clients may wait for a worker")
  static let whenFull = Option<WhenFull>(
    "when-full", .choice, default: "wait",
    help: "with a full queue, leave jobs unread in their connections, or answer them at once: expired, busy")
  static let onDisconnect = Option<DisconnectChoice>(
    "on-disconnect", .choice, default: "finish",
    help:
      "what becomes of the running jobs of a client that goes away before it has their answers: they finish, and the "
      + "answers are dropped; or they are cancelled (--cancel-grace)")
  static let queueTimeout = Option<Nanoseconds>(
    "queue-timeout", .duration(atLeast: .nanoseconds(1), example: "10s"), default: "60s",
    help: "longest wait of an accepted job for a worker; then it ends as expired")
  static let clientJobs = Option.optional(
    "client-jobs", .integer(in: 1...1_000_000, example: 16),
    unset: "twice the workers, at least 64",
    help:
      "how many jobs of one connection may be accepted and not yet done, by default besides those that may be parked "
      + "at the workers, and twice the workers times N with --batch N; then it is not read")
  static let drainTimeout = Option<Nanoseconds>(
    "drain-timeout", .duration(atLeast: .milliseconds(1), example: "30s"), default: "30s",
    help:
      "when told to stop: longest wait until the accepted jobs are done and their answers read; then they are given up")

  // Files
  static let config = Option.optional(
    "config", .text(placeholder: "FILE", example: "/etc/prefork/pools.yaml"), unset: "none",
    help: "read options from this YAML file, by the same names; it can hold several pools, each with its own workers")
  static let checkConfig = Option<Bool>.flag(
    "check-config", help: "read everything, report what is wrong with it, and start nothing")

  private static let processOptions: [any OptionProtocol] = [
    control, metricsListen, allowRemote, drainTimeout, RunOptions.verbosity,
  ]

  private static let sockets: [any OptionProtocol] = [
    socketMode, socketGroup, allowUser, allowRemote, maxConnections, idleConnectionTimeout, control, metricsListen,
  ]
  private static let limits: [any OptionProtocol] = [
    queue, whenFull, queueTimeout, clientJobs, onDisconnect, drainTimeout,
  ]
  private static let files: [any OptionProtocol] = [config, checkConfig]

  /// What `run` does not have, or not like this.
  static let ownGroups = [
    OptionGroup("sockets", [listen] + sockets), OptionGroup("formats", [input, output]), OptionGroup("jobs", limits),
    OptionGroup("files", files),
  ]

  /// The command as help, man page and completions show it.
  static let command = Command(
    name: "serve",
    summary: "serve jobs from sockets, with systemd or without",
    discussion: [
      "Clients connect to --listen and bring jobs; workers are kept as by run. A connection is a stream of jobs in the "
        + "format of --input, and is answered in its own order (lines, nul) or by id (records). A client may close its "
        + "sending side and still gets every answer; one that goes away has its waiting jobs cancelled. Connections "
        + "share the workers fairly. prefork submit sends jobs to any of these sockets, whatever their format.",
      "The first SIGTERM or SIGINT takes nothing new and answers what was accepted (--drain-timeout); the second stops "
        + "at once. SIGHUP reads --config again and replaces the workers; SIGUSR1 reports the state; SIGTTIN and "
        + "SIGTTOU add and take a worker.",
      "With systemd it is a service of Type=notify: ready when every pool has its least number of ready workers. "
        + "Sockets of a .socket unit need no option; FileDescriptorName= gives their purpose: jobs, jobs-POOL, control "
        + "or metrics, and SocketMode= the users that may use them. When stderr is the journal, messages carry "
        + "PREFORK_POOL, PREFORK_SLOT, PREFORK_WORKER_PID and PREFORK_JOB. The units prefork@.service and "
        + "prefork@.socket come with prefork.",
      "Durations: 500ms, 30s, 5m; sizes: 64K, 16M. What the command line says wins over --config.",
    ],
    groups: [
      OptionGroup("essential", [listen, RunOptions.workers, RunOptions.timeout, RunOptions.retries]),
      OptionGroup("sockets", sockets),
      OptionGroup(
        "formats",
        [
          ProtocolOptions.workerProtocol, input, output, RunOptions.reply, RunOptions.maxJobSize,
          RunOptions.maxReplySize,
        ]),
      ProtocolOptions.group,
      BatchOptions.group,
      RunOptions.recycleGroup,
      RunOptions.healthGroup,
      OptionGroup(
        "jobs",
        limits + [RunOptions.prefetch, RunOptions.retryDelay, RunOptions.quarantineAfter, RunOptions.leaseOrder]),
      SurroundingsOptions.group,
      OptionGroup("other", files + [RunOptions.verbosity, RunOptions.seed]),
    ],
    requirements: RunOptions.healthRequirements + ProtocolOptions.requirements + ProtocolOptions.workRequirements
      + BatchOptions.requirements + [
        RunOptions.replyRequirement(needing: output, .records),
        Requirement(BatchOptions.key, needs: input, "records", where: { $0 == .records }),
      ],
    exclusions: ProtocolOptions.exclusions + BatchOptions.exclusions, programOption: ProtocolOptions.repl,
    foreignOptions: ForeignOptions.workers,
    settingsFile: SettingsFile(config, process: processOptions, commandLineOnly: [checkConfig]),
    operands: .commandLine(program: "WORKER", argument: "ARG"),
    examples: [
      Example(
        "a pool that answers each line with a line", "prefork serve --listen unix:/run/user/1000/x.sock -- ./model.py"),
      Example("ask it", "echo hello | nc -NU /run/user/1000/x.sock"),
    ],
    exitStatuses: [
      ExitStatusMeaning(0, "stopped, and everything that was accepted was answered"),
      ExitStatusMeaning(1, "stopped, and some accepted jobs were given up, or their answers not read"),
      ExitCode.usage.entry, ExitStatusMeaning(66, "the configuration file cannot be read"),
      ExitStatusMeaning(69, "the first worker of a pool cannot be started"),
      ExitCode.internalError.entry, ExitCode.systemRefused.entry,
      ExitCode.cannotCreateOutput.entry, ExitCode.badConfiguration.entry, ExitCode.interrupted.entry,
    ])
}

extension ValueKind where Value == SocketAddress {
  /// `unix:/PATH` or `tcp:HOST:PORT`, or a path that begins with `/`, `./` or `../`.
  static var socketAddress: ValueKind {
    ValueKind(placeholder: "ADDRESS", example: "unix:/run/x.sock") { text throws(ValueError) in
      do throws(SocketAddressError) {
        return try SocketAddress.parse(text)
      } catch {
        let parts = error.wanted.cut(at: ", such as ")
        throw ValueError(
          problem: error.complaint, wanted: parts.map { String($0.before) } ?? error.wanted,
          example: parts.map { String($0.after) } ?? "unix:/run/x.sock",
          suggestions: error.problem == .noScheme ? ["unix:\(error.text)"] : [])
      }
    }
  }
}

extension ValueKind where Value == UInt32 {
  /// The mode of a file in octal digits.
  static var fileMode: ValueKind {
    ValueKind(placeholder: "MODE", example: "0660") { text throws(ValueError) in
      guard (3...4).contains(text.utf8.count), let mode = UInt32(text, radix: 8), text.first != "+", mode <= 0o777
      else {
        throw ValueError(problem: "is not a file mode", wanted: "three or four octal digits", example: "0660")
      }
      return mode
    }
  }

  /// A group by name or number.
  static var group: ValueKind { identity("GROUP", example: "www-data", groupID) }

  /// A user by name or number.
  static var userID: ValueKind { identity("USER", example: "www-data", LinuxIO.userID) }

  private static func identity(
    _ placeholder: String, example: String,
    _ find: @escaping @Sendable (String) throws(UserLookupError) -> UInt32
  ) -> ValueKind {
    ValueKind(placeholder: placeholder, example: example) { text throws(ValueError) in
      do throws(UserLookupError) {
        return try find(text)
      } catch {
        throw ValueError(
          problem: "cannot be used: \(error)", wanted: "the name or number of a \(placeholder.lowercased())",
          example: example)
      }
    }
  }
}
