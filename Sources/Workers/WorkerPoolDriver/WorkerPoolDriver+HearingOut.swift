import EventLoop
import LinuxIO
import PoolCore
import Text
import WorkerProcess

/// For `prefork check`, which finds out what is wrong with a worker that does not answer. No pool that serves
/// jobs needs this: there such a worker is stopped.
extension WorkerPoolDriver {
  /// The most that is read of what a worker writes after the end of its input, in bytes: it is evidence, not a reply.
  static let longestEvidence = 65536

  /// Bytes that were sent to the worker and that it has not read; 0 when it is gone or its stdin was closed.
  public func unreadInput(of worker: WorkerID) -> Int {
    guard workers.holds(worker) else { return 0 }
    return workers[worker.slot.index].outbound.count + workers[worker.slot.index].process.unreadInput()
  }

  /// What has come from the worker and is no whole message yet, as `shown` shows it; empty for nothing.
  public func unfinishedReply(of worker: WorkerID) -> String {
    guard workers.holds(worker), !workers[worker.slot.index].inbound.isEmpty else { return "" }
    return workers[worker.slot.index].inbound.withUnsafeBytes { quoted($0) }
  }

  /// Only listens to the worker from now on, whatever it is doing: nothing that it writes is a message or a breach of
  /// the protocol any more. It is kept where `unfinishedReply` shows it, and in the report of the worker's death, which
  /// is reported even if it exits with status 0. Its lease, if it has one, ends without `leaseLost`, as with
  /// `interrupt`. The worker is not stopped: that, and when, is for the caller to decide.
  public mutating func hearOut(_ worker: WorkerID) {
    guard workers.holds(worker), !workers[worker.slot.index].isStopping else { return }
    workers[worker.slot.index].duty = .heardOut
  }

  /// Sends another message to a worker in its last exchange, to see whether it reads on. Returns its size in bytes.
  public mutating func sendMore(
    _ message: UnsafeRawBufferPointer, to worker: WorkerID, _ loop: inout EventLoop
  ) -> Int {
    guard isHeardOut(worker) else { return 0 }
    let size = workers[worker.slot.index].encode(message)
    inputReady(worker.slot.index, &loop)
    return size
  }

  /// Closes the stdin of a worker that is heard out. What it has not been given of it yet is dropped.
  public mutating func endInput(of worker: WorkerID) {
    guard isHeardOut(worker) else { return }
    workers[worker.slot.index].outbound.removeAll()
    StopStep.closeInput.apply(to: &workers[worker.slot.index].process)
  }

  private func isHeardOut(_ worker: WorkerID) -> Bool {
    workers.holds(worker) && workers[worker.slot.index].duty == .heardOut
  }
}
