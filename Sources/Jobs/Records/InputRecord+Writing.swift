import JSON
import Time

/// Jobs as records on their way to another pool: what `InputRecord` reads.
extension InputRecord {
  /// Adds the line of a job: its id, its payload, and its terms, which `appendTerms` has written. The payload becomes a
  /// string, or base64 if it is not UTF-8; with `isJSON` it is a value that was checked, and stays one.
  public static func append(id: UInt64, payload: RawSpan, isJSON: Bool, terms: RawSpan, to buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "{"))
    buffer.appendMember("id", id)
    if isJSON {
      buffer.appendMember("job", json: payload)
    } else {
      buffer.appendMember("job", bytes: payload)
    }
    buffer.append(terms)
    buffer.append("}\n")
  }

  /// Adds what is asked for one job: a comma before each member, ready to stand behind others. Times are over 0,
  /// written to the nanosecond, and never more than a record may ask for. What is nil is left to the pool.
  public static func appendTerms(timeout: Nanoseconds?, retries: Int?, to buffer: inout [UInt8]) {
    if let timeout { buffer.appendMember("timeout", exactSeconds: min(timeout, longestTimeout)) }
    buffer.appendMember("retries", ifAny: retries)
  }

  /// Likewise for a job that came in a record, the one in `line`: its own terms, and for what it leaves open those
  /// given.
  public func appendTerms(of line: RawSpan, timeout: Nanoseconds?, retries: Int?, to buffer: inout [UInt8]) {
    Self.appendTerms(timeout: self.timeout ?? timeout, retries: self.retries ?? retries, to: &buffer)
    if priority != 0 { buffer.appendMember("priority", priority) }
    if let key { buffer.appendMember("key", json: line.extracting(key.range)) }
  }
}

extension [UInt8] {
  /// A time in seconds with nine decimals.
  fileprivate mutating func appendMember(_ name: String, exactSeconds time: Nanoseconds) {
    appendName(name)
    appendDigits(time.wholeSeconds)
    append(UInt8(ascii: "."))
    appendDigits((time % .seconds(1)).count, atLeast: 9)
  }
}
