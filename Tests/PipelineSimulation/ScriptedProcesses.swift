import Glibc
import LinuxIO
import TestSupport
import WireFormats
import WorkerProcess

/// Starts scripted workers, and knows all that were started.
final class ScriptedProcesses: SimulatedStarter, @unchecked Sendable {
  /// What workers of a life are like.
  struct Nature {
    var framing = Framing.lines
    var speech = ScriptedWorker.Speech.framed
    var answersInArrays = 0
    var greets = false
    var capturesErrors = false
    /// One in so many starts fails, and one in so many workers has this habit; 0 for none.
    var failsToStart = 0
    var ignoresEnd = 0
    var ignoresTerminate = 0
    var readsAhead = 0
  }

  let nature: Nature
  private let seed: UInt64
  /// By serial number, from 1.
  private(set) var all: [ScriptedWorker] = []
  private var alive: [ScriptedWorker] = []
  private var placeOfSerial: [Int: Int] = [:]
  private(set) var failedStarts = 0
  /// In the end every start succeeds.
  var neverFails = false

  init(_ nature: Nature, seed: UInt64) {
    self.nature = nature
    self.seed = seed
  }

  /// Those that live, in the order of their starts.
  var living: [ScriptedWorker] {
    alive.removeAll { !$0.isAlive }
    return alive
  }

  /// Whether this many workers have each answered that often.
  func haveMany(answers: Int, workers: Int) -> Bool {
    all.count >= workers && all.count { $0.replies + $0.surplus >= answers } >= workers
  }

  func worker(serial: UInt64) -> ScriptedWorker? { placeOfSerial[Int(serial)].map { all[$0] } }

  func start(slot: Int, serial: UInt64) throws(SpawnError) -> WorkerProcess {
    // What a worker is like depends on its number only: so it stays the same while a script shrinks.
    var dice = SplitMix64(state: seed ^ serial &* 0x9E37_79B9_7F4A_7C15)
    func has(_ rarity: Int) -> Bool { rarity > 0 && dice.oneIn(rarity) }
    if has(nature.failsToStart), !neverFails {
      failedStarts += 1
      let cause = SystemError("start", dice.oneIn(4) ? ENOENT : EAGAIN)
      throw SpawnError(program: "scripted", cause: cause, surroundings: WorkerSurroundings())
    }
    var habits = ScriptedWorker.Habits(greets: nature.greets)
    habits.ignoresEnd = has(nature.ignoresEnd)
    habits.ignoresTerminate = has(nature.ignoresTerminate)
    habits.isSequential = !has(nature.readsAhead)
    habits.answersInArrays = has(nature.answersInArrays)
    do throws(SystemError) {
      return try start(slot, Int(serial), habits)
    } catch {
      throw SpawnError(program: "scripted", cause: error, surroundings: WorkerSurroundings())
    }
  }

  private func start(
    _ slot: Int, _ serial: Int, _ habits: ScriptedWorker.Habits
  ) throws(SystemError) -> WorkerProcess {
    var input = try Pipe(nonBlocking: .writeEnd)
    var output = try Pipe(nonBlocking: .readEnd)
    var life = try Pipe()
    var errorOutput: Pipe? = nil
    if nature.capturesErrors { errorOutput = try Pipe(nonBlocking: .readEnd) }
    var ends = ScriptedWorker.Ends(
      input: input.takeReadEnd().release(), output: output.takeWriteEnd().release(), errorOutput: -1,
      life: life.takeWriteEnd().release())
    try makeNonBlocking(ends.input)
    try makeNonBlocking(ends.output)
    if let end = errorOutput?.takeWriteEnd() { ends.errorOutput = end.release() }
    let worker = ScriptedWorker(
      slot: slot, serial: serial, habits: habits, speech: nature.speech, framing: nature.framing, ends)
    placeOfSerial[serial] = all.count
    all.append(worker)
    alive.append(worker)
    return WorkerProcess(
      worker, exitDescriptor: life.takeReadEnd(), input: input.takeWriteEnd(), output: output.takeReadEnd(),
      errorOutput: errorOutput?.takeReadEnd())
  }
}
