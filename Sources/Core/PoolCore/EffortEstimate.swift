import Time

/// What jobs cost their worker in CPU time, for `SeatEstimate`.
///
/// Where many workers share few processors, most of the time between a job and its answer is not spent on the job: the
/// worker waits for a processor, and its answer waits for us. CPU time leaves both out. But it also leaves out what a
/// job itself waits for: a server, a disk, a timer. So it counts only as long as the worker is seen to wait for nothing
/// but its next jobs: it falls asleep no more often than jobs were written to it.
struct EffortEstimate: Sendable {
  /// Most seats that follow from CPU time.
  static let mostSeats = 64
  /// More parked jobs at each look that went well, until `mostSeats`.
  static let growth = 8
  /// After this many writes the worker is looked at again: while it proves itself, when it has, and when it waits for
  /// something else.
  static let (proofWrites, usualWrites, waitingWrites): (UInt64, UInt64, UInt64) = (4, 32, 64)
  /// A process that needs less CPU time for a job does not do the job itself.
  static let leastCost = Nanoseconds(100)

  /// The CPU time of a job of late; zero while that is not known.
  private var typicalCost = Nanoseconds.zero
  /// The CPU time of the worker when that was read last.
  private var cpuBefore: Nanoseconds?
  /// Answers since then.
  private var answers: UInt64 = 0

  /// How often it had fallen asleep when it was looked at last.
  private var sleepsBefore: UInt64?
  /// Writes of jobs since then, and after how many the next look is due.
  private var writes: UInt64 = 0
  private var writesToLook: UInt64 = 0
  /// The most seats for which the worker was seen to wait for nothing else; 1 if it was not.
  private var provenSeats = 1
  /// How often it was seen to wait for something else: it is looked at again later and later.
  private var waits: UInt64 = 0
  /// It was judged by what was seen of itself.
  private var isJudged = false
  /// How long a batch of jobs takes by the clock of late, and how long that is for each of the jobs.
  private var typicalBatch = Nanoseconds.zero
  private var typicalShare = Nanoseconds.zero

  /// Others of its kind were seen to wait for nothing else: that is believed of this one until it is judged.
  mutating func trust() {
    guard !isJudged, provenSeats == 1 else { return }
    (provenSeats, writesToLook) = (Self.mostSeats, Self.usualWrites)
  }

  mutating func wrote() { writes += 1 }

  /// That many answers came within this time of the clock, which is `each` for one. If it is unusually long, one of the
  /// jobs may have been slow, whatever CPU time they took: that is believed at once.
  mutating func answered(_ count: UInt64, within time: Nanoseconds, each share: Nanoseconds) {
    answers += count
    guard time > SeatEstimate.reach, typicalBatch > .zero, time > 4 * typicalBatch, share > 4 * typicalShare else {
      typicalBatch.follow(time)
      return typicalShare.follow(share)
    }
    // Perhaps all take longer from now on, because the machine is busier.
    typicalBatch.follow(2 * typicalBatch)
    typicalShare.follow(2 * typicalShare)
    isJudged = true
    provenSeats = max(1, provenSeats / Self.growth)
    writesToLook = writes + Self.proofWrites
  }

  /// Whether it is time to look how often the worker has slept (`judge`).
  var wantsSleeps: Bool { writes >= writesToLook }

  /// The CPU time of the worker so far.
  mutating func record(cpu: Nanoseconds) {
    if let cpuBefore, answers > 0 {
      let cost = (cpu - cpuBefore) / answers
      typicalCost = cost >= typicalCost ? cost : typicalCost - (typicalCost - cost) / 4
    }
    cpuBefore = cpu
    answers = 0
  }

  /// How often the worker has slept so far. Returns whether it has slept only for want of jobs since the last look; nil
  /// after the first look.
  mutating func judge(sleeps: UInt64) -> Bool? {
    defer { (sleepsBefore, writes) = (sleeps, 0) }
    writesToLook = Self.proofWrites
    guard let before = sleepsBefore else { return nil }
    isJudged = true
    guard sleeps - before <= writes + 1, typicalCost >= Self.leastCost else {
      (provenSeats, writesToLook) = (1, Self.waitingWrites << min(waits, 32))
      waits += 1
      return false
    }
    provenSeats = min(Self.mostSeats, Self.growth * provenSeats)
    if provenSeats == Self.mostSeats { writesToLook = Self.usualWrites }
    return true
  }

  /// How many jobs the worker may have by this measure; 1 while it does not count.
  var seats: Int {
    guard provenSeats > 1, typicalCost >= Self.leastCost else { return 1 }
    return max(1, min(provenSeats, Int(SeatEstimate.reach / typicalCost)))
  }
}
