import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Where a worker's long lines are cut.
@Suite struct StderrLineLengthTests {
  private func lengths(_ bytes: [UInt8], piece: Int) -> [Int] {
    var lines = StderrLines()
    var found: [Int] = []
    for start in stride(from: 0, to: bytes.count, by: piece) {
      bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { found += lines.append($0).map(\.count) }
    }
    return found + (lines.finish().map { [$0.count] } ?? [])
  }

  private func line(_ count: Int) -> [UInt8] { [UInt8](repeating: 120, count: count) + [10] }

  @Test(arguments: [1, 7, 4096, 8192, 100_000])
  func aLineIsCutOnlyIfItIsTooLong(piece: Int) {
    #expect(lengths(line(8191), piece: piece) == [8191])
    #expect(lengths(line(8192), piece: piece) == [8192])
    #expect(lengths(line(8193), piece: piece) == [8192, 1])
    #expect(lengths(line(16384) + line(0) + line(3), piece: piece) == [8192, 8192, 0, 3])
  }

  @Test func theTailIsAtMostTwoKiBInWhateverEncoding() {
    var lines = StderrLines()
    for _ in 0..<9 { [UInt8](repeating: 0xFF, count: 5000).withUnsafeBytes { _ = lines.append($0) } }
    #expect(lines.tail.map(\.utf8.count).reduce(0, +) <= 2048)
  }
}
