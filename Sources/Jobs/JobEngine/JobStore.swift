import JobCore
import LinuxIO

/// The bytes of every unsettled job, by the dense index of its identifier: first the job, ready to be sent again on a
/// retry; later, if its turn has not come, the reply.
///
/// Buffers are reused, so that a steady stream allocates nothing. What is large is shared with its other owners, and
/// not copied where they can part with it.
package struct JobStore {
  private var buffers: [[UInt8]] = []
  /// The length of each job in bytes, also after its reply has replaced it.
  private var sizes: [Int] = []
  /// Large jobs, and large replies that have replaced theirs, by index: their buffers are empty.
  private var shared: [UInt32: SharedBytes] = [:]
  /// Replies of held jobs whose own bytes are still needed, by index.
  private var repliesBeside: [UInt32: SharedBytes] = [:]

  package init() {}

  /// Stores a job. `sharing`: the same bytes, if they need not be copied.
  package mutating func store(_ bytes: UnsafeRawBufferPointer, sharing: SharedBytes? = nil, for job: JobID) {
    let index = Int(job.index)
    while buffers.count <= index {
      buffers.append([])
      sizes.append(0)
    }
    sizes[index] = bytes.count
    put(bytes, sharing, at: index)
  }

  private mutating func put(_ bytes: UnsafeRawBufferPointer, _ sharing: SharedBytes? = nil, at index: Int) {
    buffers[index].removeAll(keepingCapacity: true)
    if sharing != nil || bytes.count >= SharedBytes.leastSize {
      shared[UInt32(index)] = sharing ?? SharedBytes(copying: bytes)
    } else {
      if !shared.isEmpty { shared[UInt32(index)] = nil }
      buffers[index].append(contentsOf: bytes)
    }
  }

  /// The job, if it is large: to be shared.
  package func sharedJob(_ job: JobID) -> SharedBytes? { shared.isEmpty ? nil : shared[job.index] }

  /// The job, as long as it has not been replaced by its reply; no more than `limit` bytes of it.
  package func bytes(of job: JobID, atMost limit: Int) -> [UInt8] { withBytes(of: job) { Array($0.prefix(limit)) } }

  /// How long the job is, in bytes; known until it is forgotten.
  package func size(of job: JobID) -> Int { sizes[Int(job.index)] }

  /// Keeps the reply: in place of the job, or beside it.
  package mutating func storeReply(_ reply: UnsafeRawBufferPointer, for job: JobID, keepingJob: Bool = false) {
    if keepingJob { repliesBeside[job.index] = SharedBytes(copying: reply) } else { put(reply, at: Int(job.index)) }
  }

  /// The same for a reply that need not be copied.
  package mutating func storeReply(_ reply: SharedBytes, for job: JobID, keepingJob: Bool = false) {
    if keepingJob { return repliesBeside[job.index] = reply }
    reply.withUnsafeBytes { put($0, reply, at: Int(job.index)) }
  }

  /// Lends the reply that was stored.
  package func withReply<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    guard !repliesBeside.isEmpty, let reply = repliesBeside[job.index] else { return withBytes(of: job, body) }
    return reply.withUnsafeBytes(body)
  }

  /// Lends the job, or the reply that has replaced it.
  package func withBytes<R>(of job: JobID, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    if let shared = sharedJob(job) { return shared.withUnsafeBytes(body) }
    return buffers[Int(job.index)].withUnsafeBytes(body)
  }

  /// The job is done with.
  package mutating func forget(_ job: JobID) {
    if !repliesBeside.isEmpty { repliesBeside[job.index] = nil }
    if !shared.isEmpty { shared[job.index] = nil }
  }
}
