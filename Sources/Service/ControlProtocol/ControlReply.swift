import JSON

/// What a call is answered with.
public enum ControlReply: Equatable, Sendable {
  /// To `drain` and `stop`: it has begun. A client that waits gets `done` after it.
  case accepted
  /// It is done.
  case done
  /// To `status` and `watch`.
  case status([PoolStatus])
  /// To `metrics`: OpenMetrics text.
  case metrics(String)
  /// To `jobs`.
  case jobs([JobStatus])

  /// The answer as it goes over the wire, NUL included.
  func message(continues: Bool) -> [UInt8] {
    JSONWriter.object { answer in
      answer.member("parameters", object: write)
      if continues { answer.member("continues", true) }
    } + [0]
  }

  /// The parameters alone, as JSON: what `prefork status --json` prints.
  public var json: [UInt8] { JSONWriter.object { write(to: &$0) } }

  private func write(to parameters: inout JSONWriter) {
    switch self {
    case .accepted, .done: break
    case .status(let pools): parameters.member("pools", pools) { $0.element(object: $1.write) }
    case .metrics(let text): parameters.member("text", text)
    case .jobs(let jobs): parameters.member("jobs", jobs) { $0.element(object: $1.write) }
    }
  }
}

/// Why there is no answer to be used.
public enum ReplyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The server refuses.
  case refused(ControlError)
  /// What it sends makes no sense.
  case malformed(String)

  /// One sentence for people.
  public var description: String {
    switch self {
    case .refused(let error): error.description
    case .malformed(let reason): "the answer makes no sense: \(reason)"
    }
  }
}

/// One answer as a client sees it.
public struct ControlAnswer: Equatable, Sendable {
  /// Its content.
  public var reply: ControlReply
  /// Whether more answers to the same call follow.
  public var continues: Bool

  /// An answer.
  public init(_ reply: ControlReply, continues: Bool) {
    self.reply = reply
    self.continues = continues
  }

  /// Reads a message without its NUL, the answer to `request`.
  public init(_ message: some Sequence<UInt8>, to request: ControlRequest) throws(ReplyError) {
    let refusal: ControlError?
    do throws(JSONObjectError) {
      let object = try JSONObject(Array(message))
      let parameters = try object.objectIfAny("parameters")
      continues = try object.flagIfAny("continues") ?? false
      if let name = try object.textIfAny("error") {
        refusal = try ControlError(named: name, parameters)
        reply = .done
      } else {
        refusal = nil
        reply = try Self.reply(in: parameters, to: request, continues: continues)
      }
    } catch {
      throw .malformed("\(error)")
    }
    if let refusal { throw .refused(refusal) }
  }

  private static func reply(
    in parameters: JSONObject?, to request: ControlRequest, continues: Bool
  ) throws(JSONObjectError) -> ControlReply {
    switch request {
    case .status, .watch:
      guard let pools = try parameters?.objectsIfAny("pools", PoolStatus.init) else { throw .missing("pools") }
      return .status(pools)
    case .metrics:
      guard let text = try parameters?.textIfAny("text") else { throw .missing("text") }
      return .metrics(text)
    case .jobs:
      guard let jobs = try parameters?.objectsIfAny("jobs", JobStatus.init) else { throw .missing("jobs") }
      return .jobs(jobs)
    case .drain, .stop: return continues ? .accepted : .done
    case .scale, .recycle, .cancelJob, .reload: return .done
    }
  }
}
