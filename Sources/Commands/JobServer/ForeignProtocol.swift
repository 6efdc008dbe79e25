/// A protocol that a client speaks to a job socket by mistake, or because a web page makes a browser do so: if its
/// lines were run as jobs, any page could run jobs on 127.0.0.1. Its client gets an answer that it understands, and
/// nothing of it is run.
enum ForeignProtocol {
  case http, tls

  /// The version of a request line that is longer than this, in bytes, is not waited for.
  private static let longestLine = 8192
  private static let longestMethod = 20

  /// What these first bytes of a connection are; `isOver`: no more will come.
  ///
  /// A job may begin with `GET `, so the whole request line is looked at: a method, a target, ` HTTP/` and a version.
  /// Before its end, which is the end of a job as well, no job is held up. A line of an access log looks the same,
  /// but for the CR behind it; over a unix socket, which no browser reaches, only a line with a CR is a request.
  /// Over TCP a very long line that begins like a browser's is a request, wherever it ends: a page chooses how long its
  /// addresses are.
  static func look(at bytes: UnsafeRawBufferPointer, isOver: Bool, isTCP: Bool) -> Greeting.Look {
    guard let first = bytes.first else { return isOver ? .plain : .incomplete }
    if first == 0x16 { return lookForTLS(bytes, isOver) }
    let method = bytes.prefix(longestMethod).prefix { isMethodByte($0) }
    if method.isEmpty { return .plain }
    if method.count == bytes.count, !isOver { return .incomplete }
    guard method.endIndex < bytes.count, bytes[method.endIndex] == 0x20 else { return .plain }
    let line = bytes.prefix(longestLine).prefix { $0 != 0x0A && $0 != 0 }
    if line.count == longestLine {
      return isTCP && isMethod(method) && bytes[method.endIndex + 1] == UInt8(ascii: "/") ? .foreign(.http) : .plain
    }
    if line.count == bytes.count, !isOver { return .incomplete }
    let hasReturn = line.last == 0x0D
    let request = hasReturn ? line.dropLast() : line
    return (isTCP || hasReturn) && endsWithVersion(request) ? .foreign(.http) : .plain
  }

  /// A handshake record of TLS begins with its type and the major version.
  private static func lookForTLS(_ bytes: UnsafeRawBufferPointer, _ isOver: Bool) -> Greeting.Look {
    if bytes.count < 2 { return isOver ? .plain : .incomplete }
    return bytes[1] == 3 ? .foreign(.tls) : .plain
  }

  /// One of HTTP, as far as a page can make a browser send it.
  private static func isMethod(_ word: Slice<UnsafeRawBufferPointer>) -> Bool {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"].contains { word.elementsEqual($0.utf8) }
  }

  private static func isMethodByte(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "-")
  }

  /// ` HTTP/1.1`, with any digits.
  private static func endsWithVersion(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
    let version = Array(line.suffix(9))
    return version.count == 9 && version.starts(with: " HTTP/".utf8) && isDigit(version[6])
      && version[7] == UInt8(ascii: ".") && isDigit(version[8])
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// What the client is answered before we close.
  var answer: [UInt8] {
    switch self {
    case .http:
      let text =
        "This socket takes jobs for prefork, not HTTP, and nothing of your request was run.\n"
        + "Send jobs with: prefork submit ADDRESS. Metrics are served by HTTP at the address of --metrics-listen.\n"
      let head =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: \(text.utf8.count)\r\n"
        + "Connection: close\r\n\r\n"
      return Array((head + text).utf8)
    // An alert: fatal, protocol_version.
    case .tls: return [0x15, 3, 1, 0, 2, 2, 70]
    }
  }

  /// What it is called in messages, and what its client should do instead.
  var name: String {
    switch self {
    case .http: "HTTP"
    case .tls: "TLS"
    }
  }

  var advice: String {
    switch self {
    case .http: "metrics are served at --metrics-listen"
    case .tls: "connections are not encrypted"
    }
  }
}
