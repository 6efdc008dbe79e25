import TestSupport
import Testing
import Time

@testable import JobLog

@Suite struct ResumeIndexTests {
  private let input = (1...10).map { Job("job \($0)") }

  @Test("without a joblog every job is to be run, and a header is to be written")
  func nothingYet() throws {
    let (index, repair) = try read([])
    #expect(repair == .init(keptBytes: 0, tornBytes: 0))
    #expect(repair.needsHeader)
    #expect(jobsLeft(input, after: index) == input)
    #expect(jobsLeft(input, after: ResumeIndex()) == input)
  }

  @Test("what was ok is skipped; what ended otherwise is run again")
  func onlyOKIsSkipped() throws {
    let outcomes = JobLogOutcome.allCases
    let (index, repair) = try read(log(Array(zip(input, outcomes))))
    #expect(!repair.needsHeader)
    #expect(index.wholeLines == outcomes.count)
    #expect(index.remaining == 1)
    #expect(index.highestSequence == 7)
    #expect(jobsLeft(input, after: index) == Array(input.dropFirst()))
  }

  @Test(
    "lesson 27: jobs put before, taken out and moved about: the new one runs, and no other is run or skipped by mistake"
  )
  func byContentNotByPlace() throws {
    let done = input.prefix(6).map { ($0, JobLogOutcome.ok) }
    let (index, _) = try read(log(done))
    let changed = [Job("new")] + input.filter { $0 != input[2] }.reversed()
    #expect(jobsLeft(changed, after: index) == [Job("new")] + input.suffix(4).reversed())
  }

  @Test("of equal jobs as many are skipped as were ok")
  func equalJobs() throws {
    let same = Job("same"), other = Job("same", name: "with a key")
    var (index, _) = try read(log([(same, .ok), (other, .ok), (same, .failed), (same, .ok), (same, .ok)]))
    let sameTaken = (0..<5).map { _ in index.take(same.key) }
    #expect(sameTaken == [true, true, true, false, false])
    #expect(index.remaining == 1)
    let otherTaken = (0..<2).map { _ in index.take(other.key) }
    #expect(otherTaken == [true, false])
    #expect(index.remaining == 0)
  }

  @Test("a key is the job, whatever the job's bytes have become")
  func keyOverBytes() throws {
    let (index, _) = try read(log([(Job("old text", name: "k"), .ok)]))
    #expect(jobsLeft([Job("new text", name: "k"), Job("old text")], after: index) == [Job("old text")])
  }

  @Test("a job that failed and later was ok is done")
  func failedThenOK() throws {
    let (index, _) = try read(log([(input[0], .failed), (input[0], .timeout), (input[0], .ok)]))
    #expect(jobsLeft(input, after: index) == Array(input.dropFirst()))
  }

  @Test("keys and jobs of any bytes, and of a megabyte, are found again")
  func nastyKeys() throws {
    let million = [UInt8](repeating: 9, count: 1 << 20)
    let texts = nastyTexts + [million, Array(million.dropLast())]
    let jobs =
      texts.map { Job($0) } + texts.map { Job("j", name: text($0)) } + texts.map { Job(bytes("j"), name: $0 + [0xFF]) }
    let (index, _) = try read(log(jobs.map { ($0, .ok) }))
    #expect(index.damagedLines == 0)
    #expect(index.remaining == jobs.count)
    #expect(jobsLeft(jobs, after: index).isEmpty)
  }

  @Test("it makes no difference where one block ends and the next begins")
  func blocks() throws {
    let jobs = nastyTexts.filter { $0.count < 40 }.enumerated().map {
      (Job($1, name: $0 % 2 == 0 ? $1 : nil), JobLogOutcome.ok)
    }
    let file = log(jobs) + bytes("junk\n") + Job("last").line(99) + bytes("torn")
    let (whole, repair) = try read(file)
    #expect(whole.damagedLines == 1)
    for first in 0...file.count {
      let sizes = first == 0 ? [1] : [first, file.count]
      let (index, sameRepair) = try read(file, inBlocksOf: sizes)
      #expect(sameRepair == repair)
      #expect(index.damage == whole.damage)
      #expect(index.wholeLines == whole.wholeLines && index.highestSequence == 99)
      #expect(jobsLeft(jobs.map(\.0) + [Job("last"), Job("torn")], after: index) == [Job("torn")])
    }
  }

