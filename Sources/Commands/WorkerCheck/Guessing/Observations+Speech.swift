import WorkerPoolDriver
import WorkerProtocols

extension Observations {
  /// What it speaks was found out: something else than it should, or that only when it was asked in another way.
  mutating func take(_ found: Guess, workerProtocol: any WorkerProtocol) {
    if !found.isSpoken(by: workerProtocol) {
      guess = found
    } else if case .mcp = found, case .ended(.starting, _, _) = failure {
      beginsAnotherWay = true
    }
  }

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
    case .missingReplies, .shortBatch, .longBatch, .replyTooLarge, .closedInput, .unfit: []
    }
  }
}
