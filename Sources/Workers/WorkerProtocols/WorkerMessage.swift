/// What a worker is sent besides jobs, in a protocol that has such messages.
public enum WorkerRequest: Sendable, Equatable {
  /// A probe or a reset with this text. The answer is an unnamed `reply` or `failure`.
  case check([UInt8])
  /// To give up the job with this id. It may still be answered.
  case cancel(id: UInt64)
  /// To end: no job will follow.
  case stop
}

/// A message from a worker, as far as it has arrived. `consumed`: how many bytes to drop from the front afterwards.
public enum WorkerMessage: Sendable, Equatable {
  /// The reply to the job at the head, or to the probe or reset that was sent. `payload`: its offsets in the bytes.
  case reply(payload: Range<Int>, consumed: Int)
  /// The job at the head has failed, and the worker lives on.
  indirect case failure(ReplyFailure, consumed: Int)
  /// The answer to the job with this id, or to the head if it names none.
  indirect case answer(id: UInt64?, WorkerAnswer, consumed: Int)
  /// Something besides answers.
  indirect case notice(WorkerNotice, consumed: Int)
  /// A message that the protocol itself answers, with these bytes.
  indirect case response([UInt8], consumed: Int)
  /// The message is incomplete. `consumed` is more than 0 only for bytes without a meaning.
  case needMore(consumed: Int)
  /// The reply is over the limit. Its end need not have arrived: the pool does not read a reply without end.
  case oversize
  /// The worker broke the protocol, for this reason. Nothing that follows can be trusted.
  indirect case violation(String)
  /// A worker that is not ready yet keeps to the protocol, but cannot do what it is started for, for this reason, nor
  /// can any other that is started in the same way.
  indirect case unfit(String)
}

/// What a worker answers to a job.
public enum WorkerAnswer: Sendable, Equatable {
  /// It is done: the reply stands in the bytes, at these offsets.
  case done(Range<Int>)
  /// It is done: the reply, which stands in the bytes only in another form.
  case decoded([UInt8])
  /// It has failed, and the worker lives on.
  case failed(ReplyFailure)
  /// It was given up, as the worker was asked.
  case cancelled
}

/// What a worker reports besides answers.
public enum WorkerNotice: Sendable, Equatable {
  /// It is ready for jobs.
  case ready
  /// How far the job with this id is; nil for the only job.
  case progress(id: UInt64?, JobProgress)
  /// A line for its log.
  case log(LogLevel, String)
  /// It wants to be replaced when it has answered its jobs.
  case retire
  /// What it can be asked to do, in the order in which it lists that.
  case tools([WorkerTool])
  /// Nothing that matters here.
  case ignored
}

/// One of several things that a worker can be asked to do.
public struct WorkerTool: Sendable, Equatable {
  /// Its name, by which a job asks for it.
  public var name: String
  /// What it does, in any number of lines; may be empty.
  public var description: String

  /// A tool.
  public init(name: String, description: String) {
    self.name = name
    self.description = description
  }
}

/// How far a job is.
public struct JobProgress: Sendable, Equatable {
  /// What is done, in any unit, 0 or more.
  public var done: Double
  /// What there is to do, in the same unit; nil if that is not known.
  public var total: Double?
  /// What is being done; may be empty.
  public var message: String

  /// Progress.
  public init(done: Double, total: Double? = nil, message: String = "") {
    self.done = done
    self.total = total
    self.message = message
  }
}

/// How grave a line of a log is, as in syslog(3), the gravest first.
public enum LogLevel: String, Sendable, CaseIterable {
  case emergency, alert, critical, error, warning, notice, info, debug
}

/// How a worker describes a job that has failed.
public struct ReplyFailure: Sendable, Equatable {
  /// The reason, in one line or more; may be empty.
  public var message: String
  /// An error code, if the protocol has one.
  public var code: Int?
  /// More about it, as a JSON value; nil for nothing.
  public var data: [UInt8]?

  /// A failure.
  public init(message: String, code: Int? = nil, data: [UInt8]? = nil) {
    self.message = message
    self.code = code
    self.data = data
  }
}
