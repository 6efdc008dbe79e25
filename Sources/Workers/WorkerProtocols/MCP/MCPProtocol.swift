import JSON
import WireFormats

/// The Model Context Protocol on stdin and stdout (https://modelcontextprotocol.io/specification), so that an MCP
/// server is a worker as it is: each job is a call of one tool, and the content of its result is the reply.
///
/// Both generations of servers are spoken to: those of 2026-07-28, which answer `server/discover` and keep no session,
/// and older ones, which are sent `initialize`. A worker is ready when it has listed the tool.
///
/// - Reply: the texts of the result's `content`, joined by newlines; if some of it is not text, the whole `content` as
///   JSON; if there is none, `structuredContent` as JSON. A result with `isError`, and an error, fail the job.
/// - Cancel: `notifications/cancelled`, after which a server need not answer. A request behind it, which any server
///   answers, shows that it has read that: then the job counts as given up.
/// - Requests of a server are refused, except for `ping`.
public struct MCPProtocol: WorkerProtocol {
  /// The tool that is called for each job. Nil: none; a worker reports its tools (`WorkerNotice.tools`), and is never
  /// ready.
  public var tool: String?
  /// The argument of the tool that a job is the text of. Nil: a job is a JSON object, which holds all arguments.
  public var argument: String?
  /// The most jobs that a worker has at once, 1 or more.
  public var mostJobs: Int
  /// The generation of the servers, once one of them has shown it.
  let known = KnownGeneration()

  /// Calls of one tool. `concurrency`: the most jobs that a worker has at once, 1 or more.
  public init(tool: String?, argument: String? = nil, concurrency: Int = 1) {
    self.tool = tool
    self.argument = argument
    mostJobs = concurrency
  }

  /// `mcp`
  public var name: String { "mcp" }
  /// None: a job is part of a message.
  public var framing: Framing? { nil }
  /// As it was made.
  public var concurrency: Int? { mostJobs }
  /// It is ready after its handshake.
  public var announcesReady: Bool { true }

  /// The job is no JSON object, or no text where its text is an argument.
  public func defect(of job: RawSpan) -> String? {
    guard argument == nil else { return job.isText ? nil : "it is not UTF-8, which an argument must be" }
    let kind: JSONValue.Kind
    do throws(JSONError) { kind = try JSONScanner.check(job).kind } catch {
      return "it is no JSON object, which holds the arguments of the tool: \(error) (--argument NAME gives the tool "
        + "the text of each job as that argument)"
    }
    if kind == .object { return nil }
    return "it is JSON, but no object, which holds the arguments of the tool (--argument NAME gives the tool the text "
      + "of each job as that argument)"
  }

  /// A codec for one worker.
  public func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    MCPCodec(self, maximumReplySize: maximumReplySize)
  }

  /// Describes a message.
  public var advice: ProtocolAdvice {
    ProtocolAdvice(
      unit: "response", form: "a response is one line of JSON (--protocol mcp)", severalLines: nil, endsLines: true)
  }
}
