import PoolCore
import WireFormats
import WorkerProcess

/// What runs in the pool, how it speaks, and how the pool behaves.
public struct WorkerPoolConfiguration: Sendable {
  /// The worker program.
  public var command: WorkerCommand
  /// The framing of jobs and replies on the worker's pipes.
  public var framing: Framing
  /// Longest reply in bytes; a longer one breaks the protocol.
  public var maximumReplySize: Int
  /// Sizes, limits, backoff, breaker. `capacity` must be 1: one outstanding job per worker.
  public var pool: PoolConfiguration

  /// Makes a configuration; workers are taken to be ready as soon as they run, and are proved by their first reply.
  public init(command: WorkerCommand, framing: Framing, maximumReplySize: Int, pool: PoolConfiguration) {
    self.command = command
    self.framing = framing
    self.maximumReplySize = maximumReplySize
    self.pool = pool
    self.pool.readyIsProof = false
  }
}
