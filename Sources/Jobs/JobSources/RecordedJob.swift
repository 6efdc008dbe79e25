import JobCore
import JobLog
import Records
import Time

/// A job that came in a record, with the record's requests. It is a class, so that a plain job costs only a nil.
package final class RecordedJob: Sendable {
  /// The record's line, without its line feed.
  package let line: [UInt8]
  /// The places of its members in the line.
  package let record: InputRecord
  /// The job itself.
  package let payload: [UInt8]

  private init(_ line: [UInt8], _ record: InputRecord) {
    self.line = line
    self.record = record
    var payload: [UInt8] = []
    record.appendJob(of: line.span.bytes, to: &payload)
    self.payload = payload
  }

  /// The JSON value that comes back with the result.
  package var id: [UInt8]? { record.id.map { Array(line[$0]) } }

  /// Identifies the job when a run is resumed: the key in the record, or a hash of the job's bytes.
  package var key: JobKey {
    let (line, payload) = (line, payload)
    guard record.key != nil else { return JobKey(ofJob: payload.span.bytes) }
    var name: [UInt8] = []
    record.appendKey(of: line.span.bytes, to: &name)
    return JobKey(name: name.span.bytes)
  }

  /// The same for all jobs with the same key in their records, and 0 for those without one.
  package var group: UInt64 { record.key == nil ? 0 : key.high }

  /// Sets the terms that the record asks for.
  package func apply(to terms: inout JobTerms) {
    terms.retries = record.retries.map(Int32.init) ?? -1
    terms.runLimit = record.timeout ?? .zero
    terms.priority = record.priority
  }

  // MARK: Reading

  /// The meaning of a line among records.
  package enum Reading {
    case job(RecordedJob)
    /// An empty line, which means nothing.
    case nothing
    /// No record. The reason is phrased to follow `the job`; the id is there if it can be found.
    case malformed(String, id: [UInt8]?)
  }

  /// Reads the line at this position.
  package static func read(_ bytes: UnsafeRawBufferPointer, position: @autoclosure () -> String) -> Reading {
    let line = Array(bytes)
    do throws(RecordError) {
      return .job(RecordedJob(line, try InputRecord(line.span.bytes)))
    } catch {
      if case .notJSON(let defect) = error, defect.problem == .empty { return .nothing }
      let id = InputRecord.id(of: line.span.bytes).map { Array(line[$0]) }
      return .malformed("is a bad record: \(error) (\(position()))", id: id)
    }
  }
}
