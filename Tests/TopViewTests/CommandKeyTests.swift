import ControlProtocol
import TestSupport
import Testing
import Time
import TopView

/// What keys ask the server for, and what is told of it.
@Suite struct CommandKeyTests {
  /// A view of pools that are connected.
  private func view(_ pools: PoolStatus...) -> TopView {
    var view = sampleView()
    view.take(pools, at: 0)
    return view
  }

  private func message(_ view: TopView, at now: Instant = 0) -> String { view.frame(at: now)[22].text }

  @Test("r recycles the chosen slot, R all of them; the answer is told")
  func recycling() {
    var view = view(samplePool())
    let command = TopCommand.recycle(pool: "default", slot: 2)
    #expect(view.type("jjr") == .send(command))
    #expect(message(view) == "recycle slot 2 of default: asked for")
    view.answered(command, refusal: nil, at: .origin + second)
    #expect(message(view, at: .origin + second) == "recycle slot 2 of default: accepted")
    view.answered(command, refusal: "uid 12 may not control this pool", at: .origin + 2 * second)
    #expect(
      message(view, at: .origin + 2 * second) == "recycle slot 2 of default: refused: uid 12 may not control this pool")
    #expect(message(view, at: .origin + 12 * second) == "")
    #expect(view.type("R") == .send(.recycleAll(pool: "default")))
  }

  @Test("+ and - move the upper bound of a variable pool, and both of a fixed one")
  func scaling() {
    var variable = view(samplePool())
    #expect(variable.type("+") == .send(.scale(pool: "default", minimum: 2, maximum: 5)))
    #expect(
      variable.type("+") == .send(.scale(pool: "default", minimum: 2, maximum: 6)), "before the first is answered")
    variable.answered(.scale(pool: "default", minimum: 2, maximum: 6), refusal: "too many", at: 0)
    #expect(variable.type("--") == nil, "2..3 is asked for, and then it would no more be variable")
    #expect(message(variable).contains("at least"))

    var pool = samplePool()
    pool.minimum = 1
    pool.maximum = 1
    var fixed = view(pool)
    #expect(fixed.type("-") == nil)
    #expect(message(fixed) == "a pool has at least 1 worker")
    #expect(fixed.type("+") == .send(.scale(pool: "default", minimum: 2, maximum: 2)))
    pool.minimum = 2
    pool.maximum = 2
    fixed.take([pool], at: .origin + second)
    #expect(fixed.type("-") == .send(.scale(pool: "default", minimum: 1, maximum: 1)))
  }

  @Test("bounds that cannot be right are left alone", arguments: [(Int.max, Int.max), (5, 3), (-1, Int.min), (0, 0)])
  func absurdBounds(minimum: Int, maximum: Int) {
    var pool = samplePool()
    pool.minimum = minimum
    pool.maximum = maximum
    var view = view(pool)
    #expect(view.type("+") == nil)
    #expect(view.type("-") == nil)
  }

  @Test("d drains after a y, and after nothing else")
  func draining() {
    var view = view(samplePool())
    #expect(view.type("d") == nil)
    #expect(message(view) == "drain default? It takes no new jobs then, and cannot be undone. y/n")
    #expect(view.type("n") == nil)
    #expect(message(view) == "drain default: not done")
    #expect(view.type("y") == nil)
    #expect(view.type("dy") == .send(.drain(pool: "default")))
    var pool = samplePool()
    pool.phase = .draining
    view.take([pool], at: .origin + second)
    #expect(view.type("d") == nil)
    #expect(message(view) == "default is draining already")
  }

  @Test("p shows the next pool, and commands go to the one that is shown")
  func severalPools() {
    var view = view(samplePool("a"), samplePool("b"), samplePool("c"))
    #expect(view.type("pR") == .send(.recycleAll(pool: "b")))
    #expect(view.frame(at: 0)[0].text.hasPrefix("b  serving  up 3h 12m  pool 2 of 3"))
    #expect(view.type("ppR") == .send(.recycleAll(pool: "a")))
    var named = sampleView(pool: "c")
    named.take([samplePool("a"), samplePool("c")], at: 0)
    #expect(named.type("R") == .send(.recycleAll(pool: "c")))
    var wrong = sampleView(pool: "x")
    wrong.take([samplePool("a")], at: 0)
    #expect(message(wrong) == "there is no pool x")
    #expect(wrong.type("p") == nil)
    #expect(message(wrong) == "there is no other pool")
  }

  @Test("space holds the picture, and lets it go on where the pool is then")
  func pausing() {
    var view = view(samplePool())
    view.type(" ")
    #expect(view.frame(at: 0)[0].text.contains("PAUSED"))
    var pool = samplePool()
    pool.jobs.ok = 7_000
    view.take([pool], at: .origin + second)
    #expect(screen(view).contains("1283 ok"))
    view.type(" ")
    #expect(screen(view).contains("7000 ok"))
  }

  @Test("without a connection nothing is asked for, and the screen says so")
  func disconnected() {
    var view = view(samplePool())
    view.lost("it was closed", at: .origin + second)
    #expect(view.type("r", at: .origin + second) == nil)
    #expect(message(view, at: .origin + second) == "recycle slot 0 of default: not done, there is no connection")
  }

  @Test("q and Ctrl-C quit from anywhere, Ctrl-L draws anew")
  func leaving() {
    for before in ["", "?", "d"] {
      var view = view(samplePool())
      view.type(before)
      #expect(view.press(.control("c"), at: 0) == .quit)
      #expect(view.press(.control("l"), at: 0) == .redraw)
    }
    var view = view(samplePool())
    #expect(view.type("q") == .quit)
  }

  @Test("help tells all keys and states, scrolls where it must, and any other key goes back")
  func help() {
    var view = view(samplePool())
    view.type("?")
    for word in ["Ctrl-L", "recycle", "drain", "backing off", "retiring"] {
      #expect(screen(view).contains(word), "\(word)")
    }
    view.resize(columns: 40, rows: 8)
    #expect(!screen(view).contains("retiring"))
    _ = view.press(.end, at: 0)
    #expect(screen(view).contains("retiring"))
    _ = view.press(.home, at: 0)
    #expect(screen(view).contains("arrows"))
    view.type("x")
    #expect(screen(view).contains("SLOT"))
  }
}
