import ControlProtocol
import Text
import Time

extension TopView {
  /// Does what a key stands for; what it cannot do itself it asks its owner for.
  public mutating func press(_ key: Key, at now: Instant) -> TopRequest? {
    switch (mode, key) {
    case (_, .control("c")): return .quit
    case (_, .control("l")): return .redraw
    case (.confirming(let command), _):
      mode = .table
      guard key == .character("y") || key == .character("Y") else {
        say("\(command): not done", .plain, at: now)
        return nil
      }
      return send(command, at: now)
    case (.help(let offset), _):
      return pressInHelp(key, offset: offset)
    case (.table, _):
      forgetMessage()
      return pressInTable(key, at: now)
    }
  }

  private mutating func pressInHelp(_ key: Key, offset: Int) -> TopRequest? {
    switch key {
    case .character("q"): return .quit
    case .down, .character("j"): mode = .help(offset: offset + 1)
    case .up, .character("k"): mode = .help(offset: offset - 1)
    case .pageDown: mode = .help(offset: offset + bodyRows)
    case .pageUp: mode = .help(offset: offset - bodyRows)
    case .home: mode = .help(offset: 0)
    case .end: mode = .help(offset: .max)
    case .character, .tab, .enter, .escape, .control: mode = .table
    }
    if case .help(let wanted) = mode {
      let last = max(0, helpLines().count - bodyRows)
      mode = .help(offset: max(0, min(wanted, last)))
    }
    return nil
  }

  private mutating func pressInTable(_ key: Key, at now: Instant) -> TopRequest? {
    switch key {
    case .up, .character("k"): move(by: -1)
    case .down, .character("j"): move(by: 1)
    case .pageUp: move(by: -max(1, tableRows))
    case .pageDown: move(by: max(1, tableRows))
    case .home: choose(row: 0)
    case .end: choose(row: rowCount - 1)
    case .tab:
      pane = pane == .slots ? .clients : .slots
      offset = 0
      keepChoice()
    case .character(let letter): return press(letter: letter, at: now)
    case .enter, .escape, .control: break
    }
    return nil
  }

  private mutating func press(letter: Unicode.Scalar, at now: Instant) -> TopRequest? {
    switch letter {
    case "q": return .quit
    case "?", "h": mode = .help(offset: 0)
    case " ": pause(at: now)
    case "s": sortOtherwise(at: now)
    case "p": showNextPool(at: now)
    case "r": return recycle(at: now)
    case "R":
      guard let pool = pool else { return refuse("there is no pool to recycle", at: now) }
      return send(.recycleAll(pool: pool.name), at: now)
    case "+", "=": return scale(by: 1, at: now)
    case "-", "_": return scale(by: -1, at: now)
    case "d":
      guard let pool = pool else { return refuse("there is no pool to drain", at: now) }
      guard pool.phase != .draining, pool.phase != .stopping else {
        return refuse("\(pool.name) is \(pool.phase.rawValue) already", at: now)
      }
      mode = .confirming(.drain(pool: pool.name))
    default: break
    }
    return nil
  }

  private mutating func move(by count: Int) {
    choose(row: (chosenRow ?? 0) + count)
  }

  private mutating func pause(at now: Instant) {
    frozen = frozen == nil ? latest : nil
    keepChoice()
    if frozen != nil { say("paused; space goes on", .plain, at: now) }
  }

  private mutating func sortOtherwise(at now: Instant) {
    guard pane == .slots else {
      _ = refuse("clients stand in the order of the jobs that they have here", at: now)
      return
    }
    let all = Sort.allCases
    sort = all[(all.firstIndex(of: sort)! + 1) % all.count]
    // After sorting, the top is of interest. From then on the chosen slot stays the same, wherever it goes.
    choose(row: 0)
    say("sorted by \(sort.rawValue)", .plain, at: now)
  }

  private mutating func showNextPool(at now: Instant) {
    let names = reading.pools.map(\.name)
    guard names.count > 1, let place = names.firstIndex(of: pool?.name ?? "") else {
      _ = refuse("there is no other pool", at: now)
      return
    }
    poolName = names[(place + 1) % names.count]
    chosenSlot = nil
    chosenConnection = nil
    offset = 0
    keepChoice()
  }

  private mutating func recycle(at now: Instant) -> TopRequest? {
    guard pane == .slots, let pool = pool, let row = chosenRow else {
      return refuse("choose a slot to recycle (Tab shows the slots)", at: now)
    }
    return send(.recycle(pool: pool.name, slot: sortedSlots[row].slot), at: now)
  }

  /// One worker more or fewer: both bounds of a pool of fixed size, else the upper one.
  private mutating func scale(by step: Int, at now: Instant) -> TopRequest? {
    guard let pool = pool else { return refuse("there is no pool to scale", at: now) }
    let minimum = wantedBounds[pool.name]?.lowerBound ?? pool.minimum
    let maximum = wantedBounds[pool.name]?.upperBound ?? pool.maximum
    let isFixed = minimum == maximum
    // Bounds come from outside.
    guard (1...1_000_000).contains(maximum), minimum <= maximum else {
      return refuse("\(pool.name) has bounds that cannot be right", at: now)
    }
    guard maximum + step >= 1 else { return refuse("a pool has at least 1 worker", at: now) }
    // A variable pool stays one: with both bounds alike, the next key would move both.
    guard isFixed || maximum + step > minimum else {
      return refuse("\(pool.name) keeps \(plural(minimum, "worker")) at least: prefork scale changes that", at: now)
    }
    let command = TopCommand.scale(
      pool: pool.name, minimum: isFixed ? minimum + step : minimum, maximum: maximum + step)
    let request = send(command, at: now)
    if request != nil { wantedBounds[pool.name] = (isFixed ? minimum + step : minimum)...(maximum + step) }
    return request
  }

  private mutating func send(_ command: TopCommand, at now: Instant) -> TopRequest? {
    guard link == .connected else { return refuse("\(command): not done, there is no connection", at: now) }
    say("\(command): asked for", .plain, at: now)
    return .send(command)
  }

  private mutating func refuse(_ text: String, at now: Instant) -> TopRequest? {
    say(text, .notice, at: now)
    return nil
  }
}
