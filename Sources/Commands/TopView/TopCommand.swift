/// What a key asks the server for.
public enum TopCommand: Equatable, Sendable, CustomStringConvertible {
  /// Replaces the worker of one slot.
  case recycle(pool: String, slot: Int)
  /// Replaces all workers of a pool, one after the other.
  case recycleAll(pool: String)
  /// Other bounds for the number of workers.
  case scale(pool: String, minimum: Int, maximum: Int)
  /// No new jobs.
  case drain(pool: String)

  /// As messages name it: `recycle slot 3 of default`.
  public var description: String {
    switch self {
    case .recycle(let pool, let slot): "recycle slot \(slot) of \(pool)"
    case .recycleAll(let pool): "recycle all workers of \(pool)"
    case .scale(let pool, let minimum, let maximum):
      minimum == maximum ? "scale \(pool) to \(minimum)" : "scale \(pool) to \(minimum)..\(maximum)"
    case .drain(let pool): "drain \(pool)"
    }
  }
}

/// What is to be done after a key.
public enum TopRequest: Equatable, Sendable {
  /// Send it to the server.
  case send(TopCommand)
  /// Write every line anew: something else has written on the screen.
  case redraw
  /// Leave.
  case quit
}
