import JSON

/// Messages to a server.
enum MCPRequest {
  /// The id of a request. Numbers come first: programs that take messages apart by hand know no others.
  enum ID {
    case number(UInt64)
    case text(String)
  }

  /// A request on a line of its own. `parameters` are appended to its parameters, each by `appendName` or
  /// `appendMember`.
  static func append(
    _ method: String, _ id: ID, _ generation: MCPGeneration, progressToken: UInt64? = nil, to message: inout [UInt8],
    parameters: (inout [UInt8]) -> Void = { _ in }
  ) {
    message.append(#"{"jsonrpc":"2.0""#)
    switch id {
    case .number(let number): message.appendMember("id", number)
    case .text(let text): message.appendMember("id", text)
    }
    message.appendMember("method", method)
    message.appendName("params")
    message.append("{")
    parameters(&message)
    appendMeta(generation, progressToken, to: &message)
    message.append("}}\n")
  }

  /// What a server of the new generation would know from its session, and where it reports progress.
  private static func appendMeta(_ generation: MCPGeneration, _ progressToken: UInt64?, to message: inout [UInt8]) {
    if generation == .session, progressToken == nil { return }
    message.appendName("_meta")
    message.append("{")
    if let progressToken { message.appendMember("progressToken", progressToken) }
    if generation == .stateless {
      let prefix = "io.modelcontextprotocol/"
      message.appendMember(prefix + "protocolVersion", generation.version)
      message.appendName(prefix + "clientInfo")
      message.append(client)
      message.appendName(prefix + "clientCapabilities")
      message.append("{}")
      if progressToken != nil { message.appendMember(prefix + "logLevel", "info") }
    }
    message.append("}")
  }

  /// Begins a session.
  static func appendInitialize(_ id: UInt64, to message: inout [UInt8]) {
    append("initialize", .number(id), .session, to: &message) { parameters in
      parameters.appendMember("protocolVersion", MCPGeneration.session.version)
      parameters.appendName("capabilities")
      parameters.append("{}")
      parameters.appendName("clientInfo")
      parameters.append(client)
    }
  }

  private static let client = #"{"name":"prefork","version":"1"}"#

  /// A notification on a line of its own. `parameters` as for requests.
  static func appendNotification(
    _ method: String, to message: inout [UInt8], parameters: ((inout [UInt8]) -> Void)? = nil
  ) {
    message.append(#"{"jsonrpc":"2.0""#)
    message.appendMember("method", method)
    if let parameters {
      message.appendName("params")
      message.append("{")
      parameters(&message)
      message.append("}")
    }
    message.append("}\n")
  }
}
