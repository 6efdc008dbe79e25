import CommandLineKit
import LinuxIO
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProtocols

/// What is spoken between pool and worker, as `--protocol` names it.
enum ProtocolChoice: String, CaseIterable {
  case lines, nul, length4, netstring, jsonrpc, mcp
  case bazelJSON = "bazel-json"
  case bazelProto = "bazel-proto"

  /// Jobs and replies are bytes in frames; nil if they are parts of messages.
  var framing: Framing? {
    switch self {
    case .lines: .lines
    case .nul: .nul
    case .length4: .length4
    case .netstring: .netstring
    case .jsonrpc, .mcp, .bazelJSON, .bazelProto: nil
    }
  }

  /// Answers name their jobs, and jobs can be cancelled.
  var hasMessages: Bool {
    switch self {
    case .lines, .nul, .length4, .netstring: false
    case .jsonrpc, .mcp, .bazelJSON, .bazelProto: true
    }
  }
}

/// The options of the protocol between pool and worker, and the protocol that they describe.
enum ProtocolOptions {
  static let workerProtocol = Option<ProtocolChoice>(
    "protocol", .choice, default: "lines",
    help:
      "what pool and worker speak. Jobs and replies ended by a newline or a NUL byte, or led by a 4-byte big-endian "
      + "length or a netstring length; requests and responses of JSON-RPC 2.0; calls of a tool of an MCP server; or "
      + "work requests and responses of Bazel's persistent workers")
  static let replyProtocol = Option.optional(
    "reply-protocol", Self.framings, unset: "as --protocol",
    help: "what ends or leads a reply, if workers write another framing than they read")
  static let framing = Option<JSONRPCProtocol.MessageFraming>(
    "framing", .choice, default: "newline",
    help: "how messages of JSON-RPC follow each other: one a line, or each led by Content-Length, as in LSP")
  static let method = Option(
    "method", .text(placeholder: "NAME", example: "embed"), default: "job", help: "the method of a job in JSON-RPC")
  static let parameters = Option<ParameterTemplate>(
    "params", .parameters, default: #"{"job": {job}}"#,
    help:
      "the parameters of a job in JSON-RPC, in JSON; {job} stands for the job as a string, or for its text inside of "
      + "one, {json} for the job as the JSON that it is")
  static let tool = Option.optional(
    "tool", .text(placeholder: "NAME", example: "get_current_time"), unset: "none",
    help:
      "the tool of an MCP server that is called for each job, which is a JSON object with its arguments; prefork check "
      + "without it lists the tools")
  static let argument = Option.optional(
    "argument", .text(placeholder: "NAME", example: "text"), unset: "none",
    help: "the argument of the tool that each job is the text of")
  static let concurrency = Option(
    "concurrency", .integer(in: 1...10_000, example: 8), default: "1",
    help: "the most jobs that one worker has at once, where its answers name the job: they may come in any order")

  static let cancelGrace = Option<Nanoseconds>(
    "cancel-grace", .duration(example: "2s"), default: "0",
    help:
      "ask a worker first to give up a job that ran out of time or that is cancelled (--cancel), and stop it only if "
      + "it does not answer within this time; 0: stop it at once")
  static let cancel = Option<CancelValue>(
    "cancel", .cancel, default: "message",
    help:
      "how a worker is asked to give up its job: by a message of its protocol (jsonrpc, mcp, bazel), or by a signal to "
      + "its process group, as Ctrl-C sends SIGINT at a terminal; then --cancel-grace is 5s unless it is given")
  /// With a signal.
  static let usualCancelGrace = Nanoseconds.seconds(5)

