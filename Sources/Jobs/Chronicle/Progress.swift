/// How far a run is at one moment: all that the progress line is made of.
public struct Progress: Sendable, Equatable {
  /// What is known of the length of the input.
  public enum Input: Sendable, Equatable {
    /// It may go on for ever: a pipe, a terminal.
    case endless
    /// A regular file: the bytes taken from it, as jobs or to be skipped, and its size when the run began.
    case bytes(taken: UInt64, of: UInt64)
    /// It has ended: there are no more jobs than those that were taken.
    case over
  }

  /// What is out of the ordinary.
  public enum Phase: Sendable, Equatable {
    /// Nothing.
    case running
    /// Nothing new is begun, what runs is finished.
    case draining
    /// Workers fail to start, so that the pool waits before it tries again.
    case breakerOpen
    /// The pool is served elsewhere, and there is no connection to it.
    case connecting
  }

  /// What is known of the input.
  public var input: Input
  /// Jobs taken from the input, those included that were skipped because they are done since an earlier run.
  public var taken: UInt64
  /// Those of them that were skipped.
  public var skipped: UInt64
  /// Jobs settled in this run.
  public var settled: UInt64
  /// Those of them that are not `ok`.
  public var notOK: UInt64
  /// Workers that have a job.
  public var busy: Int
  /// Workers that serve, busy or not.
  public var serving: Int
  /// Slots that the pool wants to fill; the upper bound if their number varies.
  public var slots: Int
  /// What is out of the ordinary.
  public var phase: Phase

  /// A run that is as far as that.
  public init(
    input: Input, taken: UInt64, skipped: UInt64 = 0, settled: UInt64, notOK: UInt64, busy: Int, serving: Int,
    slots: Int, phase: Phase = .running
  ) {
    self.input = input
    self.taken = taken
    self.skipped = skipped
    self.settled = settled
    self.notOK = notOK
    self.busy = busy
    self.serving = serving
    self.slots = slots
    self.phase = phase
  }

  /// Jobs taken and not settled: they wait or run.
  var open: UInt64 {
    let done = skipped + settled
    return taken > done ? taken - done : 0
  }

  /// How much of the input is settled, 0...1; nil when its length is not known. Jobs differ in size, so a file is
  /// measured in bytes: those taken, less those of the jobs that are still open, which are held to be of average size.
  var done: Double? {
    guard taken > 0 else { return input == .endless ? nil : 0 }
    let share = Double(taken - open) / Double(taken)
    switch input {
    case .endless: return nil
    // A file that has grown is longer than it was.
    case .bytes(let bytes, let total): return share * Double(bytes) / Double(max(bytes, total, 1))
    case .over: return share
    }
  }

  /// The part of `done` that is the work of this run: what was skipped took no time and says nothing of the speed.
  var worked: Double? {
    let finished = settled + skipped
    guard finished > 0 else { return done }
    return done.map { $0 * Double(settled) / Double(finished) }
  }
}
