import CMicrohttpd
import Metrics

/// The requests that wait for the owner's answer. On the heap, because C holds its address.
struct RequestInbox {
  var library: prefork_http_library
  /// In order of their coming; the connections are suspended. Never more than there may be connections.
  private var waiting: [(connection: OpaquePointer, question: MetricsServer.Question)] = []
  private var current: (connection: OpaquePointer, question: MetricsServer.Question)?

  /// Connections go on since the library was last run: it must be run again.
  var hasAnswered = false
  /// Connections have ended where no further ones could be: it must be run again to take those that wait.
  var hasRoomAgain = false

  init(_ library: prefork_http_library) { self.library = library }

  /// There is something to do whatever the library reports.
  var hasWork: Bool { hasAnswered || hasRoomAgain || !waiting.isEmpty }

  /// What was asked last and is not answered yet.
  var question: MetricsServer.Question? { current?.question }

  mutating func take() -> MetricsServer.Question? {
    if current != nil { answer(Reply(MHD_HTTP_INTERNAL_SERVER_ERROR, "no answer")) }
    current = waiting.isEmpty ? nil : waiting.removeFirst()
    return question
  }

  mutating func answer(_ reply: Reply) {
    guard let connection = current?.connection else { return }
    _ = reply.queue(on: connection, library)
    library.resume(connection)
    hasAnswered = true
    current = nil
  }

  /// Called twice for a request: when its headers are there, and at its end (`isEnd`).
  mutating func handle(_ request: Request, isEnd: Bool) -> MHD_Result {
    // An answer to the headers ends the connection: nobody's body is read.
    if let refusal = request.refusal { return refusal.queue(on: request.connection, library) }
    guard isEnd else { return .YES }
    switch request.path {
    case "/metrics": return wait(request.connection, .metrics(MetricsFormat(accept: request.accept)))
    case "/readyz": return wait(request.connection, .readiness)
    case "/healthz": return Reply(MHD_HTTP_OK, "ok").queue(on: request.connection, library)
    case "/": return Reply(MHD_HTTP_OK, "prefork: /metrics /healthz /readyz").queue(on: request.connection, library)
    default: return Reply(MHD_HTTP_NOT_FOUND, "not found: see /").queue(on: request.connection, library)
    }
  }

  private mutating func wait(_ connection: OpaquePointer, _ question: MetricsServer.Question) -> MHD_Result {
    library.suspend(connection)
    waiting.append((connection, question))
    return .YES
  }
}

/// What a request asks, as far as we listen.
struct Request {
  let connection: OpaquePointer
  let path: String
  let accept: String
  /// Set when it is refused unread: it is neither GET nor HEAD, or announces a body, which would have to be read.
  let refusal: Reply?

  init(_ connection: OpaquePointer, path: String, method: String, _ library: prefork_http_library) {
    func header(_ name: String) -> String? {
      library.header(connection, .HEADER_KIND, name).map(String.init(cString:))
    }
    self.connection = connection
    self.path = path
    accept = header("Accept") ?? ""
    if method != "GET", method != "HEAD" {
      refusal = Reply(MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD", allows: true)
    } else if header("Transfer-Encoding") != nil || header("Content-Length").map({ $0 != "0" }) ?? false {
      refusal = Reply(MHD_HTTP_CONTENT_TOO_LARGE, "a request has no body here")
    } else {
      refusal = nil
    }
  }
}

/// What is sent back.
struct Reply {
  var status: CInt
  var type = "text/plain; charset=utf-8"
  var body: [UInt8]
  /// Whether it would be another one with another Accept header.
  var varies = false
  /// Whether it lists the methods that are allowed.
  var allows = false

  init(status: CInt, type: String, body: [UInt8], varies: Bool) {
    (self.status, self.type, self.body, self.varies) = (status, type, body, varies)
  }

  /// One line; line breaks in it become spaces.
  init(_ status: CInt, _ line: String, allows: Bool = false) {
    self.status = status
    self.allows = allows
    body = line.utf8.map { $0 < 0x20 ? 0x20 : $0 } + [0x0A]
  }

  func queue(on connection: OpaquePointer, _ library: prefork_http_library) -> MHD_Result {
    let response = body.withUnsafeBytes {
      library.make_response($0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
    }
    guard let response else { return .NO }
    defer { library.destroy_response(response) }
    _ = library.add_header(response, "Content-Type", type)
    if varies { _ = library.add_header(response, "Vary", "Accept") }
    if allows { _ = library.add_header(response, "Allow", "GET, HEAD") }
    return library.queue_response(connection, CUnsignedInt(status), response)
  }
}

/// The place of `isEnd` is the connection's own pointer, which begins as NULL with every request.
let requestCame: MHD_AccessHandlerCallback = { inbox, connection, path, method, _, _, bytes, mark in
  guard let inbox, let connection, let path, let method, let mark else { return .NO }
  let isEnd = mark.pointee != nil
  mark.pointee = inbox
  let requests = inbox.assumingMemoryBound(to: RequestInbox.self)
  let request = Request(
    connection, path: String(cString: path), method: String(cString: method), requests.pointee.library)
  return requests.pointee.handle(request, isEnd: isEnd)
}
