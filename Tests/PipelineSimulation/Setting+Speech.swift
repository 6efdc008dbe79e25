import JobCore
import TestSupport
import Time
import WorkerPoolDriver

/// Lives in which workers are sent several jobs at once.
extension Setting {
  /// Drawn apart from all others, which a seed goes on to draw as it did.
  mutating func vary() {
    var dice = SplitMix64(state: seed &* 0xD1B5_4A32_D192_ED03)
    let choice = dice.below(6)
    guard choice < 3 else { return }
    hasOneWorker = false
    engine.pool.reset = nil
    engine.pool.mostSeats = 1
    if choice < 2 { makeBatches(&dice) }
    if choice == 0 { return count() }
    speakInRequests(&dice)
    if choice == 2 { engine.pool.workerProtocol = requests(concurrency: dice.pick([1, 2, 8]), batch: nil) }
    if choice == 1 { engine.pool.workerProtocol = requests(concurrency: 1, batch: engine.ledger.batches?.most) }
  }

  private mutating func makeBatches(_ dice: inout SplitMix64) {
    engine.ledger.batches = BatchRule(
      most: dice.pick([1, 2, 5, 16]), wait: dice.pick([.zero, .zero, .microseconds(50), .milliseconds(5)]),
      mostBytes: dice.pick([nil, nil, 300]), isByGroup: dice.oneIn(3))
  }

  private mutating func count() {
    nature.speech = .counted
    engine.pool.workerProtocol = BatchedFraming(nature.framing, most: engine.ledger.batches?.most ?? 1)
  }

  private mutating func speakInRequests(_ dice: inout SplitMix64) {
    nature.speech = .requests
    nature.framing = .lines
    nature.greets = false
    nature.answersInArrays = dice.pick([0, 1, 2])
    (engine.pool.probe, engine.pool.readiness) = (nil, .assumed)
    (engine.pool.pool.probeInterval, engine.pool.pool.probeBeforeLeaseUnlessUsedWithin) = (.zero, nil)
    engine.pool.cancelGrace = dice.pick([.zero, .zero, .milliseconds(2)])
    longestJob = min(longestJob, 200)
    longestReply = min(longestReply, 200)
    engine.pool.maximumReplySize = longestReply + 40
  }

  private func requests(concurrency: Int, batch: Int?) -> JSONRPCProtocol {
    var requests = JSONRPCProtocol(concurrency: concurrency)
    requests.batch = batch
    return requests
  }
}
