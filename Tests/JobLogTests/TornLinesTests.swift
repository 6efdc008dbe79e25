import TestSupport
import Testing
import Time

@testable import JobLog

@Suite struct TornLinesTests {
  /// Fifty jobs: with and without keys, ugly ones, equal ones, some that did not end well.
  private let jobs: [(Job, JobLogOutcome)] = (0..<50).map { number in
    let nasty = nastyTexts[number % nastyTexts.count]
    let job =
      number % 3 == 0
      ? Job("job \(number % 20)") : Job(bytes("job ") + nasty, name: number % 3 == 1 ? nasty.suffix(40) : nil)
    return (job, number % 7 == 3 ? .crashed : .ok)
  }

  /// The ends of the lines in a joblog.
  private func lineEnds(_ file: [UInt8]) -> [Int] {
    file.indices.filter { file[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
  }

  @Test("wherever a joblog is cut, exactly its whole lines count, and once repaired it can be written on")
  func cutAnywhere() throws {
    let file = log(jobs)
    let ends = lineEnds(file)
    let last = Job("one more", name: "more")
    for cut in 0...file.count {
      let wholeLines = ends.filter { $0 <= cut }.count
      let (index, repair) = try read(Array(file.prefix(cut)))
      #expect(repair == .init(keptBytes: ends.last { $0 <= cut } ?? 0, tornBytes: cut - (ends.last { $0 <= cut } ?? 0)))
      #expect(repair.needsHeader == (wholeLines == 0))
      let whole = jobs.prefix(max(0, wholeLines - 1))
      #expect(index.damagedLines == 0)
      #expect(index.wholeLines == whole.count)
      #expect(index.remaining == whole.filter { $0.1 == .ok }.count)
      // Which jobs, not only how many: none of the whole ones is left, and none of the others was taken.
      guard cut % 13 == 0 || ends.contains(cut) || ends.contains(cut + 1) else { continue }
      #expect(jobsLeft(whole.filter { $0.1 == .ok }.map(\.0), after: index).isEmpty)
      let repaired = Array(file.prefix(repair.keptBytes)) + (repair.needsHeader ? header() : []) + last.line(51)
      let (next, nothing) = try read(repaired)
      #expect(nothing == .init(keptBytes: repaired.count, tornBytes: 0))
      #expect(next.damagedLines == 0)
      #expect(next.remaining == index.remaining + 1)
      #expect(jobsLeft([last], after: next).isEmpty)
    }
  }

  @Test("NULs that a crashed machine left at the end are cut off, also where the header should be")
  func nulsAtTheEnd() throws {
    let file = log(Array(jobs.prefix(3)))
    let ends = lineEnds(file)
    for cut in 0...file.count {
      let (index, repair) = try read(Array(file.prefix(cut)) + [UInt8](repeating: 0, count: 100))
      #expect(repair.keptBytes == ends.last { $0 <= cut } ?? 0)
      #expect(repair.keptBytes + repair.tornBytes == cut + 100)
      #expect(index.damagedLines == 0)
    }
  }

  /// Every kind of line, short enough to try all the ways in which two of them can be torn.
  private let kinds: [[UInt8]] = [
    Job(":", name: ":").line(7), Job("13\t:").line(1), Job("x", name: "1\t:").line(12, .failed),
    Job("", name: "").line(9, usage: .init(cpu: nil, rss: nil)),
    Job("-", name: "-").line(9, usage: .init(cpu: 5, rss: -7)),
  ]

  @Test("pieces of torn lines with a whole one appended are never taken for a line, but for that whole one itself")
  func gluedLines() throws {
    for first in kinds {
      for second in kinds {
        for firstCut in 0..<first.count {
          try expectNoChimera(Array(first.prefix(firstCut)), whole: second)
          for third in kinds.prefix(2) {
            for secondCut in stride(from: firstCut % 5, to: second.count, by: 5) {
              try expectNoChimera(Array(first.prefix(firstCut) + second.prefix(secondCut)), whole: third)
            }
          }
        }
      }
    }
  }

  private func expectNoChimera(_ pieces: [UInt8], whole: [UInt8]) throws {
    let expected = try JobLogLine(parsing: Array(whole.dropLast()).span.bytes)
    guard let line = try? JobLogLine(parsing: Array((pieces + whole).dropLast()).span.bytes) else { return }
    #expect(line.key == expected.key && line.outcome == expected.outcome && line.startTime == expected.startTime)
    #expect(pieces.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }, "\(text(pieces + whole))")
  }

  @Test("a torn line further up costs the two jobs in it another run, and no other; it is told by its number")
  func tornFurtherUp() throws {
    let lines = (1...5).map { Job("job \($0)", name: "name \($0)").line(UInt64($0)) }
    let input = (1...5).map { Job("job \($0)", name: "name \($0)") }
    for cut in 2..<lines[1].count {
      let (index, repair) = try read(header() + lines[0] + lines[1].prefix(cut) + lines[2] + lines[3] + lines[4])
      #expect(repair.tornBytes == 0)
      #expect(index.damagedLines == 1)
      #expect(index.damage.map(\.number) == [3])
      #expect(index.wholeLines == 3)
      #expect(jobsLeft(input, after: index) == [input[1], input[2]])
    }
  }

  @Test("a page that a crashed machine lost in the middle costs only the jobs it touched")
  func nulsInTheMiddle() throws {
    var file = log(jobs)
    let ends = lineEnds(file)
    let hole = ends[10] + 5..<ends[14] - 5
    file.replaceSubrange(hole, with: repeatElement(0, count: hole.count))
    let (index, _) = try read(file)
    #expect(index.damagedLines == 1)
    #expect(
      index.damage == [.init(number: 12, damage: .column(2))] || index.damage == [.init(number: 12, damage: .column(3))]
    )
    #expect(index.wholeLines == 46)
  }

  @Test("many damaged lines are counted, and the first are remembered")
  func manyDamagedLines() throws {
    let junk = (0..<1000).flatMap { bytes($0 % 2 == 0 ? "\n" : "junk\n") }
    let (index, repair) = try read(header() + junk + Job("j").line(1))
    #expect(repair.tornBytes == 0)
    #expect(index.damagedLines == 1000)
    #expect(index.damage.map(\.number) == Array(2...9))
    #expect(index.remaining == 1)
  }

  @Test("a line without end is not kept in memory, and costs only itself")
  func endlessLine() throws {
    var index = ResumeIndex()
    let start = header()
    let junk = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)
    try index.feed(start.span.bytes)
    for _ in 0..<100 { try index.feed(junk.span.bytes) }
    let rest = bytes("\n") + Job("j").line(1)
    try index.feed(rest.span.bytes)
    #expect(try index.finish().tornBytes == 0)
    #expect(index.damage == [.init(number: 2, damage: .tooLong)])
    #expect(index.remaining == 1)
  }
}
