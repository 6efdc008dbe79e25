import ControlProtocol

extension TopView {
  private static let keys = [
    ("j k arrows", "choose a row; PgUp PgDn Home End go further"),
    ("r", "recycle the worker of the chosen slot"),
    ("R", "recycle all workers, one after the other"),
    ("+ -", "one worker more or fewer at most; a fixed pool: exactly"),
    ("d", "drain: take no new jobs (asks first)"),
    ("s", "sort by slot, age, jobs, memory, time of the job"),
    ("Tab", "slots or clients"),
    ("p", "next pool"),
    ("space", "pause, go on"),
    ("Ctrl-L", "draw the screen anew"),
    ("q Ctrl-C", "quit; the pool goes on"),
  ]

  /// The keys, and what the states mean, each in its colour.
  func helpLines() -> [StyledLine] {
    var lines = Self.keys.map { row($0.0, .strong, $0.1) }
    lines.append(line())
    for state in SlotStatus.State.allCases { lines.append(row(state.word, state.tint, state.meaning)) }
    lines.append(row("retiring", .notice, "gets no more jobs; stops when it is free"))
    return lines
  }

  private func row(_ word: String, _ tint: Tint, _ meaning: String) -> StyledLine {
    var line = line()
    line.add(word, tint, field: 13, toRight: false)
    line.add(meaning)
    return line
  }
}
