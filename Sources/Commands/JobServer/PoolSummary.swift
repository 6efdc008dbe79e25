import ControlProtocol
import Text

/// A pool in one line.
struct PoolSummary {
  var name: String
  var phase: PoolStatus.Phase
  var serving = 0
  var maximum = 0
  var startsFail = false
  var running = 0
  var waiting = 0
  var ok = 0
  var notOK = 0
  var connections = 0

  /// `2 of 2 workers; 1 job running, 0 waiting, 17 ok; 1 connection`.
  var text: String {
    var text = "\(serving) of \(plural(maximum, "worker"))"
    if startsFail { text += ", starts fail" }
    text += "; \(plural(running, "job")) running, \(waiting) waiting, \(ok) ok"
    if notOK > 0 { text += ", \(notOK) not ok" }
    return text + "; " + plural(connections, "connection")
  }

  /// One line about all pools: those that do not serve are named.
  static func line(of pools: [PoolSummary]) -> String {
    guard pools.count > 1 else {
      guard let pool = pools.first else { return "stopped" }
      return pool.phase == .serving ? pool.text : "\(pool.phase.rawValue): \(pool.text)"
    }
    var sum = PoolSummary(name: "", phase: .serving)
    var troubles: [String] = []
    for pool in pools {
      sum.serving += pool.serving
      sum.maximum += pool.maximum
      sum.running += pool.running
      sum.waiting += pool.waiting
      sum.ok += pool.ok
      sum.notOK += pool.notOK
      sum.connections += pool.connections
      if pool.phase != .serving { troubles.append("\(pool.name) is \(pool.phase.rawValue)") }
      if pool.startsFail { troubles.append("starts of \(pool.name) fail") }
    }
    return ([plural(pools.count, "pool") + ", " + sum.text] + troubles).joined(separator: "; ")
  }
}
