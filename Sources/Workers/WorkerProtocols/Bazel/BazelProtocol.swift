import JSON
import WireFormats

/// The protocol of Bazel's persistent workers (https://bazel.build/remote/persistent,
/// src/main/protobuf/worker_protocol.proto): each job is a work request, each work response is its answer. An exit code
/// other than 0 fails the job, with the response's output as the message, and the worker lives on.
///
/// A job that is a JSON array of strings gives the arguments of its request; one that is a JSON object is the request
/// itself (`arguments`, `inputs`, `verbosity`, `sandboxDir`); any other job is a single argument.
///
/// With more than one job at once a worker is a multiplex worker: requests have ids from 1. With one it is singleplex:
/// none has an id.
public struct BazelProtocol: WorkerProtocol {
  /// How messages are written.
  public enum Form: Sendable {
    /// As JSON objects, which nothing needs to separate.
    case json
    /// As Protocol Buffers, each led by its length as a varint.
    case proto
  }

  /// How messages are written.
  public var form: Form
  /// The most jobs that a worker has at once, 1 or more.
  public var mostJobs: Int

  /// The protocol in one of its forms. `concurrency`: the most jobs that a worker has at once, 1 or more.
  public init(_ form: Form, concurrency: Int = 1) {
    self.form = form
    mostJobs = concurrency
  }

  /// `bazel-json` or `bazel-proto`
  public var name: String {
    switch form {
    case .json: "bazel-json"
    case .proto: "bazel-proto"
    }
  }

  /// None: a job is part of a message.
  public var framing: Framing? { nil }
  /// As it was made.
  public var concurrency: Int? { mostJobs }
  /// A worker is told by this that it is to be persistent.
  public var workerArguments: [String] { ["--persistent_worker"] }

  /// The job is not UTF-8, or is a JSON object that is no request.
  public func defect(of job: RawSpan) -> String? {
    guard job.isText else { return "it is not UTF-8, which arguments must be" }
    do throws(JSONObjectError) { _ = try WorkRequest(job) } catch { return "it is no work request: \(error)" }
    return nil
  }

  /// A codec for one worker.
  public func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    BazelCodec(self, maximumReplySize: maximumReplySize)
  }

  /// Describes a message.
  public var advice: ProtocolAdvice {
    ProtocolAdvice(
      unit: "response",
      form: form == .json
        ? "a response is a JSON object with exitCode, output and requestId (--protocol bazel-json)"
        : "a response is a WorkResponse led by its length as a varint (--protocol bazel-proto)",
      severalLines: nil, endsLines: false)
  }
}

/// The request that a job stands for.
struct WorkRequest {
  struct Input {
    var path: String
    var digest: String?
  }

  var arguments: [String] = []
  var inputs: [Input] = []
  var verbosity = 0
  var sandbox: String?

  init(_ job: RawSpan) throws(JSONObjectError) {
    var bytes: [UInt8] = []
    bytes.append(job)
    switch bytes.first {
    case UInt8(ascii: "{"):
      let object = try JSONObject(bytes)
      for name in object.names where !["arguments", "inputs", "verbosity", "sandboxDir"].contains(name) {
        throw .mismatch(name, wanted: "one of arguments, inputs, verbosity, sandboxDir")
      }
      arguments = try object.textsIfAny("arguments") ?? []
      inputs =
        try object.objectsIfAny("inputs") { input throws(JSONObjectError) in
          Input(path: try input.text("path"), digest: try input.textIfAny("digest"))
        } ?? []
      verbosity = Int(try object.numberIfAny("verbosity") as Int32? ?? 0)
      sandbox = try object.textIfAny("sandboxDir")
    case UInt8(ascii: "["):
      let object = try? JSONObject(Array(#"{"arguments":"#.utf8) + bytes + Array("}".utf8))
      arguments = (try? object?.textsIfAny("arguments") ?? nil) ?? [String(decoding: bytes, as: UTF8.self)]
    default: arguments = [String(decoding: bytes, as: UTF8.self)]
    }
  }
}
