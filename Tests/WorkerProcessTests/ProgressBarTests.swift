import Testing

@testable import WorkerProcess

/// What a worker draws over again and again with carriage returns.
@Suite struct ProgressBarTests {
  private func append(_ text: String, to lines: inout StderrLines) -> [String] {
    Array(text.utf8).withUnsafeBytes { lines.append($0) }.map { String(decoding: $0, as: UTF8.self) }
  }

  private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test(
    "of a line that is drawn over, the last state is shown when it ends",
    arguments: [
      "\r  0%|          |\r 50%|#####     |\r100%|##########|\n",
      "  0%|          |\r 50%|#####     |\r100%|##########|\r\n",
      "100%|##########|\r          \r\n", "100%|##########|\r\u{1B}[K\n", "100%|##########|\r\u{1B}[2K\r\n",
    ])
  func lastState(drawn: String) {
    var lines = StderrLines()
    #expect(append(drawn + "loaded\n", to: &lines) == ["100%|##########|", "loaded"])
    #expect(lines.finish() == nil)
    #expect(lines.tail == ["100%|##########|", "loaded"])
  }

  @Test("text takes the place of the bar before it")
  func replaced() {
    var lines = StderrLines()
    #expect(append("50%\r100%\rloaded in 3 s\n", to: &lines) == ["loaded in 3 s"])
    #expect(append("50%\r        \rloaded in 3 s\n", to: &lines) == ["loaded in 3 s"])
  }

  @Test("bars below each other, as tqdm nests them: no line for each step, and what stays is shown")
  func nested() {
    var lines = StderrLines()
    var drawn = "outer:   0%"
    for outer in 1...3 {
      for inner in 0...4 { drawn += "\n\rinner: \(inner * 25)%\u{1B}[A" }
      drawn += "\n\r            \r\u{1B}[A\router: \(outer * 33)%"
    }
    #expect(append(drawn, to: &lines) == ["outer:   0%"])
    #expect(append("\nready\n", to: &lines) == ["outer: 99%", "ready"])
    #expect(append("next\n", to: &lines) == ["next"], "from here on a newline ends a line again")
    #expect(lines.tail.last == "next" && lines.finish() == nil)
  }

  @Test("moving up by a number, and what only looks like it", arguments: [1, 3])
  func up(count: Int) {
    var lines = StderrLines()
    #expect(append("a\nb\u{1B}[\(count)A\r", to: &lines) == ["a"])
    #expect(append(String(repeating: "\n", count: count) + "c\n", to: &lines) == ["b", "c"])
    #expect(append("[A\nxA\n\u{1B}[99999A\n", to: &lines) == ["[A", "xA", "\u{1B}[99999A"])
  }

  @Test("lines of another system end with both characters, and blank ones stay")
  func bothCharacters() {
    var lines = StderrLines()
    #expect(append("one\r\n\r\ntwo\r\n", to: &lines) == ["one", "", "two"])
  }

  @Test("no way of cutting it up glues or loses anything")
  func everyCut() {
    let drawn = "start\n\r 1%\r 2%\r99%\r100%\r\nend\r\n"
    for cut in 0...drawn.utf8.count {
      var lines = StderrLines()
      let found =
        append(String(drawn.prefix(cut)), to: &lines) + append(String(drawn.dropFirst(cut)), to: &lines)
      #expect(found == ["start", "100%", "end"], "cut at \(cut)")
    }
  }

  @Test("a bar that goes on is shown when it is asked for, each state once, and not again when it ends")
  func inBetween() {
    var lines = StderrLines()
    #expect(!lines.holdsState)
    #expect(append("10%\r20%\r", to: &lines) == [])
    #expect(lines.holdsState)
    #expect(text(lines.takeState()) == "20%")
    #expect(!lines.holdsState && lines.takeState() == nil)
    _ = append("20%\r", to: &lines)
    #expect(!lines.holdsState, "drawn again, it says nothing new")
    _ = append("30%\r40%", to: &lines)
    #expect(text(lines.takeState()) == "30%")
    #expect(append("\r", to: &lines) == [])
    #expect(text(lines.takeState()) == "40%")
    #expect(append("\nnext\n", to: &lines) == ["next"])
    #expect(lines.tail == ["40%", "next"])
  }

  @Test("at the end of its worker the last state is shown, and is evidence before that")
  func atTheEnd() {
    var lines = StderrLines()
    _ = append("loading\n98%\r99%\r", to: &lines)
    #expect(lines.tail == ["loading", "99%"])
    #expect(text(lines.finish()) == "99%")
    #expect(lines.finish() == nil)
    #expect(lines.tail == ["loading", "99%"])
    var half = StderrLines()
    _ = append("98%\r99", to: &half)
    #expect(half.tail == ["99"])
    #expect(text(half.finish()) == "99")
    var shown = StderrLines()
    _ = append("99%\r", to: &shown)
    _ = shown.takeState()
    #expect(shown.finish() == nil, "it was shown already")
  }

  @Test("a thousand states do not push the evidence out")
  func evidenceStays() {
    var lines = StderrLines()
    _ = append("cannot reach the server, trying again\n", to: &lines)
    for number in 0..<1000 {
      _ = append("\r\(number)", to: &lines)
      _ = lines.takeState()
    }
    #expect(lines.tail == ["cannot reach the server, trying again", "999"])
  }
}
