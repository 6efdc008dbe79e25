import JSON
import WireFormats

/// JSON-RPC 2.0 on stdin and stdout. Each job is a request, each response names its job by the request's id, and an error
/// fails one job and not the worker.
///
/// Besides `job`, whose name and parameters can be others, a worker is sent the requests `probe` and `reset` and the
/// notifications `cancel` (`{"id": n}`) and `stop`. It can send the notifications `ready`, `progress`, `log` and
/// `retire`; others are ignored, and a request of its own is answered with the error "method not found".
public struct JSONRPCProtocol: WorkerProtocol {
  /// How messages follow each other.
  public enum MessageFraming: String, Sendable, CaseIterable {
    /// One message a line, as in MCP.
    case newline
    /// `Content-Length: N`, an empty line, N bytes, as in LSP.
    case contentLength = "content-length"
  }

  /// The method of a job.
  public var method: String
  /// The parameters of a job.
  public var parameters: ParameterTemplate
  /// How messages follow each other.
  public var messageFraming: MessageFraming
  /// The most jobs that a worker has at once, 1 or more.
  public var mostJobs: Int
  /// The notification that asks a worker to give a job up.
  public var cancelMethod = "cancel"
  /// Whether a worker is ready only when it has sent the notification `ready`.
  public var announcesReady = false

  /// JSON-RPC with these requests. `concurrency`: the most jobs that a worker has at once, 1 or more.
  public init(
    method: String = "job", parameters: ParameterTemplate = .job, messageFraming: MessageFraming = .newline,
    concurrency: Int = 1
  ) {
    self.method = method
    self.parameters = parameters
    self.messageFraming = messageFraming
    mostJobs = concurrency
  }

  /// `jsonrpc`
  public var name: String { "jsonrpc" }
  /// None: a job is part of a message.
  public var framing: Framing? { nil }
  /// As it was made.
  public var concurrency: Int? { mostJobs }

  /// The job is not UTF-8, or is not JSON where its parameters want that.
  public func defect(of job: RawSpan) -> String? { parameters.defect(of: job) }

  /// A codec for one worker.
  public func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    JSONRPCCodec(self, maximumReplySize: maximumReplySize)
  }

  /// Describes a message.
  public var advice: ProtocolAdvice {
    switch messageFraming {
    case .newline:
      ProtocolAdvice(
        unit: "response", form: "a response is one line of JSON (--protocol jsonrpc)", severalLines: nil,
        endsLines: true)
    case .contentLength:
      ProtocolAdvice(
        unit: "response",
        form: "a response begins with Content-Length: and an empty line (--protocol jsonrpc --framing content-length)",
        severalLines: nil, endsLines: false)
    }
  }
}

/// The parameters of a request: JSON in which `{job}` stands for the job as a string, and `{json}` for the job as the
/// JSON value that it is.
public struct ParameterTemplate: Sendable, Equatable {
  /// What is wrong with a template.
  public enum Defect: Error, Equatable, CustomStringConvertible {
    /// It is not JSON once the job is put in.
    case notJSON(JSONError)
    /// JSON-RPC wants an object or an array.
    case notStructured
    /// The job stands nowhere in it.
    case withoutJob

    /// One sentence.
    public var description: String {
      switch self {
      case .notJSON(let error): "not JSON: \(error)"
      case .notStructured: "the parameters must be an object or an array"
      case .withoutJob: "neither {job} nor {json} stands in it, so that all jobs would be the same"
      }
    }
  }

  enum Piece: Equatable {
    case literal([UInt8])
    case text
    case json
  }

  let pieces: [Piece]

  /// `{"job": {job}}`
  public static let job = ParameterTemplate(
    pieces: [.literal(Array(#"{"job":"#.utf8)), .text, .literal(Array("}".utf8))])

  private init(pieces: [Piece]) { self.pieces = pieces }

  /// Reads a template.
  public init(_ text: String) throws(Defect) {
    let bytes = Array(text.utf8)
    var pieces: [Piece] = []
    var start = 0
    for offset in bytes.indices {
      guard offset >= start else { continue }
      for (word, piece) in [("{job}", Piece.text), ("{json}", .json)] where bytes[offset...].starts(with: word.utf8) {
        if offset > start { pieces.append(.literal(Self.line(bytes[start..<offset]))) }
        pieces.append(piece)
        start = offset + word.utf8.count
      }
    }
    if start < bytes.count { pieces.append(.literal(Self.line(bytes[start...]))) }
    self.init(pieces: pieces)
    guard pieces.contains(.text) || pieces.contains(.json) else { throw .withoutJob }
    var example: [UInt8] = []
    for piece in pieces {
      if case .literal(let bytes) = piece { example += bytes } else { example += "null".utf8 }
    }
    let kind: JSONValue.Kind
    do throws(JSONError) { kind = try JSONScanner.check(example.span.bytes).kind } catch { throw .notJSON(error) }
    guard kind == .object || kind == .array else { throw .notStructured }
  }

  /// A line feed would end the message; in JSON it can only be white space.
  private static func line(_ bytes: ArraySlice<UInt8>) -> [UInt8] { bytes.map { $0 == 0x0A ? 0x20 : $0 } }

  func defect(of job: RawSpan) -> String? {
    if pieces.contains(.json) {
      do throws(JSONError) { _ = try JSONScanner.check(job) } catch { return "it is not JSON: \(error)" }
    }
    return pieces.contains(.text) && !job.isText ? "it is not UTF-8, which a string of JSON must be" : nil
  }

  func append(_ job: RawSpan, to message: inout [UInt8]) {
    for piece in pieces {
      switch piece {
      case .literal(let bytes): message += bytes
      case .text: _ = message.appendString(job)
      case .json: message.appendLine(job)
      }
    }
  }
}
