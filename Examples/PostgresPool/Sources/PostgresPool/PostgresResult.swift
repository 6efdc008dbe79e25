import CLibPQ

/// What a statement returned, as text.
public struct PostgresResult: Sendable, Equatable {
  /// The names of the columns; empty for a statement that returns no rows.
  public let columns: [String]
  /// The rows in the server's order; nil is SQL's NULL.
  public let rows: [[String?]]
  /// What was done, in the server's words: "SELECT 1", "INSERT 0 3".
  public let command: String

  init(_ result: OpaquePointer) {
    let width = PQnfields(result)
    columns = (0..<width).map { String(cString: PQfname(result, $0)) }
    rows = (0..<PQntuples(result)).map { row in
      (0..<width).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
    command = String(cString: PQcmdStatus(result))
  }

  /// The first column of the first row, for statements that return one value.
  public var value: String? { rows.first?.first ?? nil }
}

/// A message that another session sent with NOTIFY on a channel this one listens to.
public struct PostgresNotification: Sendable, Equatable {
  /// The channel's name.
  public let channel: String
  /// What came with it; empty if nothing did.
  public let payload: String
}
