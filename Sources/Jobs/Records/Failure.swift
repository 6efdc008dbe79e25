import JSON

/// Why a job, or one attempt at it, did not end well.
public struct Failure: Equatable, Sendable {
  /// For people: what happened, with numbers.
  public var message: String
  /// The worker's exit status, or the code of its error reply; nil if there is none.
  public var code: Int?
  /// More about it, as a JSON value of the worker's; nil for nothing.
  public var data: [UInt8]?
  /// The number of the signal that killed the worker; nil if none did.
  public var signal: Int?
  /// The last that the worker wrote to stderr; empty if nothing. It is shown to people and was cut off somewhere
  /// already: what is not UTF-8 in it, such as half a character at the cut, is written as U+FFFD, and not the whole as
  /// base64.
  public var stderr: [UInt8]

  /// A failure as it is to be reported.
  public init(
    message: String, code: Int? = nil, data: [UInt8]? = nil, signal: Int? = nil, stderr: [UInt8] = []
  ) {
    self.message = message
    self.code = code
    self.data = data
    self.signal = signal
    self.stderr = stderr
  }
}

extension [UInt8] {
  mutating func appendMembers(of failure: Failure) {
    appendMember("message", failure.message)
    appendMember("code", ifAny: failure.code)
    if let data = failure.data { appendMember("data", json: data.span.bytes) }
    appendMember("signal", ifAny: failure.signal)
    if !failure.stderr.isEmpty { appendMember("stderr", String(decoding: failure.stderr, as: UTF8.self)) }
  }
}
