import JobCore

/// The bytes of every unsettled job, by the dense index of its identifier: first the job, ready to be sent again on a
/// retry; later, if its turn has not come, the reply.
///
/// Buffers are reused, so that a steady stream allocates nothing; one that grew large is given back.
package struct JobStore {
  private static let keptCapacity = 16 * 1024

  private static let mostSpares = 2
  private static let largestSpare = 2 << 20

  private var buffers: [[UInt8]] = []
  /// Large buffers that no job uses.
  private var spares: [[UInt8]] = []
  /// The length of each job in bytes, also after its reply has replaced it.
  private var sizes: [Int] = []
  /// Replies of held jobs whose own bytes are still needed, by index.
  private var repliesBeside: [UInt32: [UInt8]] = [:]

  package init() {}

  /// Stores a job.
  package mutating func store(_ bytes: UnsafeRawBufferPointer, for job: JobID) {
    let index = Int(job.index)
    while buffers.count <= index {
      buffers.append([])
      sizes.append(0)
    }
    if bytes.count > Self.keptCapacity, let spare = spares.popLast() { buffers[index] = spare }
    buffers[index].removeAll(keepingCapacity: true)
    buffers[index].append(contentsOf: bytes)
    sizes[index] = bytes.count
  }

  /// The job, to be shared, if it has at least this many bytes.
  package func job(_ job: JobID, atLeast least: Int) -> [UInt8]? {
    buffers[Int(job.index)].count >= least ? buffers[Int(job.index)] : nil
  }

  /// The job, as long as it has not been replaced by its reply; no more than `limit` bytes of it.
  package func bytes(of job: JobID, atMost limit: Int) -> [UInt8] { Array(buffers[Int(job.index)].prefix(limit)) }

  /// How long the job is, in bytes; known until it is forgotten.
  package func size(of job: JobID) -> Int { sizes[Int(job.index)] }

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

  /// Lends the job, or the reply that has replaced it.
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
