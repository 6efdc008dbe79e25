import ControlProtocol
import TestSupport
import Testing
import Time
import TopView

/// Tables that are longer than the window.
@Suite struct ManySlotsTests {
  /// 1000 idle slots, whose ages and memory run against their numbers.
  static func bigPool() -> PoolStatus {
    var pool = PoolStatus(name: "big", phase: .serving)
    pool.slots = (0..<1000).map { number in
      workingSlot(number, .idle, pid: Int32(5000 + number), age: UInt64(2000 - number), jobs: number * 37 % 1000)
    }
    return pool
  }

  static func bigView() -> TopView {
    var view = sampleView()
    view.take([bigPool()], at: 0)
    return view
  }

  /// The numbers of the slots on the screen, and the chosen one.
  static func slots(_ view: TopView) -> (seen: [Int], chosen: Int?) {
    var seen: [Int] = []
    var chosen: Int?
    for line in screen(view).split(separator: "\n") where line.contains(" idle ") && !line.contains("serving") {
      let words = line.split(separator: " ")
      let isChosen = words[0] == ">"
      seen.append(Int(words[isChosen ? 1 : 0])!)
      if isChosen { chosen = seen.last }
    }
    return (seen, chosen)
  }

  @Test("keys walk through a thousand slots, and the chosen one is always seen")
  func walking() {
    var view = Self.bigView()
    #expect(Self.slots(view).seen == Array(0..<13))
    #expect(screen(view).contains("1-13 of 1000"))
    for _ in 0..<13 { _ = view.press(.down, at: 0) }
    #expect(Self.slots(view).seen == Array(1..<14))
    #expect(Self.slots(view).chosen == 13)
    _ = view.press(.pageDown, at: 0)
    #expect(Self.slots(view).chosen == 26)
    _ = view.press(.end, at: 0)
    #expect(Self.slots(view).seen == Array(987..<1000))
    #expect(Self.slots(view).chosen == 999)
    #expect(screen(view).contains("988-1000 of 1000"))
    view.type("j")
    #expect(Self.slots(view).chosen == 999)
    _ = view.press(.pageUp, at: 0)
    view.type("k")
    #expect(Self.slots(view).chosen == 985)
    _ = view.press(.home, at: 0)
    _ = view.press(.up, at: 0)
    #expect(Self.slots(view).chosen == 0)
  }

  @Test("the chosen slot stays chosen, and in sight, when the order or the window changes")
  func sortingAndResizing() {
    var view = Self.bigView()
    view.type("jjj")
    view.type("ss")
    #expect(screen(view).contains("by jobs"))
    #expect(Self.slots(view).seen.prefix(3) == [27, 54, 81])
    #expect(Self.slots(view).chosen == 27)
    var pool = Self.bigPool()
    pool.slots[27].worker?.jobs = 500
    view.take([pool], at: .origin + second)
    #expect(Self.slots(view).chosen == 27)
    #expect(Self.slots(view).seen.contains(27))
    pool.slots[27].worker?.jobs = 999
    view.take([pool], at: .origin + 2 * second)
    view.type("s")
    #expect(Self.slots(view).seen.first == 999, "by memory")
    _ = view.press(.end, at: 0)
    view.resize(columns: 80, rows: 12)
    #expect(Self.slots(view).chosen == 0)
    view.resize(columns: 200, rows: 60)
    #expect(Self.slots(view).seen.count == 49)
    #expect(Self.slots(view).chosen == 0)
  }

  @Test("when slots go away, the nearest is chosen")
  func shrinking() {
    var view = Self.bigView()
    _ = view.press(.end, at: 0)
    var pool = PoolStatus(name: "big", phase: .serving)
    pool.slots = (0..<5).map { workingSlot($0, .idle, pid: 1, age: 1, jobs: 1) }
    view.take([pool], at: .origin + second)
    #expect(Self.slots(view).seen == [0, 1, 2, 3, 4])
    #expect(Self.slots(view).chosen == 4)
  }
}
