import TestSupport
import Testing
import Time

@testable import WorkerProcess

@Suite struct StderrLinesTests {
  private func append(_ text: String, to lines: inout StderrLines) -> [String] {
    append(Array(text.utf8), to: &lines).map { String(decoding: $0, as: UTF8.self) }
  }

  private func append(_ bytes: [UInt8], to lines: inout StderrLines) -> [[UInt8]] {
    bytes.withUnsafeBytes { lines.append($0) }
  }

  @Test("lines are whole, however they come")
  func whole() {
    var lines = StderrLines()
    #expect(append("one\ntwo\nthr", to: &lines) == ["one", "two"])
    #expect(append("", to: &lines) == [])
    #expect(append("ee", to: &lines) == [])
    #expect(append("\n\nfo", to: &lines) == ["three", ""])
    #expect(lines.finish() == Array("fo".utf8))
    #expect(lines.finish() == nil)
  }

  @Test("every way of cutting a text gives the same lines")
  func everyCut() {
    let text = Array("a\n\nbcd\ne\r\nlast".utf8)
    for cut in 0...text.count {
      var lines = StderrLines()
      var found = append(Array(text[..<cut]), to: &lines) + append(Array(text[cut...]), to: &lines)
      if let rest = lines.finish() { found.append(rest) }
      #expect(found.map { String(decoding: $0, as: UTF8.self) } == ["a", "", "bcd", "e", "last"], "cut at \(cut)")
    }
  }

  @Test("a line that never ends is passed on in pieces")
  func pieces() {
    var lines = StderrLines()
    let found = append([UInt8](repeating: 120, count: 20_000), to: &lines)
    #expect(found.map(\.count) == [8192, 8192])
    #expect(lines.finish()?.count == 20_000 - 2 * 8192)
  }

  @Test("a line that just fits is one line", arguments: [8191, 8192, 16384])
  func justFits(length: Int) {
    var lines = StderrLines()
    let found = append([UInt8](repeating: 120, count: length) + [10], to: &lines)
    #expect(found.map(\.count) == (length == 16384 ? [8192, 8192] : [length]))
    #expect(lines.finish() == nil)
  }

  @Test("the tail is the last five lines, the unfinished one included")
  func tail() {
    var lines = StderrLines()
    #expect(lines.tail == [])
    _ = append("1\n2\n3\n", to: &lines)
    #expect(lines.tail == ["1", "2", "3"])
    _ = append("4\n5\n6\n", to: &lines)
    #expect(lines.tail == ["2", "3", "4", "5", "6"])
    _ = append("half", to: &lines)
    #expect(lines.tail == ["3", "4", "5", "6", "half"])
    _ = lines.finish()
    #expect(lines.tail == ["3", "4", "5", "6", "half"])
  }

  @Test("the tail stays small, whatever is written")
  func smallTail() {
    var lines = StderrLines()
    for _ in 0..<10 { _ = append(String(repeating: "x", count: 5000) + "\n", to: &lines) }
    _ = append(String(repeating: "y", count: 5000), to: &lines)
    #expect(lines.tail.count == 5)
    #expect(lines.tail.reduce(0) { $0 + $1.utf8.count } <= 2048)
  }

  @Test("bytes that are no UTF-8 are passed on as they are, and shown as what they are not")
  func notUnicode() {
    var lines = StderrLines()
    #expect(append([0xFF, 65, 0, 10], to: &lines) == [[0xFF, 65, 0]])
    #expect(lines.tail == ["\u{FFFD}A\0"])
  }
}
