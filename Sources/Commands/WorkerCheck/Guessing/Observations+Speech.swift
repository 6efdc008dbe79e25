import WorkerPool

extension Observations {
  /// Whether a reply to a line is the complaint of a server that wants a message of JSON-RPC.
  static func isComplaint(_ reply: UnsafeRawBufferPointer) -> Bool {
    let text = String(decoding: reply.prefix(1024), as: UTF8.self)
    return text.contains("\"jsonrpc\"") && (text.contains("\"error\"") || text.contains("\"method\""))
  }
}

extension ProtocolViolation {
  /// The bytes that it shows, as `quoted` shows them.
  var shownOutputs: [String] {
    switch self {
    case .unaskedReply(let shown), .surplusAtEnd(let shown), .strayAnswer(_, _, let shown), .malformed(_, let shown):
      [shown]
    case .surplusReply(let first, let shown): [first, shown]
    case .closedOutput(let unfinished): [unfinished]
    case .missingReplies, .replyTooLarge, .closedInput, .unfit: []
    }
  }
}