  @Test("a joblog of GNU parallel is refused by name, and what is no joblog is refused: neither is cut or written on")
  func foreignFiles() {
    let parallels = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"
    let row = "\n1\t:\t1795270319.025\t     0.008\t0\t0\t0\t0\tsleep 0.01; true\n"
    for (file, error) in [
      (parallels + row, .gnuParallels), (parallels + "\n", .gnuParallels),
      ("hello", .notAJobLog), ("hello\n", .notAJobLog), ("\n", .notAJobLog), ("Seq\n", .notAJobLog),
      ("Seq\tX", .notAJobLog),
      (text(header().dropLast()) + "\r\n", .notAJobLog), (text(header().dropLast()) + "s\n", .notAJobLog),
      (text(Job("j").line(1)), .notAJobLog), ("\u{FEFF}" + text(header()), .notAJobLog), ("\0\0\n", .notAJobLog),
      ("\0Seq", .notAJobLog), ("x".padding(1 << 20), .notAJobLog),
    ] as [(String, JobLogError)] {
      for size in [1 << 16, 1, 7] {
        #expect(throws: error, "\(file.prefix(99))") { try read(bytes(file), inBlocksOf: [size]) }
      }
    }
  }

  @Test("what is no joblog and has no end either is refused before all of it is read")
  func endlessForeignFile() {
    var index = ResumeIndex()
    let junk = [UInt8](repeating: 0, count: JobLogLine.longestLine)
    #expect(throws: JobLogError.notAJobLog) { try index.feed(junk.span.bytes) }
  }

  @Test("jobs settle in any order: the highest place is not the last line's")
  func highestPlace() throws {
    let (index, _) = try read(header() + input[0].line(3) + input[1].line(17, .failed) + input[2].line(5))
    #expect(index.highestSequence == 17)
  }

  @Test("a joblog of a later version, with more columns, is understood; so are two joblogs in one file")
  func laterVersionAndJoined() throws {
    let later = bytes(
      text(header().dropLast()) + "\tCpu\tRss\tEnergy\n" + text(input[0].line(1).dropLast()) + "\t1.000\t5\t7 J\n")
    let (index, _) = try read(later + log([(input[1], .ok)]))
    #expect(index.damagedLines == 0)
    #expect(jobsLeft(input, after: index) == Array(input.dropFirst(2)))
  }

  @Test("keys are told apart by all of their 128 bits")
  func allBitsCount() {
    let zeros = "hash:" + "0".padding(32)
    let key = JobKey(column: bytes(zeros).span.bytes)!
    var counts = KeyCounts()
    counts.add(key)
    for place in 5..<37 {
      var other = bytes(zeros)
      other[place] = UInt8(ascii: "8")
      let wasThere = counts.subtract(JobKey(column: other.span.bytes)!)
      #expect(!wasThere)
    }
    let wasThere = counts.subtract(key)
    #expect(wasThere)
  }

  @Test("a hundred thousand keys are told apart while the table grows, and counted as a dictionary would")
  func manyKeys() {
    var random = SplitMix64(state: 74)
    var counts = KeyCounts()
    var expected: [Int: Int] = [:]
    let keys = (0..<20_000).map { keyOfJob(bytes("\($0)")) }
    for _ in 0..<100_000 {
      let number = Int.random(in: 0..<keys.count, using: &random)
      if Int.random(in: 0..<4, using: &random) > 0 {
        counts.add(keys[number])
        expected[number, default: 0] += 1
      } else {
        let wasThere = counts.subtract(keys[number])
        #expect(wasThere == (expected[number, default: 0] > 0))
        expected[number] = max(0, expected[number, default: 0] - 1)
      }
    }
    for number in keys.indices {
      var count = 0
      while counts.subtract(keys[number]) { count += 1 }
      #expect(count == expected[number, default: 0])
    }
  }
}