  static let repl = Option.optional(
    "repl", Self.presets, unset: "none",
    help:
      "the worker is this program at its prompt, unchanged: a reply is all that it prints for a job, in any number of "
      + "lines; without a WORKER it is started with the usual command")
  static let end = Option.optional(
    "end", .marked(example: #"print("{nonce}")"#, isReply: false), unset: "none",
    help:
      "the worker is any program at a prompt: what it is sent after each job, so that it prints where the reply ends; "
      + "{nonce} stands for 32 hexadecimal digits, others each time")
  static let endReply = Option.optional(
    "end-reply", .marked(example: "{nonce}", isReply: true), unset: "none",
    help: "the line that it prints then, with the same {nonce}")
  static let failOnStderr = Option.optional(
    "fail-on-stderr", .regularExpression, unset: "none",
    help:
      "a job fails if its worker writes a line to stderr meanwhile that matches this extended regular expression "
      + "(regex(7)); what it has written there is the message")
  static let stderrGrace = Option<Nanoseconds>(
    "stderr-grace", .grace, default: "5ms",
    help: "with --fail-on-stderr: how long a reply waits for what its worker still writes to stderr, at most 1s")

  static let failPrefix = Option.optional(
    "fail-prefix", .text(placeholder: "TEXT", example: "'ERROR '"), unset: "none",
    help: "a job fails if its reply begins with this text; the rest of the reply is the message")
  static let initFile = Option.optional(
    "init-file", .text(placeholder: "FILE", example: "init.txt"), unset: "none",
    help:
      "each worker is sent the messages in FILE at its start, and is ready when it has answered each of them once: one "
      + "a line (requests and notifications of JSON-RPC), or ended by NUL bytes with --protocol nul; at a prompt the "
      + "whole FILE is one. If one is not answered, or the answer is a failure, the worker has failed to start")

  private static let presets: ValueKind<REPLPreset> = .choice
  private static let framings: ValueKind<Framing> = .choice

  /// Those that belong to some protocols only.
  static let group = OptionGroup("messages", requests + [cancelGrace, cancel] + replies)
  /// The same of `check`, which cancels nothing.
  static let groupOfCheck = OptionGroup("messages", requests + replies)

  private static let requests: [any OptionProtocol] = [
    replyProtocol, framing, method, parameters, tool, argument, concurrency,
  ]
  private static let replies: [any OptionProtocol] = [
    repl, end, endReply, failPrefix, failOnStderr, stderrGrace, initFile,
  ]

  static let requirements = [
    Requirement(tool, needs: workerProtocol, "mcp", where: { $0 == .mcp }), Requirement(argument, needs: tool),
    Requirement(framing, needs: workerProtocol, "jsonrpc", where: { $0 == .jsonrpc }),
    Requirement(method, needs: workerProtocol, "jsonrpc", where: { $0 == .jsonrpc }),
    Requirement(parameters, needs: workerProtocol, "jsonrpc", where: { $0 == .jsonrpc }),
    Requirement(concurrency, needs: workerProtocol, "jsonrpc", where: { $0.hasMessages }),
    Requirement(
      cancelGrace, needs: workerProtocol, "jsonrpc", where: { $0.hasMessages }, or: cancel,
      "signal=INT", where: { $0 != .message }),
    Requirement(
      RunOptions.ready, "message", needs: workerProtocol, "jsonrpc", when: { $0 == .message },
      where: { $0 == .jsonrpc }),
    Requirement(end, needs: endReply), Requirement(endReply, needs: end), Requirement(stderrGrace, needs: failOnStderr),
  ]

  /// Where workers are to work and not only to list what they can do.
  static let workRequirements = [Requirement(workerProtocol, "mcp", needs: tool, when: { $0 == .mcp })]

  /// A program at a prompt has a way of its own to be ready, and one job at a time. A job is known to be the cause of
  /// lines on stderr only if it is the only one.
  static let exclusions = [
    Exclusion(repl, end), Exclusion(repl, workerProtocol), Exclusion(end, workerProtocol),
    Exclusion(repl, replyProtocol), Exclusion(end, replyProtocol),
    Exclusion(replyProtocol, workerProtocol, "jsonrpc") { $1.framing == nil },
    Exclusion(initFile, workerProtocol, "bazel-json") { $1.hasMessages && $1 != .jsonrpc },
    Exclusion(repl, RunOptions.ready), Exclusion(end, RunOptions.ready),
    Exclusion(RunOptions.ready, workerProtocol, "mcp") { $1 == .mcp },
    Exclusion(repl, RunOptions.prefetch, "above 1") { $1 ?? 1 > 1 },
    Exclusion(end, RunOptions.prefetch, "above 1") { $1 ?? 1 > 1 },
    Exclusion(cancel, concurrency, "above 1") { $0 != .message && $1 > 1 },
    Exclusion(cancel, RunOptions.prefetch, "above 1") { $0 != .message && $1 ?? 1 > 1 },
    Exclusion(cancel, cancelGrace, "0") { $0 != .message && $1 == .zero },
    Exclusion(failOnStderr, RunOptions.prefetch, "above 1") { $1 ?? 1 > 1 },
    Exclusion(failOnStderr, concurrency, "above 1") { $1 > 1 },
    Exclusion(failOnStderr, SurroundingsOptions.stderr, "inherit") { $1 == .inherit },
    Exclusion(repl, SurroundingsOptions.stderr, "inherit") { $0?.dialect.errorPattern != nil && $1 == .inherit },
  ]

  /// The protocol that the command line describes.
  static func workerProtocol(from arguments: ParsedArguments) -> any WorkerProtocol {
    if let dialect = dialect(from: arguments) { return REPLProtocol(dialect) }
    let choice = arguments[workerProtocol]
    switch choice {
    case .lines, .nul, .length4, .netstring: return framed(choice.framing ?? .lines, arguments)
    case .jsonrpc:
      var rpc = JSONRPCProtocol(
        method: arguments[method], parameters: arguments[parameters], messageFraming: arguments[framing],
        concurrency: arguments[concurrency])
      rpc.batch = arguments[BatchOptions.batch]
      rpc.announcesReady = arguments[RunOptions.ready] == .message
      return rpc
    case .mcp:
      return MCPProtocol(
        tool: arguments[tool], argument: arguments[argument], concurrency: arguments[concurrency])
    case .bazelJSON: return BazelProtocol(.json, concurrency: arguments[concurrency])
    case .bazelProto: return BazelProtocol(.proto, concurrency: arguments[concurrency])
    }
  }

  private static func framed(_ framing: Framing, _ arguments: ParsedArguments) -> any WorkerProtocol {
    if let most = arguments[BatchOptions.batch] { return BatchedFraming(framing, most: most) }
    guard let replies = arguments[replyProtocol], replies != framing else { return framing }
    return MixedFraming(jobs: framing, replies: replies)
  }

  private static func dialect(from arguments: ParsedArguments) -> REPLDialect? {
    if let preset = arguments[repl] { return preset.dialect }
    guard let end = arguments[end], let reply = arguments[endReply] else { return nil }
    // Both were checked when they were read.
    return try? REPLDialect(end: end, reply: reply)
  }

  /// What lines on the workers' stderr mean for their jobs; nil for nothing.
  static func errorRule(from arguments: ParsedArguments) -> ErrorRule? {
    var rule = failureRule(from: arguments)
    // Of a worker with several jobs at once nobody knows about which of them it writes.
    if arguments[RunOptions.results] != nil, arguments[SurroundingsOptions.stderr] != .inherit,
      arguments[concurrency] == 1, arguments[BatchOptions.batch] == nil
    {
      rule = rule ?? ErrorRule(pattern: nil, grace: .zero)
      rule?.longestText = 1 << 20
    }
    return rule
  }

  private static func failureRule(from arguments: ParsedArguments) -> ErrorRule? {
    if let pattern = arguments[failOnStderr] { return ErrorRule(pattern: pattern, grace: arguments[stderrGrace]) }
    guard let dialect = dialect(from: arguments), arguments[SurroundingsOptions.stderr] != .inherit else { return nil }
    // A program writes its errors before its mark.
    return ErrorRule(pattern: dialect.errorPattern.flatMap { try? RegularExpression($0) }, grace: .zero)
  }
}

extension ValueKind where Value == String {
  /// An end command or its reply: text with `{nonce}` in it.
  fileprivate static func marked(example: String, isReply: Bool) -> ValueKind {
    ValueKind(placeholder: "TEXT", example: "'\(example)'") { text throws(ValueError) in
      do throws(REPLDialect.Defect) { try REPLDialect.check(text, isReply: isReply) } catch {
        throw ValueError(problem: "\(error)", wanted: "a text with {nonce} in it", example: example)
      }
      return text
    }
  }
}

extension ValueKind where Value == Nanoseconds {
  /// A wait for each job.
  fileprivate static var grace: ValueKind {
    ValueKind(placeholder: "DUR", example: "20ms") { text throws(ValueError) in
      let wait = try duration(example: "20ms").parse(text)
      if wait <= .seconds(1) { return wait }
      throw ValueError(problem: "is too long", wanted: "a duration of at most 1s", example: "20ms")
    }
  }
}

extension ValueKind where Value == RegularExpression {
  fileprivate static var regularExpression: ValueKind {
    ValueKind(placeholder: "REGEX", example: "'^(ERROR|FATAL)'") { text throws(ValueError) in
      do throws(RegularExpression.Defect) { return try RegularExpression(text) } catch {
        throw ValueError(
          problem: "cannot be used: \(error)", wanted: "an extended regular expression", example: "^(ERROR|FATAL)")
      }
    }
  }
}

extension ValueKind where Value == ParameterTemplate {
  /// JSON with `{job}` or `{json}` in it.
  static var parameters: ValueKind {
    let example = #"{"text": {job}}"#
    return ValueKind(placeholder: "JSON", example: "'\(example)'") { text throws(ValueError) in
      do throws(ParameterTemplate.Defect) { return try ParameterTemplate(text) } catch {
        throw ValueError(problem: "cannot be used: \(error)", wanted: "JSON with {job} in it", example: example)
      }
    }
  }
}
