/// The slots that could take a lease, by the number of leases they hold: doubly linked lists threaded through the
/// slots, so that taking the warmest, the coldest or any one out is O(1) and allocates nothing.
struct AvailableSlots: Sendable {
  /// Most recently added slot with 0, 1, … leases; -1 for none.
  private var newest: [Int32]
  /// Least recently added one.
  private var oldest: [Int32]

  init(capacity: Int) {
    newest = Array(repeating: -1, count: capacity)
    oldest = newest
  }

  /// The slot to lease next: one with the fewest leases; among those the newest or the oldest.
  @inline(__always)
  func pick(_ order: PoolConfiguration.LeaseOrder) -> Int? {
    for load in newest.indices {
      let slot = order == .lifo ? newest[load] : oldest[load]
      if slot >= 0 { return Int(slot) }
    }
    return nil
  }

  /// The slot without leases that was added least recently.
  var coldest: Int? { oldest[0] >= 0 ? Int(oldest[0]) : nil }

  @inline(__always)
  mutating func insert(_ slot: Int, into slots: inout [Slot]) {
    let load = slots[slot].leases
    let head = newest[load]
    slots[slot].isListed = true
    slots[slot].previous = -1
    slots[slot].next = head
    if head >= 0 { slots[Int(head)].previous = Int32(slot) } else { oldest[load] = Int32(slot) }
    newest[load] = Int32(slot)
  }

  /// Adds the slot at the other end, as the least recently used.
  mutating func insertAsColdest(_ slot: Int, into slots: inout [Slot]) {
    let load = slots[slot].leases
    let tail = oldest[load]
    slots[slot].isListed = true
    slots[slot].previous = tail
    slots[slot].next = -1
    if tail >= 0 { slots[Int(tail)].next = Int32(slot) } else { newest[load] = Int32(slot) }
    oldest[load] = Int32(slot)
  }

  /// Takes the slot out, if it is in. To be called before its number of leases changes.
  @inline(__always)
  mutating func remove(_ slot: Int, from slots: inout [Slot]) {
    guard slots[slot].isListed else { return }
    let load = slots[slot].leases
    let previous = slots[slot].previous
    let next = slots[slot].next
    if previous >= 0 { slots[Int(previous)].next = next } else { newest[load] = next }
    if next >= 0 { slots[Int(next)].previous = previous } else { oldest[load] = previous }
    slots[slot].isListed = false
  }
}
