import CommandLineKit
import Time
import WireFormats
import WorkerProtocols

/// What is spoken between pool and worker, as `--protocol` names it.
enum ProtocolChoice: String, CaseIterable {
  case lines, nul, length4, netstring, jsonrpc
  case bazelJSON = "bazel-json"
  case bazelProto = "bazel-proto"

  /// Answers can name their jobs.
  var namesJobs: Bool {
    switch self {
    case .lines, .nul, .length4, .netstring: false
    case .jsonrpc, .bazelJSON, .bazelProto: true
    }
  }
}

/// The options of the protocol between pool and worker, and the protocol that they describe.
enum ProtocolOptions {
  static let workerProtocol = Option<ProtocolChoice>(
    "protocol", .choice, default: "lines",
    help:
      "what pool and worker speak. Jobs and replies ended by a newline or a NUL byte, or led by a 4-byte big-endian "
      + "length or a netstring length; requests and responses of JSON-RPC 2.0; or work requests and responses of Bazel's "
      + "persistent workers")
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
  static let concurrency = Option(
    "concurrency", .integer(in: 1...10_000, example: 8), default: "1",
    help: "the most jobs that one worker has at once, where its answers name the job: they may come in any order")

  /// Those that belong to some protocols only.
  static let group = OptionGroup("messages", [framing, method, parameters, concurrency])

  static let requirements = [
    Requirement(framing, needs: workerProtocol, "jsonrpc") { $0 == .jsonrpc },
    Requirement(method, needs: workerProtocol, "jsonrpc") { $0 == .jsonrpc },
    Requirement(parameters, needs: workerProtocol, "jsonrpc") { $0 == .jsonrpc },
    Requirement(concurrency, needs: workerProtocol, "jsonrpc") { $0.namesJobs },
    Requirement(
      RunOptions.ready, "message", needs: workerProtocol, "jsonrpc", when: { $0 == .message },
      where: { $0 == .jsonrpc }),
  ]

  /// The protocol that the command line describes.
  static func workerProtocol(from arguments: ParsedArguments) -> any WorkerProtocol {
    switch arguments[workerProtocol] {
    case .lines: return Framing.lines
    case .nul: return Framing.nul
    case .length4: return Framing.length4
    case .netstring: return Framing.netstring
    case .jsonrpc:
      var rpc = JSONRPCProtocol(
        method: arguments[method], parameters: arguments[parameters], messageFraming: arguments[framing],
        concurrency: arguments[concurrency])
      rpc.announcesReady = arguments[RunOptions.ready] == .message
      return rpc
    case .bazelJSON: return BazelProtocol(.json, concurrency: arguments[concurrency])
    case .bazelProto: return BazelProtocol(.proto, concurrency: arguments[concurrency])
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
