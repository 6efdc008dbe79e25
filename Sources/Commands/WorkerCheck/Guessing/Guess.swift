import Text
import WorkerProtocols

/// What a worker seems to be that does not speak what it was asked to.
enum Guess: Equatable {
  /// A program at its prompt whose dialect is known.
  case repl(REPLPreset)
  /// Some other program at a prompt.
  case prompt
  /// An MCP server with these tools.
  case mcp(tools: [String])
  /// A server that takes messages of JSON-RPC.
  case jsonrpc(JSONRPCProtocol.MessageFraming)
  /// A persistent worker of Bazel.
  case bazel(BazelProtocol.Form)

  /// What it is, and what to try.
  var sentence: String { "this looks like \(name): try \(advice)" }

  private var name: String {
    switch self {
    case .repl(let preset): "a REPL (\(preset.rawValue))"
    case .prompt: "a REPL"
    case .mcp: "an MCP server"
    case .jsonrpc(.newline): "a JSON-RPC server"
    case .jsonrpc(.contentLength): "a JSON-RPC server (Content-Length framing)"
    case .bazel: "a persistent worker of Bazel"
    }
  }

  private var advice: String {
    switch self {
    case .repl(let preset): return "--repl \(preset.rawValue)"
    case .prompt:
      let presets = REPLPreset.allCases.map(\.rawValue).joined(separator: ", ")
      return "--end TEXT --end-reply TEXT, or --repl with one of \(presets)"
    case .mcp(let tools):
      let most = 20
      let names = tools.prefix(most).joined(separator: ", ") + (tools.count > most ? ", ..." : "")
      return "--protocol mcp --tool NAME" + (tools.isEmpty ? " (but it lists no tool)" : " (it has \(names))")
    case .jsonrpc(let framing):
      let option = framing == .newline ? "" : " --framing \(framing.rawValue)"
      return "--protocol jsonrpc\(option), with --method NAME and --params JSON if its method is not job"
    case .bazel(let form): return "--protocol \(BazelProtocol(form).name)"
    }
  }

  /// Whether that is what it was asked to speak.
  func isSpoken(by workerProtocol: any WorkerProtocol) -> Bool {
    switch self {
    case .repl, .prompt: workerProtocol.marksReplies
    case .mcp: workerProtocol is MCPProtocol
    case .jsonrpc(let framing): (workerProtocol as? JSONRPCProtocol)?.messageFraming == framing
    case .bazel(let form): (workerProtocol as? BazelProtocol)?.form == form
    }
  }
}

/// A protocol that a worker may speak. Whether it does is found out with another worker.
enum Candidate: Equatable {
  /// Messages of JSON-RPC, one a line: MCP, or anything else.
  case lineMessages
  /// Messages of JSON-RPC, each led by its length.
  case headedMessages
  case bazel(BazelProtocol.Form)
}
