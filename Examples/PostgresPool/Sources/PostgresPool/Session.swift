import CLibPQ
import Glibc

/// A PGconn and what we know about it; every function returns at once, and waiting is left to the caller.
///
/// libpq allows one call on a PGconn at a time: PostgresConnection keeps this behind a lock.
struct Session: ~Copyable {
  /// What is needed before the next step.
  enum Step<Result: Sendable>: Sendable {
    /// Call again when the descriptor has one of these poll(2) events.
    case wait(events: Int16, descriptor: CInt)
    case done(Result)
  }

  private enum State {
    case idle
    /// A statement, or the handshake.
    case running
    /// Closed by somebody else while a statement runs; whoever runs it frees the PGconn.
    case closing
    /// A statement was given up: its answer, if it comes, must not be taken for the next one's.
    case givenUp
    case closed
  }

  private let handle: OpaquePointer
  /// The server's process for this session; 0 until it is open.
  private(set) var backendPID: Int32 = 0
  private var state = State.running
  private var result: PostgresResult?
  private var failure: PostgresError?

  /// Begins to connect; `connect()` carries on. nil if there is no memory.
  ///
  /// The server is asked to look every second whether we are still there: without that, a statement that was given up
  /// runs on in its backend, with its locks, for as long as it likes.
  init?(connectingTo connectionString: String) {
    let keywords = ["options", "fallback_application_name", "dbname"]
    // A later keyword wins: the connection string, which libpq expands from `dbname`, may set its own options.
    let values = ["-c client_connection_check_interval=1s", "postgres-pool", connectionString]
    let started = withCStrings(keywords) { keywords in
      withCStrings(values) { values in PQconnectStartParams(keywords, values, 1) }
    }
    guard let started else { return nil }
    handle = started
    // The default prints the server's notices to stderr, which belongs to the program.
    PQsetNoticeProcessor(handle, { _, _ in }, nil)
  }

  deinit {
    if state != .closed { PQfinish(handle) }
  }

  /// Whether a transaction is open. Known without asking: the server says so with every answer.
  var isInTransaction: Bool { state == .idle && PQtransactionStatus(handle) != PQTRANS_IDLE }

  /// One step of the handshake.
  mutating func connect() throws(PostgresError) -> Step<Void> {
    switch PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PQconnectPoll(handle) {
    case PGRES_POLLING_OK:
      PQsetnonblocking(handle, 1)
      backendPID = PQbackendPID(handle)
      return .done(())
    case PGRES_POLLING_READING: return .wait(events: Int16(POLLIN), descriptor: PQsocket(handle))
    case PGRES_POLLING_WRITING: return .wait(events: Int16(POLLOUT), descriptor: PQsocket(handle))
    default: throw .unreachable(reason)
    }
  }

  /// Sends a statement; `advance()` carries on, and `end(givenUp:)` must follow in any case.
  mutating func begin(_ sql: String, _ parameters: [String?]) throws(PostgresError) {
    switch state {
    case .running, .closing: throw .busy
    case .givenUp, .closed: throw .unusable
    case .idle: break
    }
    (result, failure) = (nil, nil)
    // The simple protocol where there is nothing to bind: it allows several statements at once.
    let sent =
      parameters.isEmpty
      ? PQsendQuery(handle, sql)
      : withCStrings(parameters) { PQsendQueryParams(handle, sql, CInt(parameters.count), nil, $0, nil, nil, 0) }
    guard sent == 1 else { throw .lost(reason) }
    state = .running
  }

  /// Writes and reads what can be written and read now.
  /// - Returns: the last result of what was sent, once all have come.
  mutating func advance() throws(PostgresError) -> Step<PostgresResult> {
    if state == .closing { throw .unusable }
    let flushed = PQflush(handle)
    // First read, then look at what failed: the server's last words say why it went.
    let consumed = PQconsumeInput(handle)
    while PQisBusy(handle) == 0 {
      guard let next = PQgetResult(handle) else { return .done(try outcome()) }
      defer { PQclear(next) }
      try note(next)
    }
    guard flushed >= 0, consumed == 1 else { throw .lost(reason) }
    // Also while writing, read: the server may wait for us to take its answer before it takes more.
    return .wait(events: Int16(flushed == 1 ? POLLIN | POLLOUT : POLLIN), descriptor: PQsocket(handle))
  }

  /// The statement, or the handshake, is over; if it was `givenUp`, so is the connection.
  mutating func end(givenUp: Bool) {
    switch state {
    case .running: state = givenUp ? .givenUp : .idle
    case .closing: finish()
    case .idle, .givenUp, .closed: preconditionFailure("no statement runs")
    }
  }

  /// Frees the PGconn, or has that done by whoever is running a statement.
  mutating func close() {
    switch state {
    case .idle, .givenUp: finish()
    case .running:
      state = .closing
      // Wakes the one who waits for the socket. Closing it here would give its number to another socket while he does.
      shutdown(PQsocket(handle), CInt(SHUT_RDWR))
    case .closing, .closed: break
    }
  }

  /// The notifications that have come so far, each once.
  mutating func takeNotifications() throws(PostgresError) -> [PostgresNotification] {
    guard state == .idle else { throw state == .running ? .busy : .unusable }
    PQconsumeInput(handle)
    var taken: [PostgresNotification] = []
    while let next = PQnotifies(handle) {
      defer { PQfreemem(next) }
      let (channel, payload) = (String(cString: next.pointee.relname), String(cString: next.pointee.extra))
      taken.append(PostgresNotification(channel: channel, payload: payload))
    }
    return taken
  }

  private mutating func finish() {
    PQfinish(handle)
    state = .closed
  }

  private mutating func note(_ next: OpaquePointer) throws(PostgresError) {
    switch PQresultStatus(next) {
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: throw .copyIsNotSupported
    case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
      let code = PQresultErrorField(next, CInt(UInt8(ascii: "C"))).map { String(cString: $0) }
      let words = PQresultErrorField(next, CInt(UInt8(ascii: "M"))).map { String(cString: $0) }
      failure = .rejected(code: code ?? "", message: words ?? reason)
    default: result = PostgresResult(next)
    }
  }

  private func outcome() throws(PostgresError) -> PostgresResult {
    if PQstatus(handle) == CONNECTION_BAD {
      // The server's last words, if it had any, say more than that it is gone.
      if case .rejected(_, let message)? = failure { throw .lost(message) }
      throw .lost(reason)
    }
    if let failure { throw failure }
    guard let result else { throw .lost("no result") }
    return result
  }

  /// The first line of libpq's last error: what comes after it is advice.
  private var reason: String {
    String(String(cString: PQerrorMessage(handle)).prefix { !$0.isNewline })
  }
}

/// Calls `body` with the strings as a C array that ends with a null pointer; nil is a null pointer.
private func withCStrings<Result>(
  _ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
  let copies = strings.map { $0.map { strdup($0) } ?? nil } + [nil]
  defer { for copy in copies { free(copy) } }
  return copies.map { $0.map { UnsafePointer($0) } }.withUnsafeBufferPointer { body($0.baseAddress!) }
}
