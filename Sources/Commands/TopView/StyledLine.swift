/// How a piece of text stands out. Whatever a tint expresses is in the text, too.
public enum Tint: Sendable, CaseIterable {
  /// As any text.
  case plain
  /// Headings.
  case strong
  /// What matters less.
  case faint
  /// As it should be.
  case good
  /// At work.
  case busy
  /// In between.
  case notice
  /// Wrong.
  case bad
  /// The row that keys act on.
  case chosen
}

/// One line of a screen: never wider than the window, and nothing in it moves the cursor by other than its width.
public struct StyledLine: Equatable, Sendable {
  /// A piece with one tint.
  public struct Run: Equatable, Sendable {
    /// Printable characters alone.
    public var text: String
    /// How it stands out.
    public var tint: Tint
    /// Its width.
    public var cells: Int
  }

  /// The pieces from left to right.
  public private(set) var runs: [Run] = []
  /// The width of all of them.
  public private(set) var cells = 0
  private let columns: Int
  private let hasUnicode: Bool

  /// An empty line of a window with `columns` columns.
  init(columns: Int, hasUnicode: Bool) {
    self.columns = columns
    self.hasUnicode = hasUnicode
  }

  /// Its text without tints.
  public var text: String { runs.map(\.text).joined() }

  /// Cells that are free.
  var room: Int { max(0, columns - cells) }

  /// Adds any text, as much of it as there is room for.
  mutating func add(_ raw: String, _ tint: Tint = .plain) {
    let fit = CellText(raw, room: room, hasUnicode: hasUnicode)
    guard fit.cells > 0 else { return }
    cells += fit.cells
    runs.append(Run(text: fit.text, tint: tint, cells: fit.cells))
  }

  /// Adds text in a field of `width` cells: to its left or to its right.
  mutating func add(_ raw: String, _ tint: Tint, field width: Int, toRight: Bool) {
    let width = min(width, room)
    let fit = CellText(raw, room: width, hasUnicode: hasUnicode)
    let blank = String(repeating: " ", count: width - fit.cells)
    guard width > 0 else { return }
    cells += width
    runs.append(Run(text: toRight ? blank + fit.text : fit.text + blank, tint: tint, cells: width))
  }

  /// Blanks up to a column.
  mutating func fill(to column: Int, _ tint: Tint = .plain) {
    let count = min(column, columns) - cells
    if count > 0 { add(String(repeating: " ", count: count), tint) }
  }

  /// The whole line with another tint, up to the right edge.
  mutating func choose() {
    for index in runs.indices { runs[index].tint = .chosen }
    fill(to: columns, .chosen)
  }
}

/// One thing that a line shows, if there is room.
struct Part {
  var text: String
  var tint: Tint = .plain
  /// 0 must be shown; the highest is left out first.
  var rank: Int

  init(_ text: String, _ tint: Tint = .plain, rank: Int) {
    self.text = text
    self.tint = tint
    self.rank = rank
  }
}

extension StyledLine {
  /// Adds those parts that there is room for, most important first, in the order given. Parts of rank 0 are cut rather
  /// than left out.
  mutating func add(parts: [Part], gap: Int = 2) {
    var free = room
    var chosen: [Int] = []
    for index in parts.indices.sorted(by: { (parts[$0].rank, $0) < (parts[$1].rank, $1) }) {
      let before = chosen.isEmpty ? 0 : gap
      let cells = CellText(parts[index].text, room: .max, hasUnicode: hasUnicode).cells
      guard cells + before <= free || parts[index].rank == 0 else { continue }
      chosen.append(index)
      free -= cells + before
    }
    for (place, index) in chosen.sorted().enumerated() {
      if place > 0 { add(String(repeating: " ", count: gap)) }
      add(parts[index].text, parts[index].tint)
    }
  }
}
