/// A waiter for a lease.
struct Waiter: Equatable, Sendable {
  /// What ends the wait, besides a worker.
  enum Patience: Sendable {
    /// Nothing.
    case endless
    /// Its timer, which is armed.
    case timed
    /// That no worker is coming for it without the end of another's lease.
    case eager
  }

  let id: WaiterID
  let patience: Patience
}

/// The waiters for a lease, first come first served.
///
/// Identifiers only grow, so the queue is sorted and one in the middle is found by binary search. A withdrawn waiter
/// leaves a gap; gaps at the ends go at once, the others when they outnumber the living: thousands may give up at the
/// same moment. A waiter whose worker failed its probe goes back to the place that its age gives it.
struct WaiterQueue: Sendable {
  private struct Entry {
    var waiter: Waiter
    var isWithdrawn = false
  }

  private var entries: [Entry] = []
  private var head = 0
  private(set) var count = 0
  /// Those of them that wait only as long as a worker is coming.
  private(set) var eager = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ waiter: Waiter) {
    // The consumed part is dropped when it is the larger one: amortised O(1), and no allocation in steady state.
    if head > 32, head * 2 > entries.count {
      entries.removeSubrange(0..<head)
      head = 0
    }
    entries.append(Entry(waiter: waiter))
    count += 1
    if waiter.patience == .eager { eager += 1 }
  }

  /// Puts a waiter back in the place that its age gives it.
  mutating func putBack(_ waiter: Waiter) {
    entries.insert(Entry(waiter: waiter), at: position(of: waiter.id))
    count += 1
    if waiter.patience == .eager { eager += 1 }
  }

  mutating func popFirst() -> Waiter? {
    guard count > 0 else { return nil }
    let waiter = entries[head].waiter
    head += 1
    count -= 1
    if waiter.patience == .eager { eager -= 1 }
    trim()
    return waiter
  }

  /// Takes the waiter out; nil if it is not in the queue.
  mutating func withdraw(_ id: WaiterID) -> Waiter? {
    let index = position(of: id)
    guard index < entries.count, entries[index].waiter.id == id, !entries[index].isWithdrawn else { return nil }
    let waiter = entries[index].waiter
    entries[index].isWithdrawn = true
    count -= 1
    if waiter.patience == .eager { eager -= 1 }
    trim()
    return waiter
  }

  /// Takes out the last one that is eager, unless it is among the first `reach`.
  mutating func withdrawLastEager(beyond reach: Int) -> WaiterID? {
    guard eager > 0, count > reach else { return nil }
    var place = count
    for entry in entries[head...].reversed() where !entry.isWithdrawn {
      guard place > reach else { return nil }
      if entry.waiter.patience == .eager { return withdraw(entry.waiter.id)?.id }
      place -= 1
    }
    return nil
  }

  /// Where the waiter is, or would have to be.
  private func position(of id: WaiterID) -> Int {
    var low = head
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].waiter.id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Keeps the first entry a living one, so that `popFirst` need not search.
  private mutating func trim() {
    while head < entries.count, entries[head].isWithdrawn { head += 1 }
    if count == 0 {
      entries.removeAll(keepingCapacity: entries.capacity <= 4096)
      head = 0
    } else if entries.count - head > 64, entries.count - head > 2 * count {
      entries.removeSubrange(0..<head)
      entries.removeAll(where: \.isWithdrawn)
      head = 0
    }
  }
}
