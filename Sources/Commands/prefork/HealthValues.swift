import CommandLineKit
import WorkerPoolDriver

/// How a worker proves that it is ready, as it is written: `none`, `notify`, `line`, `line=TEXT`, `probe` or
/// `message`.
enum ReadyValue: Equatable {
  case none, notify, probe, message
  case line(String?)
}

extension ValueKind where Value == ReadyValue {
  static var readiness: ValueKind {
    let choices = ["none", "notify", "line", "line=TEXT", "probe", "message"]
    return ValueKind(placeholder: "none|notify|line[=TEXT]|probe|message", choices: choices, example: "notify") {
      text throws(ValueError) in
      switch text {
      case "none": return .none
      case "notify": return .notify
      case "probe": return .probe
      case "message": return .message
      case "line": return .line(nil)
      default:
        if text.hasPrefix("line="), text.utf8.count > 5 { return .line(String(text.dropFirst(5))) }
        throw ValueError(
          problem: "is not one of the choices", wanted: "one of \(choices.joined(separator: ", "))", example: "notify",
          suggestions: nearestNames(to: text, among: choices))
      }
    }
  }
}

extension ValueKind where Value == Exchange {
  /// `TEXT` or `TEXT=REPLY`; in TEXT, `\\=` is an equals sign and `\\\\` a backslash.
  static var exchange: ValueKind {
    ValueKind(placeholder: "TEXT[=REPLY]", example: "ping=pong") { text throws(ValueError) in
      var request: [UInt8] = []
      var rest = Array(text.utf8)[...]
      var hasReply = false
      while !hasReply, let byte = rest.popFirst() {
        hasReply = byte == UInt8(ascii: "=")
        let isEscape = byte == UInt8(ascii: "\\") && (rest.first == UInt8(ascii: "=") || rest.first == byte)
        if !hasReply { request.append(isEscape ? rest.removeFirst() : byte) }
      }
      if request.isEmpty {
        throw ValueError(
          problem: "has nothing to send", wanted: "a text, or a text and the reply that is right with = between",
          example: "ping=pong")
      }
      return Exchange(request: request, reply: hasReply ? Array(rest) : nil)
    }
  }
}
