import Chronicle
import ControlProtocol
import TestSupport
import Time
import TopView

let second: Nanoseconds = 1_000_000_000

/// A view of one pool at `unix:/run/x.sock`, without colours.
func sampleView(
  columns: Int = 80, rows: Int = 24, hasUnicode: Bool = true, pool: String? = nil
) -> TopView {
  TopView(
    address: "unix:/run/x.sock", pool: pool, interval: second,
    style: TerminalStyle(hasColor: false, hasUnicode: hasUnicode),
    columns: columns, rows: rows)
}

/// What stands on the screen, without blanks at the ends of lines.
func screen(_ view: TopView, at now: Instant = 0) -> String {
  view.frame(at: now).map { line in
    let text = line.text
    return String(text.prefix(text.count - text.reversed().prefix { $0 == " " }.count))
  }.joined(separator: "\n")
}

extension TopView {
  /// Presses the keys of these letters, one after the other; what the last one asks for.
  @discardableResult
  mutating func type(_ letters: String, at now: Instant = 0) -> TopRequest? {
    var request: TopRequest?
    for letter in letters.unicodeScalars { request = press(.character(letter), at: now) }
    return request
  }
}

/// A pool of four slots at work.
func samplePool(_ name: String = "default") -> PoolStatus {
  var pool = PoolStatus(name: name, phase: .serving)
  pool.age = 11_520 * second
  pool.command = ["./model.py", "--model", "large"]
  pool.minimum = 2
  pool.maximum = 4
  pool.starts = 7
  pool.deaths = 1
  pool.recycled = 2
  pool.jobs.accepted = 1300
  pool.jobs.queued = 3
  pool.jobs.running = 2
  pool.jobs.ok = 1283
  pool.jobs.failed = 8
  pool.jobs.timeout = 4
  pool.runTimes = Percentiles(median: 12_000_000, p90: 40_000_000, p99: 1_200_000_000)
  pool.slots = [
    workingSlot(0, .leased, pid: 812, age: 11_520, jobs: 641), workingSlot(1, .idle, pid: 813, age: 11_520, jobs: 630),
    workingSlot(2, .leased, pid: 990, age: 65, jobs: 29), SlotStatus(slot: 3, state: .backingOff),
  ]
  pool.slots[0].worker?.job = 1299
  pool.slots[0].worker?.jobElapsed = 8_000_000
  pool.slots[1].worker?.said = "model loaded"
  pool.slots[2].worker?.job = 1300
  pool.slots[2].worker?.jobElapsed = 1_500_000_000
  pool.slots[2].retiring = "memory"
  pool.slots[3].failures = 2
  pool.connections = 2
  pool.connectionsAccepted = 40
  pool.clients = [
    ClientStatus(connection: 40, peer: "pid 2100 (uid 1000)", age: 30 * second),
    ClientStatus(connection: 7, peer: "127.0.0.1:51234", age: 4000 * second),
  ]
  pool.clients[0].queued = 3
  pool.clients[0].running = 2
  pool.clients[0].settled = 60
  pool.clients[1].settled = 1235
  pool.clients[1].unread = 3 << 20
  return pool
}

/// A slot with a worker; `age` in seconds.
func workingSlot(_ number: Int, _ state: SlotStatus.State, pid: Int32, age: UInt64, jobs: Int) -> SlotStatus {
  var slot = SlotStatus(slot: number, state: state)
  slot.worker = WorkerStatus(pid: pid, age: .seconds(age), jobs: jobs)
  slot.worker?.memory = (100 + number) << 20
  return slot
}

/// A pool of any size, with anything in its texts.
func randomPool(_ random: inout SplitMix64) -> PoolStatus {
  var pool = PoolStatus(name: randomText(&random), phase: PoolStatus.Phase.allCases.randomElement(using: &random)!)
  func number() -> Int { Int(truncatingIfNeeded: random.next() >> UInt64.random(in: 1...64, using: &random)) }
  pool.age = Nanoseconds(random.next())
  pool.command = (0..<Int.random(in: 0...3, using: &random)).map { _ in randomText(&random) }
  pool.minimum = number()
  pool.maximum = number()
  pool.isBreakerOpen = Bool.random(using: &random)
  pool.starts = number()
  pool.deaths = number()
  pool.jobs.queued = number()
  pool.jobs.ok = number()
  pool.jobs.crashed = number()
  pool.jobs.expired = number()
  if Bool.random(using: &random) {
    pool.runTimes = Percentiles(
      median: Nanoseconds(random.next()), p90: Nanoseconds(random.next()), p99: Nanoseconds(random.next()))
  }
  for slot in 0..<Int.random(in: 0...40, using: &random) {
    var status = SlotStatus(slot: slot, state: SlotStatus.State.allCases.randomElement(using: &random)!)
    if Bool.random(using: &random) {
      var worker = WorkerStatus(
        pid: Int32.random(in: 1...4_194_304, using: &random), age: Nanoseconds(random.next()), jobs: number())
      worker.memory = number()
      worker.job = random.next()
      worker.jobElapsed = Nanoseconds(random.next())
      worker.said = randomText(&random)
      status.worker = worker
    }
    if Bool.random(using: &random) { status.retiring = randomText(&random) }
    status.failures = number()
    pool.slots.append(status)
  }
  for connection in 0..<Int.random(in: 0...9, using: &random) {
    var client = ClientStatus(
      connection: UInt64(connection), peer: randomText(&random), age: Nanoseconds(random.next()))
    client.unread = number()
    pool.clients.append(client)
  }
  return pool
}

/// Letters, controls, marks, wide characters, emoji, anything.
func randomText(_ random: inout SplitMix64) -> String {
  let ranges: [ClosedRange<UInt32>] = [
    0x20...0x7E, 0...0x1F, 0x7F...0x9F, 0x300...0x36F, 0x4E00...0x4FFF, 0xAC00...0xD7FF, 0xFE00...0xFFFF,
    0x1F1E6...0x1FAFF, 0x200B...0x206F, 0xE000...0x10FFFF,
  ]
  var text = ""
  for _ in 0..<Int.random(in: 0...30, using: &random) {
    let value = UInt32.random(in: ranges.randomElement(using: &random)!, using: &random)
    if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
  }
  return text
}
