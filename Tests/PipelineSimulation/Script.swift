import TestSupport

/// One thing that happens, and the dice that decide about its details. Everything about a step follows from its dice
/// and from the state of the world, so that others can be left out before it: so a script shrinks.
struct Step: CustomStringConvertible {
  /// What happens.
  enum Act: UInt8, CaseIterable {
    /// Jobs come in. The loop turns and delivers what is ready; or only a part of that, in any order.
    case accept, turn, glimpse
    /// A worker reads and answers; or all do, again and again, while jobs come in.
    case work, round
    /// A worker reads, makes one answer, writes a part of what it has to say, writes to its stderr.
    case read, answer, drip, log
    /// A worker dies, exits with status 0, closes a pipe.
    case die, leave, closeInput, closeOutput
    /// A worker writes too large a reply; a reply while it owes none; a reply too many; no frame; it leaves one out.
    case shout, stray, surplus, garble, omit
    /// Time passes: a little, up to the next timer, much.
    case tick, timer, wait
    /// The next time that the engine reports something, a worker does one of the above before it goes on.
    case ambush
    /// Operators.
    case cancel, recycle, recycleOne, resize, reconfigure, takeBack, holdLog
    /// What comes is no job, or finds no room.
    case reject, refuse
    /// Clients.
    case join, part, pause
    /// The end.
    case drain, abort
  }

  var act: Act
  var dice: UInt64

  var description: String { "\(act) \(dice)" }
}

/// What happens in one life.
enum Script {
  private static let usual: [Step.Act] = [.accept, .turn, .glimpse, .work, .round, .read, .answer, .tick]
  private static let odd: [Step.Act] = [.drip, .log, .timer, .wait, .cancel, .recycleOne, .reject, .ambush]
  private static let deadly: [Step.Act] = [.die, .die, .leave, .closeInput, .closeOutput, .shout, .ambush]
  private static let lies: [Step.Act] = [.stray, .surplus, .garble, .omit, .ambush]
  private static let rare: [Step.Act] = [.recycle, .resize, .reconfigure, .takeBack, .holdLog, .refuse]
  private static let clients: [Step.Act] = [.join, .join, .part, .pause, .pause]

  /// The steps of the life with this setting.
  static func make(_ setting: Setting, steps count: Int) -> [Step] {
    var dice = SplitMix64(state: setting.seed &+ 1)
    var steps: [Step] = []
    steps.reserveCapacity(count)
    while steps.count < count {
      let mood = mood(setting, &dice)
      for _ in 0..<min(32 + dice.below(128), count - steps.count) {
        steps.append(Step(act: dice.pick(mood), dice: dice.next()))
      }
    }
    return steps
  }

  /// How often each act comes; changes now and then, so that the queue fills, empties, starves.
  private static func mood(_ setting: Setting, _ dice: inout SplitMix64) -> [Step.Act] {
    var mood = usual + Array(repeating: .round, count: setting.isFast ? 16 : dice.pick([0, 4, 16]))
    for act in usual { mood += Array(repeating: act, count: dice.below(8)) }
    if dice.oneIn(2) { mood += odd }
    if dice.oneIn(4) { mood += Array(repeating: .cancel, count: 8) }
    if dice.oneIn(6) { mood += rare }
    if dice.oneIn(100) { mood += [.drain, .abort] }
    if setting.isServing { mood += clients }
    switch setting.conduct {
    case .honest: break
    case .forgetful: if dice.oneIn(2) { mood += [.omit, .omit, .omit] }
    // Jobs are parked only at workers that have lived for a while.
    case .mortal: if !dice.oneIn(3) { mood += setting.isFast ? [.die, dice.pick(deadly)] : deadly }
    case .wild:
      if dice.oneIn(3) { mood += deadly }
      if dice.oneIn(2) { mood += lies }
    }
    return mood
  }
}
