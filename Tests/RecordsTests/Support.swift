import TestSupport
import JSON
@testable import Records

/// A record that was read, with the line it stands in.
struct Reading {
  let line: [UInt8]
  let record: InputRecord

  init(_ line: some Collection<UInt8>) throws(RecordError) {
    let line = Array(line)
    self.line = line
    record = try InputRecord(line.span.bytes)
  }

  init(_ line: String) throws(RecordError) { try self.init(line.utf8) }

  var id: String? { record.id.map { String(decoding: line[$0], as: UTF8.self) } }

  /// The payload for a worker that is spoken to in bytes.
  var job: [UInt8] {
    var buffer: [UInt8] = []
    record.appendJob(of: line.span.bytes, to: &buffer)
    return buffer
  }

  /// The payload for a worker that is spoken to in JSON.
  var rawJob: String? { record.jobRange.map { String(decoding: line[$0], as: UTF8.self) } }

  var key: [UInt8]? {
    var buffer: [UInt8] = []
    record.appendKey(of: line.span.bytes, to: &buffer)
    return record.key == nil ? nil : buffer
  }
}

/// What is said about a line that is no record; nil if it is one.
func refusal(of line: some Collection<UInt8>) -> String? {
  do {
    _ = try Reading(line)
    return nil
  } catch { return "\(error)" }
}

/// The one line that `write` adds, read by the reference; nil if it is not JSON or not one line.
func written(_ write: (inout [UInt8]) throws -> Void) rethrows -> JSONTree? {
  var buffer: [UInt8] = []
  try write(&buffer)
  guard buffer.firstIndex(of: 0x0A) == buffer.count - 1 else { return nil }
  return JSONTree.parse(buffer)
}
