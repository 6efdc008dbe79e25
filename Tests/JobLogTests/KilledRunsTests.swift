import TestSupport
import Testing
import Time

@testable import JobLog

/// A run, its disk, and somebody who kills it: the disk keeps whatever bytes had been written, and no more.
private struct Story {
  var random: SplitMix64
  var disk: [UInt8] = []
  /// How often each job was done, in truth: what the workers could tell.
  var timesDone: [Job: Int] = [:]

  /// Runs what the joblog does not show as done, and is killed when `room` more bytes are on the disk. True if it was
  /// not killed.
  mutating func run(_ input: [Job], room: Int) throws -> Bool {
    var (index, repair) = try read(disk, inBlocksOf: [Int.random(in: 1...300, using: &random)])
    #expect(index.damagedLines == 0)
    disk.removeSubrange(repair.keptBytes...)
    var room = room
    guard !repair.needsHeader || write(header(), &room) else { return false }
    var inFlight: [(UInt64, Job)] = []
    var waiting = zip(UInt64(1)..., input).filter { !index.take($1.key) }[...]
    while !(waiting.isEmpty && inFlight.isEmpty) {
      while inFlight.count < 4, let next = waiting.popFirst() { inFlight.append(next) }
      let (sequence, job) = inFlight.remove(at: Int.random(in: inFlight.indices, using: &random))
      let isOK = Int.random(in: 0..<10, using: &random) > 0
      if isOK { timesDone[job, default: 0] += 1 }
      guard
        write(job.line(sequence, isOK ? .ok : JobLogOutcome.allCases.dropFirst().randomElement(using: &random)!), &room)
      else { return false }
    }
    return true
  }

  private mutating func write(_ bytes: [UInt8], _ room: inout Int) -> Bool {
    disk += bytes.prefix(room)
    defer { room -= bytes.count }
    return room >= bytes.count
  }
}

@Suite struct KilledRunsTests {
  @Test("a run that is killed at any byte and resumed, again and again, ends with each job ok once", arguments: 1...40)
  func killedAgainAndAgain(seed: UInt64) throws {
    var story = Story(random: SplitMix64(state: seed))
    var input = (0..<60).map { number in
      let nasty = nastyTexts[(number + Int(seed)) % nastyTexts.count]
      // Every fifth job is one of three, so that some are equal.
      return number % 5 == 0
        ? Job("equal \(number % 3)")
        : Job(bytes("\(number) ") + nasty, name: number % 2 == 0 ? bytes("\(number)") + nasty : nil)
    }
    var kills = 0
    while true {
      let room = Int.random(in: 0...2500, using: &story.random)
      let survived = try story.run(input, room: room)
      if !survived { kills += 1 }
      if survived, try jobsLeft(input, after: read(story.disk).index).isEmpty { break }
      // A crash of the machine may also leave NULs where the last write was to stand.
      if Bool.random(using: &story.random), !survived {
        story.disk += repeatElement(0, count: Int.random(in: 0...50, using: &story.random))
      }
      // And people edit their input between two runs.
      input.shuffle(using: &story.random)
      if kills % 4 == 1, input.count < 80 { input.insert(Job("added \(input.count)"), at: 0) }
      try #require(kills < 1000, "no end of it")
    }
    #expect(kills > 0)

    let (index, repair) = try read(story.disk)
    #expect(repair.tornBytes == 0 && index.damagedLines == 0)
    #expect(index.remaining == input.count, "each job is ok once in the joblog")
    let wanted = input.reduce(into: [Job: Int]()) { $0[$1, default: 0] += 1 }
    // What was in flight at a kill may have run twice, but nothing else, and nothing less than once.
    let extra = wanted.reduce(0) { $0 + story.timesDone[$1.key, default: 0] - $1.value }
    #expect(wanted.allSatisfy { story.timesDone[$0.key, default: 0] >= $0.value })
    #expect(extra <= kills)
  }
}
