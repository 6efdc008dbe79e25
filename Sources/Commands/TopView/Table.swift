import Chronicle
import ControlProtocol
import Text

/// A table whose columns are as wide as what is in them. Where there is no room for all, the least important go.
struct Table {
  struct Column {
    var title: String
    /// No narrower, so that a column does not dance with what is in it.
    var least: Int
    /// Numbers are.
    var isToRight: Bool
    /// 0 always stays; the highest goes first.
    var rank: Int
    /// Takes what the others leave: one column at most.
    var isFlexible = false
  }

  struct Cell {
    var text: String
    var tint = Tint.plain
  }

  /// A column that is shown, and how wide.
  struct Width {
    var index: Int
    var cells: Int
  }

  private static let marker = 2

  let columns: [Column]
  let rows: [[Cell]]

  /// The columns that there is room for, with their widths, in their order.
  func widths(in width: Int, hasUnicode: Bool) -> [Width] {
    var free = width - Self.marker
    var chosen: [Width] = []
    for index in columns.indices.sorted(by: { columns[$0].rank < columns[$1].rank }) {
      let column = columns[index]
      var cells = max(column.least, column.title.utf8.count)
      if !column.isFlexible {
        for row in rows { cells = max(cells, CellText(row[index].text, room: 30, hasUnicode: hasUnicode).cells) }
      }
      guard cells < free || column.rank == 0 else { continue }
      chosen.append(Width(index: index, cells: cells))
      free -= cells + 1
    }
    chosen.sort { $0.index < $1.index }
    if free > 0, let flexible = chosen.firstIndex(where: { columns[$0.index].isFlexible }) {
      chosen[flexible].cells += free
    }
    return chosen
  }

  /// The titles, in an empty line.
  func titles(_ widths: [Width], in empty: StyledLine) -> StyledLine {
    var line = empty
    line.add("  ")
    for width in widths {
      let column = columns[width.index]
      line.add(column.title, .strong, field: width.cells, toRight: column.isToRight)
      line.add(" ")
    }
    return line
  }

  /// One row, in an empty line; the chosen one has a mark besides its colour.
  func line(_ row: Int, _ widths: [Width], isChosen: Bool, in empty: StyledLine) -> StyledLine {
    var line = empty
    line.add(isChosen ? "> " : "  ")
    for width in widths {
      let cell = rows[row][width.index]
      line.add(cell.text, cell.tint, field: width.cells, toRight: columns[width.index].isToRight)
      line.add(" ")
    }
    if isChosen { line.choose() }
    return line
  }
}

extension TopView {
  /// What stands below the summary.
  var table: Table {
    switch pane {
    case .slots: slotTable
    case .clients: clientTable
    }
  }

  private var slotTable: Table {
    Table(
      columns: [
        .init(title: "SLOT", least: 4, isToRight: true, rank: 0),
        .init(title: "STATE", least: 8, isToRight: false, rank: 1),
        .init(title: "PID", least: 5, isToRight: true, rank: 5),
        .init(title: "AGE", least: 6, isToRight: true, rank: 6),
        .init(title: "JOBS", least: 5, isToRight: true, rank: 4),
        .init(title: "MEMORY", least: 7, isToRight: true, rank: 3),
        .init(title: "JOB", least: 6, isToRight: true, rank: 7),
        .init(title: "FOR", least: 6, isToRight: true, rank: 2),
        .init(title: "SAYS", least: 8, isToRight: false, rank: 8, isFlexible: true),
      ], rows: sortedSlots.map(cells))
  }

  private func cells(_ slot: SlotStatus) -> [Table.Cell] {
    let isRetiring = slot.retiring != nil && slot.state != .stopping
    var words: [String] = []
    if let reason = slot.retiring { words.append("goes: \(reason)") }
    if slot.failures > 0 { words.append(plural(slot.failures, "failed start")) }
    if let said = slot.worker?.said, !said.isEmpty { words.append(said) }
    let worker = slot.worker
    return [
      .init(text: "\(slot.slot)"),
      .init(text: isRetiring ? "retiring" : slot.state.word, tint: isRetiring ? .notice : slot.state.tint),
      .init(text: worker.map { "\($0.pid)" } ?? ""),
      .init(text: worker.map { clockText($0.age, tight: true) } ?? ""),
      .init(text: worker.map { compactCountText($0.jobs) } ?? ""),
      .init(text: worker?.memory.map { compactSizeText($0) } ?? ""),
      .init(text: worker?.job.map { "#\($0)" } ?? ""),
      .init(text: worker?.jobElapsed.map(measuredText) ?? ""),
      .init(text: words.joined(separator: "; "), tint: slot.failures > 0 ? .bad : .plain),
    ]
  }

  private var clientTable: Table {
    let clients = pool?.clients ?? []
    return Table(
      columns: [
        .init(title: "NO", least: 4, isToRight: true, rank: 4),
        .init(title: "PEER", least: 12, isToRight: false, rank: 0, isFlexible: true),
        .init(title: "AGE", least: 6, isToRight: true, rank: 5),
        .init(title: "QUEUED", least: 6, isToRight: true, rank: 1),
        .init(title: "RUNNING", least: 7, isToRight: true, rank: 2),
        .init(title: "SETTLED", least: 7, isToRight: true, rank: 6),
        .init(title: "UNREAD", least: 7, isToRight: true, rank: 3),
      ],
      rows: clients.map { client in
        [
          .init(text: "\(client.connection)"), .init(text: client.peer),
          .init(text: clockText(client.age, tight: true)), .init(text: compactCountText(client.queued)),
          .init(text: compactCountText(client.running)), .init(text: compactCountText(client.settled)),
          .init(text: compactSizeText(client.unread), tint: client.unread > 1 << 20 ? .notice : .plain),
        ]
      })
  }
}

extension SlotStatus.State {
  /// As the table shows it.
  var word: String {
    switch self {
    case .backingOff: "backing off"
    case .empty, .starting, .idle, .probing, .leased, .resetting, .stopping: rawValue
    }
  }

  var tint: Tint {
    switch self {
    case .empty: .faint
    case .backingOff: .bad
    case .starting, .stopping: .notice
    case .idle, .probing: .good
    case .leased, .resetting: .busy
    }
  }

  /// For the help.
  var meaning: String {
    switch self {
    case .empty: "no worker, and none is wanted"
    case .backingOff: "starts failed; it waits before the next"
    case .starting: "a worker is on its way to be ready"
    case .idle: "ready, without a job"
    case .probing: "its health is checked"
    case .leased: "has a job"
    case .resetting: "is made clean for the next job"
    case .stopping: "its worker is being stopped"
    }
  }
}
