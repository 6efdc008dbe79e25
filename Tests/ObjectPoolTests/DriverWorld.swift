import PoolCore
import TestSupport
import Time

@testable import ObjectPool

/// The driver as it is, with those who lease, the factory and the timers in the hand of a seed. Timers are long, so
/// that the real clock never fires one; the world fires them when it likes, in their order. A seed repeats its story,
/// but for what depends on whether the clock has ticked meanwhile (whether an object just used is validated).
struct DriverWorld {
  struct Asking {
    let ticket: WaitTicket
    let mailbox: Mailbox<PoolDriver.Grant>
  }

  let driver: PoolDriver
  let runner = ScriptedRunner()
  var random: SplitMix64
  var asking: [Asking] = []
  var held: [PoolDriver.Grant] = []
  var ended: [LeaseToken] = []
  var prefills: [Mailbox<Void>] = []
  var violations: [String] = []
  var asked = 0
  var answered = 0
  private let mostAlive: Int

  init(seed: UInt64) {
    var random = SplitMix64(state: seed)
    var configuration = ObjectPoolConfiguration(
      minimum: Int.random(in: 0...2, using: &random), maximum: Int.random(in: 2...5, using: &random))
    configuration.surge = Int.random(in: 0...2, using: &random)
    configuration.maximumIdle = Bool.random(using: &random) ? .max : 2
    configuration.maximumCreating = Int.random(in: 1...3, using: &random)
    configuration.order = Bool.random(using: &random) ? .lifo : .fifo
    configuration.validatesOnAcquire = Bool.random(using: &random) ? .always : .never
    configuration.validatesOnRelease = Bool.random(using: &random)
    configuration.resets = [.never, .onRelease, .onAcquire].randomElement(using: &random)!
    configuration.maximumUses = Bool.random(using: &random) ? nil : 5
    configuration.maximumAge = Bool.random(using: &random) ? nil : .seconds(1000)
    configuration.validationInterval = Bool.random(using: &random) ? nil : .seconds(700)
    configuration.leaseReportTime = Bool.random(using: &random) ? nil : .seconds(800)
    (configuration.minimumBackoff, configuration.maximumBackoff) = (.seconds(900), .seconds(1200))
    (configuration.creationTimeout, configuration.validationTimeout) = (.seconds(1000), .seconds(1000))
    (configuration.resetTimeout, configuration.disposalTimeout) = (.seconds(1000), .seconds(1000))
    configuration.restartBudget = Int.random(in: 1...4, using: &random)
    // Those being replaced may be on their way out beside the surge.
    mostAlive = 5 + 2 * configuration.surge
    driver = PoolDriver(
      configuration, validates: true, resets: true, seed: random.next(), runner: runner)
    self.random = random
    driver.send(.start)
  }

  // MARK: What may happen

