import JobCore
import LinuxIO
import Testing

@testable import JobEngine

/// The bytes of jobs and replies.
@Suite struct JobStoreTests {
  private let job = JobID(index: 3, generation: 1)
  private static let sizes = [0, 1, SharedBytes.leastSize - 1, SharedBytes.leastSize, 300_000]

  private func bytes(_ count: Int, _ value: UInt8) -> [UInt8] { [UInt8](repeating: value, count: count) }

  private func stored(_ store: JobStore) -> [UInt8] { store.bytes(of: job, atMost: .max) }

  private func reply(_ store: JobStore) -> [UInt8] { store.withReply(of: job) { Array($0) } }

  @Test("a reply takes the place of its job, whatever the sizes are", arguments: sizes, sizes)
  func replaced(jobSize: Int, replySize: Int) {
    var store = JobStore()
    for _ in 0..<2 {
      bytes(jobSize, 1).withUnsafeBytes { store.store($0, for: job) }
      #expect(stored(store) == bytes(jobSize, 1) && store.size(of: job) == jobSize)
      #expect((store.sharedJob(job) == nil) == (jobSize < SharedBytes.leastSize))
      bytes(replySize, 2).withUnsafeBytes { store.storeReply($0, for: job) }
      #expect(reply(store) == bytes(replySize, 2) && store.size(of: job) == jobSize)
      store.forget(job)
    }
    bytes(2, 3).withUnsafeBytes { store.store($0, for: job) }
    #expect(stored(store) == bytes(2, 3) && store.sharedJob(job) == nil)
  }

  @Test("a job that is needed stays beside its reply", arguments: sizes, sizes)
  func kept(jobSize: Int, replySize: Int) {
    var store = JobStore()
    bytes(jobSize, 1).withUnsafeBytes { store.store($0, for: job) }
    bytes(replySize, 2).withUnsafeBytes { store.storeReply($0, for: job, keepingJob: true) }
    #expect(stored(store) == bytes(jobSize, 1) && reply(store) == bytes(replySize, 2))
    store.forget(job)
    bytes(1, 3).withUnsafeBytes { store.store($0, for: job) }
    #expect(reply(store) == bytes(1, 3), "nothing is left of the reply")
  }

  @Test("what can be shared is not copied")
  func shared() {
    var store = JobStore()
    let job = bytes(100_000, 1).withUnsafeBytes { SharedBytes(copying: $0) }
    let reply = bytes(200_000, 2).withUnsafeBytes { SharedBytes(copying: $0) }
    job.withUnsafeBytes { store.store($0, sharing: job, for: self.job) }
    #expect(store.sharedJob(self.job) === job && store.size(of: self.job) == 100_000)
    store.storeReply(reply, for: self.job)
    #expect(store.sharedJob(self.job) === reply)
    #expect(store.withReply(of: self.job) { $0.baseAddress } == reply.withUnsafeBytes { $0.baseAddress })
  }
}
