import JSON
import WireFormats

/// JSON-RPC 2.0 on stdin and stdout. Each job is a request, each response names its job by the request's id, and an
/// error fails one job and not the worker.
///
/// Besides jobs, whose method and parameters are those of the server, a worker is sent a request without parameters for
/// each probe and reset, whose method is the text of that, and the notifications `cancel` (`{"id": n}`) and `stop`. It
/// can send the notifications `ready`, `progress`, `log` and `retire`; others are ignored, and a request of its own is
/// answered with the error "method not found".
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
  /// The most jobs in one message, 1 or more, if several are sent as a batch: an array of requests, which is answered by
  /// an array of responses, or by single ones, in any order. A single job is a plain request. Nil for no batches.
  public var batch: Int?
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

  /// It is a request, which is answered, or a notification, which is not. The ids of requests are ours.
  public func form(ofInitial message: RawSpan) -> InitialMessageForm {
    do throws(JSONError) {
      guard let request = try JSONRPCMessage(message), request.method?.isString == true else {
        return .unusable("it is no JSON object with a \"method\"")
      }
      return request.id == nil ? .unanswered : .answered
    } catch {
      return .unusable("it is not JSON: \(error)")
    }
  }

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
