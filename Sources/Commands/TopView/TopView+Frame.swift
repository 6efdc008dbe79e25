import Chronicle
import ControlProtocol
import Time

extension TopView {
  /// The screen, from top to bottom: exactly as many lines as the window has.
  public func frame(at now: Instant) -> [StyledLine] {
    var lines: [StyledLine]
    if case .help(let offset) = mode {
      lines = [header()]
      lines += helpLines().dropFirst(offset).prefix(bodyRows)
    } else {
      lines = summary(at: now)
      if hasTitles { lines += tableLines() }
    }
    let last = bottomLines(at: now)
    lines = Array(lines.prefix(rows - last.count))
    while lines.count + last.count < rows { lines.append(line()) }
    return lines + last
  }

  /// Lines between the first and the last ones.
  var bodyRows: Int { max(0, rows - 1 - bottomRows) }

  /// Rows of the table that can be seen at once.
  var tableRows: Int { max(0, rows - summary(at: .origin).count - bottomRows - (hasTitles ? 1 : 0)) }

  func line() -> StyledLine { StyledLine(columns: columns, hasUnicode: style.hasUnicode) }

  /// With enough room messages have a line of their own; else they share that of the keys.
  private var bottomRows: Int { rows >= 16 ? 2 : rows > 1 ? 1 : 0 }
  private var hasTitles: Bool { rows >= 6 && pool != nil }
  private var hasTabs: Bool { rows >= 12 && pool != nil }

  /// All above the table. How many lines that is does not depend on the time.
  private func summary(at now: Instant) -> [StyledLine] {
    var lines = [header()]
    if rows >= 6 { lines += alerts(at: now) }
    guard let pool else { return lines }
    if rows >= 16 { lines.append(commandLine(pool)) }
    if rows >= 8 { lines.append(workersLine(pool)) }
    if rows >= 4 { lines.append(jobsLine(pool)) }
    if rows >= 20 { lines.append(outcomesLine(pool)) }
    if rows >= 12 { lines.append(runTimeLine(pool)) }
    if rows >= 16 { lines.append(rateLine(pool)) }
    if hasTabs { lines.append(tabsLine(pool, seen: rows - lines.count - 2 - bottomRows)) }
    return lines
  }

  private func tableLines() -> [StyledLine] {
    let table = table
    let widths = table.widths(in: columns, hasUnicode: style.hasUnicode)
    let chosen = chosenRow
    let seen = table.rows.indices.dropFirst(offset).prefix(tableRows)
    return [table.titles(widths, in: line())] + seen.map { table.line($0, widths, isChosen: $0 == chosen, in: line()) }
  }

  // MARK: The last lines

  private func bottomLines(at now: Instant) -> [StyledLine] {
    guard bottomRows > 0 else { return [] }
    var words = line()
    let text = messageText(at: now)
    if let text { words.add(text.text, text.tint) }
    if bottomRows > 1 { return [words, footer()] }
    return [text == nil ? footer() : words]
  }

  private func messageText(at now: Instant) -> (text: String, tint: Tint)? {
    if case .confirming(let command) = mode {
      return ("\(command)? It takes no new jobs then, and cannot be undone. y/n", .notice)
    }
    guard let message, now < message.at + Self.messageTime else { return nil }
    return (message.text, message.tint)
  }

  private func footer() -> StyledLine {
    var line = line()
    if case .help = mode {
      line.add(parts: [Part("any key goes back", rank: 0), Part("j/k scroll", rank: 2), Part("q quit", rank: 1)])
      return line
    }
    var parts = [
      Part("q quit", rank: 0), Part("? help", rank: 1), Part("r recycle", rank: 2), Part("R all", rank: 3),
      Part("+/- scale", rank: 4), Part("d drain", rank: 5), Part("s sort", rank: 6),
      Part(pane == .slots ? "Tab clients" : "Tab slots", rank: 7),
      Part(frozen == nil ? "space pause" : "space go on", rank: 9),
    ]
    if reading.pools.count > 1 { parts.insert(Part("p pool", rank: 8), at: 8) }
    line.add(parts: parts)
    return line
  }
}
