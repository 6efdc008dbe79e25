import JobCore
import WireFormats

/// The bytes of every unsettled job, by the dense index of its identifier: first the job in the worker's framing,
/// ready to be written again on a retry; later, if its turn has not come, the reply.
///
/// Buffers are reused, so that a steady stream allocates nothing; one that grew large is given back.
package struct JobStore {
  private static let keptCapacity = 16 * 1024

  private static let mostSpares = 2
  private static let largestSpare = 2 << 20

  private var buffers: [[UInt8]] = []
  /// Large buffers that no job uses.
  private var spares: [[UInt8]] = []
  /// Where the job stands in its buffer, without its framing.
  private var payloads: [Range<Int>] = []
  /// Replies of held jobs whose own bytes are still needed, by index.
  private var repliesBeside: [UInt32: [UInt8]] = [:]

  package init() {}

  /// Stores a job with its framing.
  package mutating func store(_ payload: UnsafeRawBufferPointer, as framing: Framing, for job: JobID) {
    let index = Int(job.index)
    while buffers.count <= index {
      buffers.append([])
      payloads.append(0..<0)
    }
    if payload.count > Self.keptCapacity {
      if let spare = spares.popLast() { buffers[index] = spare }
      // Room for the framing, too: to grow for it at the end would be to copy all.
      buffers[index].reserveCapacity(payload.count + 16)
    }
    buffers[index].removeAll(keepingCapacity: true)
    framing.appendHeader(count: payload.count) { buffers[index].append($0) }
    let start = buffers[index].count
    buffers[index].append(contentsOf: payload)
    payloads[index] = start..<start + payload.count
    framing.appendTrailer { buffers[index].append($0) }
  }

  /// The job with its framing, to be shared, if it has at least this many bytes.
  package func frame(of job: JobID, atLeast least: Int) -> [UInt8]? {
    buffers[Int(job.index)].count >= least ? buffers[Int(job.index)] : nil
  }

  /// The job itself, as long as it has not been replaced by its reply; no more than so many bytes of it.
  package func payload(of job: JobID, atMost limit: Int) -> [UInt8] {
    let place = payloads[Int(job.index)]
    return Array(buffers[Int(job.index)][place.prefix(limit)])
  }

  /// How long the job itself is, in bytes; known until it is forgotten.
  package func payloadSize(of job: JobID) -> Int { payloads[Int(job.index)].count }

  /// Lends the job itself, as long as it has not been replaced by its reply.
  package func withPayload<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    buffers[Int(job.index)].withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[payloads[Int(job.index)]])) }
  }

  /// Keeps the reply: in place of the job, or beside it.
  package mutating func storeReply(_ reply: UnsafeRawBufferPointer, for job: JobID, keepingJob: Bool = false) {
    if keepingJob { return repliesBeside[job.index] = Array(reply) }
    buffers[Int(job.index)].removeAll(keepingCapacity: true)
    buffers[Int(job.index)].append(contentsOf: reply)
  }

  /// Lends the reply that was stored.
  package func withReply<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    guard !repliesBeside.isEmpty, let reply = repliesBeside[job.index] else { return withBytes(of: job, body) }
    return reply.withUnsafeBytes(body)
  }

  /// Lends the stored bytes.
  package func withBytes<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    buffers[Int(job.index)].withUnsafeBytes(body)
  }

  /// The job is done with.
  package mutating func forget(_ job: JobID) {
    if !repliesBeside.isEmpty { repliesBeside[job.index] = nil }
    if buffers[Int(job.index)].capacity > Self.keptCapacity { giveBack(Int(job.index)) }
  }

  /// A large buffer serves the next large job, if there are not many: fresh memory costs as much as to copy the job.
  private mutating func giveBack(_ index: Int) {
    if spares.count < Self.mostSpares, buffers[index].capacity <= Self.largestSpare { spares.append(buffers[index]) }
    buffers[index] = []
  }
}
