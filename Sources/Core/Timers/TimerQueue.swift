import Time

/// Timers by key in a binary heap that knows where each key is: arming again moves a timer, disarming removes it, and
/// nothing stale stays behind. All in O(log n). Deadlines are of any one clock. Inlinable, so that each user
/// gets a version made for its key: looking up generic metadata cost more than the timer.
public struct TimerQueue<Key: Hashable> {
  @usableFromInline struct Entry {
    @usableFromInline var deadline: Instant
    @usableFromInline var key: Key

    @inlinable init(deadline: Instant, key: Key) {
      self.deadline = deadline
      self.key = key
    }
  }

  @usableFromInline var heap: [Entry] = []
  @usableFromInline var place: [Key: Int] = [:]

  /// No timers.
  @inlinable public init() {}

  /// Armed timers.
  @inlinable public var count: Int { heap.count }

  /// The deadline of the next timer; nil when none is armed.
  @inlinable public var earliest: Instant? { heap.first?.deadline }

  /// Arms a timer, or moves it if it is armed.
  @inlinable public mutating func arm(_ key: Key, at deadline: Instant) {
    if let index = place[key] {
      heap[index].deadline = deadline
      settle(index)
    } else {
      heap.append(Entry(deadline: deadline, key: key))
      settle(heap.count - 1)
    }
  }

  /// Removes a timer, if it is armed.
  @inlinable public mutating func disarm(_ key: Key) {
    guard let index = place.removeValue(forKey: key) else { return }
    let last = heap.removeLast()
    guard index < heap.count else { return }
    heap[index] = last
    settle(index)
  }

  /// Removes and returns a timer whose deadline is `now` or earlier, the earliest first.
  @inlinable public mutating func popExpired(at now: Instant) -> Key? {
    guard let first = heap.first, first.deadline <= now else { return nil }
    disarm(first.key)
    return first.key
  }

  /// Moves the entry up or down to where its deadline belongs, and notes that place. The others move into the gap, so
  /// that each is noted once: looking up keys is what a timer costs.
  @inlinable mutating func settle(_ start: Int) {
    let entry = heap[start]
    var gap = start
    while gap > 0, entry.deadline < heap[(gap - 1) / 2].deadline { gap = move((gap - 1) / 2, into: gap) }
    while true {
      var smallest = 2 * gap + 1
      guard smallest < heap.count else { break }
      if smallest + 1 < heap.count, heap[smallest + 1].deadline < heap[smallest].deadline { smallest += 1 }
      guard heap[smallest].deadline < entry.deadline else { break }
      gap = move(smallest, into: gap)
    }
    heap[gap] = entry
    place[entry.key] = gap
  }

  /// Returns where the new gap is.
  @inlinable mutating func move(_ index: Int, into gap: Int) -> Int {
    heap[gap] = heap[index]
    place[heap[gap].key] = gap
    return index
  }
}
