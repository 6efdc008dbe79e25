import JSON

/// The batches of one worker (https://www.jsonrpc.org/specification#batch): an array of requests on the way to it, an
/// array of responses on the way back.
struct JSONRPCBatch {
  /// What is left of an array that has come whole and is JSON.
  struct Rest {
    /// The place of the bracket or the comma before the next message, or of white space before that.
    var next: Int
    /// The end of the frame that the array stands in.
    var end: Int
    /// One of its messages was an answer.
    var hasAnswers = false
  }

  /// Nil outside of an array.
  var rest: Rest?
  private var message: [UInt8] = []
  /// Requests that are still to come in the array that is being written.
  private var left = 0
  /// How many requests the last array had, and the ids of those that are not answered.
  private(set) var size = 0
  private var open: Set<UInt64> = []

  /// Requests of the last array that are not answered.
  var unanswered: Int { open.count }

  mutating func begin(_ count: Int) {
    (left, size) = (count, count)
    open.removeAll(keepingCapacity: true)
    message.removeAll(keepingCapacity: true)
    message.append("[")
  }

  /// Appends a request. False, and nothing is done, outside of a batch.
  mutating func append(_ job: RawSpan, id: UInt64, _ terms: JSONRPCProtocol) -> Bool {
    guard left > 0 else { return false }
    terms.append(job, id: id, to: &message)
    open.insert(id)
    left -= 1
    message.append(left > 0 ? "," : "]")
    return true
  }

  /// The array that was written; empty if there is none.
  mutating func take() -> [UInt8] {
    defer { message = [] }
    return message
  }

  mutating func answered(_ id: UInt64) { if !open.isEmpty { open.remove(id) } }
}

extension JSONRPCCodec {
  mutating func beginBatch(of count: Int, to write: (UnsafeRawBufferPointer) -> Void) {
    // A single job is a plain request.
    if count > 1 { batch.begin(count) }
  }

  mutating func endBatch(to write: (UnsafeRawBufferPointer) -> Void) {
    let message = batch.take()
    if !message.isEmpty { terms.messageFraming.write(message, to: write) }
  }

  /// The next message of an array; behind the last one, whether all jobs of the batch are answered.
  mutating func nextOfArray(_ bytes: RawSpan, _ rest: JSONRPCBatch.Rest) -> WorkerMessage {
    var place = bytes.endOfSpace(from: rest.next)
    if bytes.byte(at: place) == UInt8(ascii: "[") {
      place = bytes.endOfSpace(from: place + 1)
      if bytes.byte(at: place) == UInt8(ascii: "]") { return .violation("an empty array") }
      place -= 1
    }
    if bytes.byte(at: place) == UInt8(ascii: "]") { return endOfArray(rest) }
    let start = place + 1
    do throws(JSONError) {
      var scanner = JSONScanner()
      let value = try scanner.value(in: bytes.extracting(start..<rest.end))
      let (first, last) = (start + value.range.lowerBound, start + value.range.upperBound)
      let message = try interpret(bytes.extracting(first..<last), at: first, consumed: last)
      let isAnswer = if case .answer = message { true } else { false }
      batch.rest = .init(next: 0, end: rest.end - last, hasAnswers: rest.hasAnswers || isAnswer)
      return message
    } catch {
      return .violation("not JSON: \(error)")
    }
  }

  /// An array with answers to some jobs of a batch leaves those to the others out.
  private mutating func endOfArray(_ rest: JSONRPCBatch.Rest) -> WorkerMessage {
    batch.rest = nil
    guard rest.hasAnswers, batch.unanswered > 0 else { return .notice(.ignored, consumed: rest.end) }
    return .violation(
      "the array of responses leaves \(batch.unanswered) of the \(batch.size) requests of its batch unanswered")
  }
}

extension JSONRPCProtocol {
  /// Adds the request of a job without a defect.
  func append(_ job: RawSpan, id: UInt64, to message: inout [UInt8]) {
    message.append(#"{"jsonrpc":"2.0""#)
    message.appendMember("id", id)
    message.appendMember("method", method)
    message.appendName("params")
    parameters.append(job, to: &message)
    message.append("}")
  }
}

extension RawSpan {
  /// The first byte from `start` on that is not white space of JSON.
  func endOfSpace(from start: Int) -> Int {
    var place = start
    while let byte = byteIfAny(at: place), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { place += 1 }
    return place
  }
}
