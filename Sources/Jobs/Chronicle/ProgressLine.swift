import Text
import Time

/// One line about a run, narrower than a window of `columns` by one cell at least: in the last column terminals differ
/// in where the cursor is. With less room the less important parts go: first the bar, last the percentage or the
/// counter.
func progressLine(
  _ progress: Progress, _ meter: ProgressMeter, at now: Instant, columns: Int, style: TerminalStyle
) -> String {
  let room = max(0, columns - 1)
  let gap = columns < 60 ? 1 : 2
  var line = Line(room: room, gap: gap)
  if let done = progress.done, columns >= 60 {
    // Its width goes by the window alone: a bar that grows and shrinks with its neighbours would dance.
    line.lead(with: bar(done, cells: min(40, columns / 4), style))
  }
  // Most important first; `place` is where it stands.
  line.add(head(progress), place: 0)
  let time = timePart(progress, meter, at: now)
  line.add(time.part, place: 2)
  if progress.notOK > 0 {
    line.add(Part("\(progress.notOK) not ok", short: "\(progress.notOK) bad", .red), place: 3)
  }
  if let phase = phasePart(progress) { line.add(phase, place: 4) }
  if time.isMoving, let rate = meter.rate { line.add(Part(rateText(perSecond: rate)), place: 1) }
  line.add(Part("\(progress.busy)/\(progress.slots) busy", short: "\(progress.busy)/\(progress.slots)"), place: 5)
  // Two numbers without a word would be a riddle: this one comes only when the others have all of theirs.
  if progress.done != nil { line.add(Part(counter(progress).long), place: 6, leaving: line.missing) }
  return line.text(style)
}

/// The percentage, or how many jobs when there is no telling of how many.
private func head(_ progress: Progress) -> Part {
  guard let done = progress.done else { return counter(progress) }
  // 100 % is what has no rest.
  let percent = progress.input == .over && progress.open == 0 ? 100 : min(99, Int(done * 100))
  let short = "\(percent)%"
  return Part(String(repeating: " ", count: 4 - short.utf8.count) + short, short: short)
}

private func counter(_ progress: Progress) -> Part {
  if progress.input == .over {
    let total = progress.settled + progress.open
    return Part("\(progress.settled)/\(plural(total, "job"))", short: "\(progress.settled)/\(total)")
  }
  return Part(plural(progress.settled, "job"), short: "\(progress.settled)")
}

/// Time to go, or what keeps it from being known; else how long it has been going on. `isMoving`: a rate makes sense.
private func timePart(
  _ progress: Progress, _ meter: ProgressMeter, at now: Instant
) -> (part: Part, isMoving: Bool) {
  let patience: Nanoseconds = .seconds(2)
  if progress.open == 0, progress.input == .endless, meter.quiet(at: now) >= patience {
    return (Part("waiting for input", short: "no input"), false)
  }
  if let stall = meter.stall(at: now) {
    return (Part("stalled \(clockText(stall))", short: "stalled \(clockText(stall, tight: true))", .yellow), false)
  }
  if let rest = meter.timeToGo(at: now), progress.phase != .draining {
    return (Part("ETA \(clockText(rest))", short: "ETA \(clockText(rest, tight: true))"), true)
  }
  return (Part(clockText(now.sinceOrigin), short: clockText(now.sinceOrigin, tight: true)), true)
}

private func phasePart(_ progress: Progress) -> Part? {
  switch progress.phase {
  case .draining: Part("finishing", short: "finishing", .yellow)
  case .connecting: Part("no connection", short: "away", .yellow)
  case .breakerOpen: Part("workers fail to start", short: "no workers", .yellow)
  case .running: progress.serving == 0 && progress.settled == 0 ? Part("workers start", short: "starting") : nil
  }
}

private func bar(_ done: Double, cells: Int, _ style: TerminalStyle) -> Part {
  let inner = cells - 2
  guard style.hasUnicode else {
    let full = Int(done * Double(inner))
    return Part("[" + String(repeating: "#", count: full) + String(repeating: "-", count: inner - full) + "]")
  }
  let eighths = Int(done * Double(inner * 8))
  let parts = ["", "\u{258F}", "\u{258E}", "\u{258D}", "\u{258C}", "\u{258B}", "\u{258A}", "\u{2589}"]
  let filled = String(repeating: "\u{2588}", count: eighths / 8) + parts[eighths % 8]
  let blank = String(repeating: " ", count: inner - filled.unicodeScalars.count)
  return Part("\u{2595}" + filled + blank + "\u{258F}", .green)
}

/// One part of the line, in a longer and a shorter form. Every scalar is one cell wide: ASCII and block characters.
private struct Part {
  enum Color: Int {
    case red = 31
    case green = 32
    case yellow = 33
  }

  let long: String
  let short: String
  let color: Color?

  init(_ long: String, short: String? = nil, _ color: Color? = nil) {
    self.long = long
    self.short = short ?? long
    self.color = color
  }
}

/// Takes parts as long as there is room; then makes them longer as long as there is room.
private struct Line {
  private let gap: Int
  private var room: Int
  /// What the longer forms would take.
  private(set) var missing = 0
  private var bar: Part?
  private var chosen: [(part: Part, place: Int, isLong: Bool)] = []

  init(room: Int, gap: Int) {
    self.room = room
    self.gap = gap
  }

  mutating func lead(with part: Part) {
    bar = part
    room -= part.long.unicodeScalars.count + gap
  }

  mutating func add(_ part: Part, place: Int, leaving rest: Int = 0) {
    let cells = part.short.unicodeScalars.count + (chosen.isEmpty ? 0 : gap)
    guard cells <= room - rest else { return }
    room -= cells
    missing += part.long.unicodeScalars.count - part.short.unicodeScalars.count
    chosen.append((part, place, false))
  }

  func text(_ style: TerminalStyle) -> String {
    var line = self
    for index in line.chosen.indices {
      let part = line.chosen[index].part
      let more = part.long.unicodeScalars.count - part.short.unicodeScalars.count
      guard more <= line.room else { continue }
      line.room -= more
      line.chosen[index].isLong = true
    }
    var words = line.chosen.sorted { $0.place < $1.place }.map {
      ($0.isLong ? $0.part.long : $0.part.short, $0.part.color)
    }
    if let bar { words.insert((bar.long, bar.color), at: 0) }
    return words.map { text, color in
      guard style.hasColor, let color else { return text }
      return "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m"
    }.joined(separator: String(repeating: " ", count: gap))
  }
}
