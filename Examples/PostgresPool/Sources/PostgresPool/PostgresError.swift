/// Why a connection could not be opened, or a statement not be run.
public enum PostgresError: Error, Equatable, CustomStringConvertible {
  /// No session could be opened: libpq's reason.
  case unreachable(String)
  /// The session ended while a statement ran, or before it: libpq's reason. The connection is of no more use.
  case lost(String)
  /// The server refused the statement: SQLSTATE and the server's words. The connection goes on.
  case rejected(code: String, message: String)
  /// The time given for opening or for one statement was over. The connection is of no more use.
  case timedOut(after: Duration)
  /// Another statement runs on this connection: somebody uses it without holding its lease.
  case busy
  /// The connection is closed, or a statement on it was given up, whose answer may still come.
  case unusable
  /// COPY needs a stream, which this small client has not. The connection is of no more use.
  case copyIsNotSupported

  /// One line for people.
  public var description: String {
    switch self {
    case .unreachable(let reason): "cannot connect: \(reason)"
    case .lost(let reason): "connection lost: \(reason)"
    case .rejected(let code, let message): "\(message) (SQLSTATE \(code))"
    case .timedOut(let limit): "no answer within \(limit)"
    case .busy: "another statement runs on this connection"
    case .unusable: "the connection is closed, or was given up in the middle of a statement"
    case .copyIsNotSupported: "COPY is not supported"
    }
  }
}
