import PoolCore
import Time
import WorkerProtocols
import WorkerProcess

/// What runs in the pool, how it speaks, and how the pool behaves.
public struct WorkerPoolConfiguration: Sendable {
  /// Tells the pools apart that share an event loop.
  public var number: UInt8 = 0
  /// The worker program.
  public var command: WorkerCommand
  /// The protocol on the worker's pipes: a `Framing`, such as `Framing.lines`, or another `WorkerProtocol`.
  public var workerProtocol: any WorkerProtocol
  /// Longest reply in bytes; a longer one breaks the protocol.
  public var maximumReplySize: Int
  /// In which surroundings workers run; by default in ours.
  public var surroundings = WorkerSurroundings()
  /// Where their stderr goes: by default to us, line by line, as evidence.
  public var errorOutput = ErrorOutput.captured
  /// What workers write to their stderr decides about their jobs by this rule; nil: it is only reported. With a rule a
  /// worker has one job at a time, and its stderr must be captured.
  public var errorRule: ErrorRule?
  /// A reply that begins with these bytes reports that the job has failed, and the rest is the message; empty: none
  /// does. The same holds for answers to probes, resets and initial messages.
  public var failPrefix: [UInt8] = []
  /// Sizes, limits, backoff, breaker. `capacity` must be 1: one outstanding job per worker.
  public var pool: PoolConfiguration

  /// The most jobs that one worker has at once, 1 or more: the one that it runs, and those that are parked in its pipe
  /// (see `WorkerPoolDriver.seats`).
  public var mostSeats = 1
  /// How long a worker may take to give up a job before it is stopped; 0: it is not asked to.
  public var cancelGrace = Nanoseconds.zero
  /// The signal that asks a worker, with its process group, to give up the job that it runs, as Ctrl-C does at a
  /// terminal; nil: it is asked in the way of its protocol.
  public var cancelSignal: CInt?
  /// Jobs are parked only at workers that are seen to do one after the other: see `ReadingOrder`.
  public var parksInOrderOnly = true

  /// How a worker proves that it is ready. `.probed` needs a `probe`; `.assumed` means `.announced` where the protocol
  /// announces it.
  public var readiness = Readiness.assumed
  /// The health check; without one no worker is ever probed, whatever `pool` holds.
  public var probe: Exchange?
  /// Sent after each job, so that the next one sees nothing of it; nil for nothing.
  public var reset: Exchange?
  /// What each worker is sent at its start, one after the other, before it is ready. One that answers that it has
  /// failed, or does not answer, has failed to start.
  public var initialMessages: [InitialMessage] = []
  /// Longest silence of a ready worker on its notification socket; nil for no limit.
  public var watchdogLimit: Nanoseconds?

  /// What the kernel lets each worker use, with all its descendants, where it can be enforced.
  public var groupLimits = GroupLimits()
  /// A worker that holds more bytes of resident memory, its descendants included, is recycled after its job, like one
  /// that has reached `maximumJobs`, with the same jitter; nil for no limit.
  public var maximumMemory: Int?
  /// Each probe and reset is reported when it is over (`WorkerPoolEvent.checked`).
  public var tellsChecks = false
  /// Measures what jobs cost their worker (`WorkerPoolDriver.cost`). A measurement takes some microseconds.
  public var metersJobs = false
  /// A worker that holds more bytes is stopped at once, even in the middle of a job; nil for no limit.
  public var killMemory: Int?
  /// Orphans of workers become our children, and are killed with their worker. For a program that starts no other
  /// children than the pool's: it reaps whatever child it is given, and where it may make control groups it moves into
  /// one while the pool lives, with all that it starts, unless `groupLimits` are enforced. Else orphans are looked for
  /// among all processes of the machine. The owner must then call `childrenChanged` after each SIGCHLD.
  public var adoptsOrphans = false
  /// Starts workers without processes, for simulations; nil for processes.
  package var simulation: (any SimulatedStarter)?

  /// Makes a configuration. A worker counts as ready when it is seen waiting for its first job, or at once if that
  /// cannot be seen; its first reply proves it.
  public init(
    command: WorkerCommand, protocol workerProtocol: any WorkerProtocol, maximumReplySize: Int, pool: PoolConfiguration
  ) {
    self.command = command
    self.workerProtocol = workerProtocol
    self.maximumReplySize = maximumReplySize
    self.pool = pool
  }

  /// The same with all that follows from its parts.
  func completed() -> WorkerPoolConfiguration {
    var completed = self
    if workerProtocol.announcesReady, readiness == .assumed { completed.readiness = .announced }
    completed.pool.readyIsProof = completed.readiness != .assumed || !initialMessages.isEmpty
    completed.pool.resetsAfterLease = reset != nil
    completed.pool.preparesEachLease = false
    // A worker that is asked by a signal to give a job up may leave its answer out, or answer twice: with another job
    // behind it nobody could tell whose answer is which.
    if workerProtocol.marksReplies || errorRule != nil || workerProtocol.batch != nil || cancelSignal != nil {
      completed.mostSeats = 1
    }
    if probe == nil {
      completed.pool.probeInterval = .zero
      completed.pool.probeBeforeLeaseUnlessUsedWithin = nil
    }
    return completed
  }

  /// Workers are given an address to send notifications to.
  var isNotified: Bool { readiness == .notified || watchdogLimit != nil }
}
