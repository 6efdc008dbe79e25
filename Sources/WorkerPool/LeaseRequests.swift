import PoolCore

/// The lease requests that the core has not answered yet, oldest first. Answers come in that order but for a worker that is
/// probed first; requests are taken back from the other end. Both are O(1), for as many jobs as `--queue` lets wait.
struct LeaseRequests {
  private var waiting: [WaiterID] = []
  private var head = 0
  private var last: UInt64 = 0

  /// A new request, with an identifier greater than all before it.
  mutating func add() -> WaiterID {
    if head > 32, head * 2 > waiting.count {
      waiting.removeSubrange(0..<head)
      head = 0
    }
    last += 1
    waiting.append(WaiterID(last))
    return WaiterID(last)
  }

  /// The request was granted or refused.
  mutating func answered(_ waiter: WaiterID) {
    if head < waiting.count, waiting[head] == waiter {
      head += 1
    } else if let index = waiting[head...].firstIndex(of: waiter) {
      waiting.remove(at: index)
    }
  }

  /// Takes the latest request back; nil if none waits.
  mutating func takeBackLatest() -> WaiterID? { head < waiting.count ? waiting.removeLast() : nil }
}