  mutating func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<22: ask()
    case 22..<27: if let one = asking.randomElement(using: &random) { driver.withdraw(one.ticket) }
    case 27..<43: giveBack()
    case 43..<83: endOperation(passes: Int.random(in: 0..<8, using: &random) > 0)
    case 83..<92: fireTimer()
    case 92..<94: resize()
    case 94: driver.send(.recycleAll)
    case 95..<97: prefill()
    default: misuse()
    }
    collect()
  }

  private mutating func ask() {
    let place = SourcePlace(file: #fileID, line: #line)
    asked += 1
    if let grant = driver.leaseAtOnce(place) { return take(grant) }
    let limits: [WaitLimit] = [.forever, .unlessExhausted, .within(1_000_000_000_000)]
    let one = Asking(ticket: WaitTicket(), mailbox: Mailbox())
    asking.append(one)
    driver.request(limits.randomElement(using: &random)!, place, one.ticket, .thread(one.mailbox))
  }

  private mutating func giveBack() {
    guard !held.isEmpty else { return }
    let token = held.remove(at: Int.random(in: 0..<held.count, using: &random)).token
    ended.append(token)
    do {
      if Int.random(in: 0..<6, using: &random) == 0 { try driver.dispose(token) } else { try driver.release(token) }
    } catch { violations.append("a lease could not be ended: \(error)") }
  }

  private mutating func endOperation(passes: Bool) {
    guard !runner.running.isEmpty else { return }
    runner.end(Int.random(in: 0..<runner.running.count, using: &random), passes: passes, driver)
  }

  /// The next timer, as if its time had come.
  private func fireTimer() {
    driver.perform { state in
      switch state.timers.popExpired(at: .distantFuture) {
      case .core(let timer): driver.handle(.timerFired(timer), &state)
      case .closing: driver.handle(.stop(.graceful), &state)
      case nil: break
      }
    }
  }

  private mutating func resize() {
    let maximum = Int.random(in: 1...5, using: &random)
    driver.resize(minimum: Int.random(in: 0...maximum, using: &random), maximum: maximum)
  }

  private mutating func prefill() {
    let mailbox = Mailbox<Void>()
    prefills.append(mailbox)
    driver.prefill(Int.random(in: 0...5, using: &random), WaitTicket(), .thread(mailbox))
  }

  private mutating func misuse() {
    guard let token = ended.randomElement(using: &random) else { return }
    do {
      try driver.release(token)
      violations.append("a lease ended twice")
    } catch {}
  }

  // MARK: What must hold

  private mutating func take(_ grant: PoolDriver.Grant) {
    answered += 1
    let life = runner.lives[ObjectIdentifier(grant.record)]
    if life?.isMade != true || life?.isDisposed == true { violations.append("an object was granted that is not there") }
    if let call = life?.running { violations.append("an object was granted while \(call) runs") }
    if held.contains(where: { $0.record === grant.record }) { violations.append("an object was granted twice") }
    held.append(grant)
  }

  /// Takes the answers, and looks at everything.
  private mutating func collect() {
    let (waiting, seats, statistics) = driver.locked.withLock { (Set($0.waiting.keys), $0.seats, $0.statistics) }
    // Leases that the pool has ended. First, as their objects may be leased again.
    let isOver = { (grant: PoolDriver.Grant) in seats[grant.token.slot].lease != grant.token.number }
    ended += held.filter(isOver).map(\.token)
    held.removeAll(where: isOver)
    for one in asking where !waiting.contains(one.ticket.waiter) {
      do { take(try one.mailbox.take()) } catch { answered += 1 }
    }
    asking.removeAll { !waiting.contains($0.ticket.waiter) }
    for grant in held where runner.lives[ObjectIdentifier(grant.record)]?.running != nil {
      violations.append("a call runs on a leased object")
    }
    let figures = driver.statistics
    if figures.leased != held.count { violations.append("\(figures.leased) leased, but \(held.count) held") }
    if figures.waiting != asking.count { violations.append("\(figures.waiting) wait, but \(asking.count) asked") }
    if statistics.created != runner.made { violations.append("created \(statistics.created) of \(runner.made)") }
    if statistics.disposed != runner.disposed { violations.append("disposed \(statistics.disposed)") }
    if runner.alive > mostAlive { violations.append("\(runner.alive) objects exist") }
    if driver.locked.withLock({ $0.core.internalErrors }) > 0 { violations.append("the core was told nonsense") }
    violations += runner.violations
  }

  // MARK: The end

  /// Ends the pool: everybody gives back, every call comes back. True if the pool says that it has ended.
  mutating func end(by event: PoolEvent) -> Bool {
    let end = Mailbox<Void>()
    driver.end(by: event, within: .seconds(2000), .thread(end))
    for _ in 0..<10_000 where !driver.locked.withLock({ $0.isClosed }) || !runner.running.isEmpty {
      // After each event: the next one may end a lease that this one gave.
      giveBack()
      collect()
      endOperation(passes: Int.random(in: 0..<4, using: &random) > 0)
      collect()
      if Int.random(in: 0..<20, using: &random) == 0 { fireTimer() }
      collect()
    }
    collect()
    guard driver.locked.withLock({ $0.isClosed && $0.prefilling.isEmpty && $0.closing.isEmpty }) else { return false }
    try? end.take()
    for prefill in prefills { try? prefill.take() }
    return true
  }
}
