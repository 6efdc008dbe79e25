import Chronicle
import ControlProtocol
import Time

/// The live view of a server's pools: takes what the server reports and the keys that are pressed, and shows a frame of
/// exactly as many lines as the window has, none wider than it. It has no clock; every `now` is of one that never goes
/// back.
public struct TopView: Sendable {
  /// What stands in the table.
  enum Pane: Sendable { case slots, clients }

  /// What the slots are sorted by; all but the first with the highest on top.
  enum Sort: String, Sendable, CaseIterable {
    case slot, age, jobs, memory
    case jobTime = "job time"
  }

  /// How it stands with the server.
  enum Link: Equatable, Sendable {
    case connecting
    case connected
    case lost(reason: String, at: Instant)
  }

  /// What keys are for at this moment.
  enum Mode: Equatable, Sendable {
    case table
    case help(offset: Int)
    /// `y` sends the command.
    case confirming(TopCommand)
  }

  /// What the server reported of the pools.
  struct Reading: Sendable {
    var pools: [PoolStatus] = []
    var rates: [String: RateHistory] = [:]
  }

  /// A message does not stay for longer.
  static let messageTime: Nanoseconds = .seconds(10)

  let address: String
  let interval: Nanoseconds
  let style: TerminalStyle
  private(set) var columns: Int
  private(set) var rows: Int

  private(set) var latest = Reading()
  /// What the server had reported when the view was paused.
  var frozen: Reading?
  private(set) var link = Link.connecting
  var poolName: String?
  var pane = Pane.slots
  var sort = Sort.slot
  var mode = Mode.table
  /// The slot, or connection, whose row the keys act on.
  var chosenSlot: Int?
  var chosenConnection: UInt64?
  /// Rows above the first one that is seen.
  var offset = 0
  /// Bounds that were asked for and are not in a status yet, so that `+` twice adds two.
  var wantedBounds: [String: ClosedRange<Int>] = [:]
  private(set) var message: (text: String, tint: Tint, at: Instant)?

  /// A view of the server at `address`, whose statuses come every `interval`; of the pool with this name first, if
  /// there is one.
  public init(
    address: String, pool: String? = nil, interval: Nanoseconds, style: TerminalStyle, columns: Int, rows: Int
  ) {
    self.address = address
    self.interval = interval
    self.style = style
    self.columns = max(1, columns)
    self.rows = max(1, rows)
    poolName = pool
  }

  // MARK: What comes in

  /// The state of all pools of the server; it is connected, then.
  public mutating func take(_ pools: [PoolStatus], at now: Instant) {
    link = .connected
    latest.pools = pools
    for pool in pools { latest.rates[pool.name, default: RateHistory(interval: interval)].take(pool.jobs, at: now) }
    latest.rates = latest.rates.filter { name, _ in pools.contains { $0.name == name } }
    if let name = poolName, !pools.contains(where: { $0.name == name }) {
      poolName = nil
      say("there is no pool \(name)", .notice, at: now)
    }
    settleBounds()
    keepChoice()
  }

  /// The server cannot be reached, or no more; it is tried again. `at` is when that was first so.
  public mutating func lost(_ reason: String, at now: Instant) {
    if case .lost(_, let since) = link {
      link = .lost(reason: reason, at: since)
    } else {
      link = .lost(reason: reason, at: now)
    }
    wantedBounds = [:]
  }

  /// The server did what was asked for, or refused it for a reason.
  public mutating func answered(_ command: TopCommand, refusal: String?, at now: Instant) {
    guard let refusal else { return say("\(command): accepted", .good, at: now) }
    if case .scale(let pool, _, _) = command { wantedBounds[pool] = nil }
    say("\(command): refused: \(refusal)", .bad, at: now)
  }

  /// The window has another size, in cells.
  public mutating func resize(columns: Int, rows: Int) {
    self.columns = max(1, columns)
    self.rows = max(1, rows)
    keepChoice()
  }

  mutating func say(_ text: String, _ tint: Tint, at now: Instant) { message = (text, tint, now) }

  mutating func forgetMessage() { message = nil }

  // MARK: What is shown

  /// What is shown: the latest, or what it was when it was paused.
  var reading: Reading { frozen ?? latest }

  /// The pool that is shown.
  var pool: PoolStatus? { reading.pools.first { $0.name == poolName } ?? reading.pools.first }

  /// The slots in their order on the screen.
  var sortedSlots: [SlotStatus] {
    guard let slots = pool?.slots else { return [] }
    func key(_ slot: SlotStatus) -> UInt64 {
      guard let worker = slot.worker else { return 0 }
      return switch sort {
      case .slot: 0
      case .age: worker.age.count
      case .jobs: UInt64(max(0, worker.jobs))
      case .memory: UInt64(max(0, worker.memory ?? 0))
      case .jobTime: worker.jobElapsed?.count ?? 0
      }
    }
    return slots.sorted { (key($1), $0.slot) < (key($0), $1.slot) }
  }

  /// How many rows the table has in all.
  var rowCount: Int {
    switch pane {
    case .slots: pool?.slots.count ?? 0
    case .clients: pool?.clients.count ?? 0
    }
  }

  /// The place of the chosen row in the table; nil if there is none.
  var chosenRow: Int? {
    switch pane {
    case .slots: sortedSlots.firstIndex { $0.slot == chosenSlot }
    case .clients: pool?.clients.firstIndex { $0.connection == chosenConnection }
    }
  }

  /// Chooses the row at that place, or the nearest one that there is, and shows it.
  mutating func choose(row: Int) {
    let row = max(0, min(row, rowCount - 1))
    switch pane {
    case .slots: chosenSlot = rowCount > 0 ? sortedSlots[row].slot : nil
    case .clients: chosenConnection = rowCount > 0 ? pool?.clients[row].connection : nil
    }
    keepInSight(row)
  }

  /// After a change of the table or the window: there is a chosen row, and it is in sight.
  mutating func keepChoice() {
    if let row = chosenRow { return keepInSight(row) }
    choose(row: pane == .slots && chosenSlot != nil ? offset : 0)
  }

  private mutating func keepInSight(_ row: Int) {
    let page = tableRows
    offset = min(offset, max(0, rowCount - page))
    if row < offset { offset = row }
    if row >= offset + page { offset = max(0, row - page + 1) }
  }

  private mutating func settleBounds() {
    wantedBounds = wantedBounds.filter { name, wanted in
      guard let pool = latest.pools.first(where: { $0.name == name }) else { return false }
      return pool.minimum != wanted.lowerBound || pool.maximum != wanted.upperBound
    }
  }
}
