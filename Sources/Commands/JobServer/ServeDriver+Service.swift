import JobEngine
import PoolCore
import ServiceManager
import Time

/// What was reported to the service manager, and when more is due.
struct ServiceTalk {
  /// How often status, watchdog and more time are looked at without a cause.
  static let interval: Nanoseconds = .seconds(1)
  /// How much more time is asked for at each look.
  static let moreTime: Nanoseconds = .seconds(15)

  var hasSaidReady = false
  var hasSaidStopping = false
  /// When to look again; nil when nobody listens.
  var nextLook: Instant?
  /// When the watchdog wants to hear of us.
  var nextSignOfLife = Instant.origin
  /// What the pools looked like at the last look, by their number.
  var moves: [Int: PoolMoves] = [:]
}

/// What systemd hears of us (sd_notify(3)): ready, a status, signs of life, reloads, the end. Nothing of this is done
/// per job.
extension ServeDriver {
  // MARK: What becomes of the service

  /// After each turn until it is reported: every socket listens, and every pool has had its minimum of ready workers.
  mutating func tellWhenReady() {
    guard !talk.hasSaidReady, !talk.hasSaidStopping, services.count > 0 else { return }
    for number in services.indices where services.holds(number) && !services[number].wasReady { return }
    talk.hasSaidReady = true
    messenger.status(statusLine)
    messenger.ready()
  }

  /// A reload begins; `serviceIsReady` must follow, whether it went well or not. The service manager starts to wait for
  /// that.
  func serviceReloads() {
    if talk.hasSaidReady { messenger.reloading() }
  }

  /// The reload is over: from now on the new configuration is served. Replacing the workers goes on
  /// in the background, as a job may take any time.
  func serviceIsReady() {
    if talk.hasSaidReady { messenger.ready() }
  }

  /// Once no pool takes jobs any more, the service is ending, whatever the cause.
  mutating func tellWhenStopping() {
    guard !talk.hasSaidStopping else { return }
    for number in services.indices where services.holds(number) && !services[number].isDraining { return }
    talk.hasSaidStopping = true
    messenger.status(statusLine)
    messenger.stopping()
  }

  // MARK: Once a second

  /// Reports the state, gives a sign of life and asks for more time, where that is due.
  mutating func talkToServiceManager() {
    guard let due = talk.nextLook, due <= loop.now() else { return }
    talk.nextLook = loop.now() + lookInterval
    messenger.status(statusLine)
    giveSignOfLife()
    if needsMoreTime { messenger.extendTimeout(by: ServiceTalk.moreTime) }
  }

  /// Looks are so frequent that one that finds a pool stuck by accident is made good in time.
  private var lookInterval: Nanoseconds {
    guard let watchdog = messenger.watchdogInterval else { return ServiceTalk.interval }
    return max(.nanoseconds(1), min(ServiceTalk.interval, watchdog / 2))
  }

  /// The loop turns, else we would not be here; but a sign of life is given only if the pools make progress, too.
  private mutating func giveSignOfLife() {
    guard let interval = messenger.watchdogInterval else { return }
    var isStuck = false
    for number in services.indices where services.holds(number) {
      let moves = services[number].moves(loop.now())
      if let before = talk.moves[number], moves.isStuck(since: before) { isStuck = true }
      talk.moves[number] = moves
    }
    guard !isStuck, loop.now() >= talk.nextSignOfLife else { return }
    talk.nextSignOfLife = loop.now() + interval
    messenger.alive()
  }

  /// TimeoutStartSec= is not for us to keep while workers start within their own limits (--start-timeout); nor
  /// TimeoutStopSec= while accepted jobs are finished within ours (--drain-timeout). But workers that cannot be
  /// started, and a pool that does not end, are for the service manager to judge.
  private var needsMoreTime: Bool {
    if talk.hasSaidStopping { return !hasGivenUp && stopsAsked < 2 }
    if talk.hasSaidReady { return false }
    for number in services.indices where services.holds(number) && services[number].engine.pool.isBreakerOpen {
      return false
    }
    return true
  }

  private var statusLine: String {
    var summaries: [PoolSummary] = []
    for number in services.indices where services.holds(number) { summaries.append(services[number].summary) }
    return PoolSummary.line(of: summaries)
  }
}
