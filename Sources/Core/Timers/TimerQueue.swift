import Time

/// What a timer is for.
public protocol TimerKey: Hashable {
  /// A small number, from 0, by which its timer is found without hashing; nil for none. Two keys that are armed at the
  /// same time may have the same one, but then one of them is hashed.
  var place: Int? { get }
}

extension TimerKey {
  /// None.
  @inlinable public var place: Int? { nil }
}

extension Int: TimerKey {}
extension UInt64: TimerKey {}
extension String: TimerKey {}

/// Timers by key in a binary heap that knows where each key is: arming again moves a timer, disarming removes it, and
/// nothing stale stays behind. All in O(log n). Deadlines are of any one clock. Inlinable, so that each user
/// gets a version made for its key: looking up generic metadata cost more than the timer.
public struct TimerQueue<Key: TimerKey> {
  @usableFromInline struct Entry {
    @usableFromInline var deadline: Instant
    @usableFromInline var key: Key
    /// The place of its key is its own: it is in `byPlace`, and else in `byKey`.
    @usableFromInline var hasPlace: Bool

    @inlinable init(deadline: Instant, key: Key, hasPlace: Bool) {
      self.deadline = deadline
      self.key = key
      self.hasPlace = hasPlace
    }
  }

  @usableFromInline var heap: [Entry] = []
  /// The place in the heap of the timer with the key of this place; -1 for nowhere.
  @usableFromInline var byPlace: [Int] = []
  @usableFromInline var byKey: [Key: Int] = [:]

  /// No timers.
  @inlinable public init() {}

  /// Armed timers.
  @inlinable public var count: Int { heap.count }

  /// The deadline of the next timer; nil when none is armed.
  @inlinable public var earliest: Instant? { heap.first?.deadline }

  /// Arms a timer, or moves it if it is armed.
  @inlinable public mutating func arm(_ key: Key, at deadline: Instant) {
    if let index = index(of: key) {
      heap[index].deadline = deadline
      settle(index)
    } else {
      heap.append(Entry(deadline: deadline, key: key, hasPlace: isFree(key.place)))
      settle(heap.count - 1)
    }
  }

  /// Removes a timer, if it is armed.
  @inlinable public mutating func disarm(_ key: Key) {
    guard let index = index(of: key) else { return }
    if heap[index].hasPlace, let place = key.place { byPlace[place] = -1 } else { byKey[key] = nil }
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

  @inlinable func index(of key: Key) -> Int? {
    if let place = key.place, place < byPlace.count {
      let index = byPlace[place]
      if index >= 0, heap[index].key == key { return index }
    }
    return byKey.isEmpty ? nil : byKey[key]
  }

  /// Whether a place is there for a new key; none is, for one that has no number.
  @inlinable mutating func isFree(_ place: Int?) -> Bool {
    guard let place else { return false }
    while byPlace.count <= place { byPlace.append(-1) }
    return byPlace[place] < 0
  }

  /// Moves the entry up or down to where its deadline belongs, and records that. The others move into the gap, so
  /// that each is recorded once.
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
    record(gap)
  }

  /// Returns where the new gap is.
  @inlinable mutating func move(_ index: Int, into gap: Int) -> Int {
    heap[gap] = heap[index]
    record(gap)
    return index
  }

  @inlinable mutating func record(_ index: Int) {
    if heap[index].hasPlace, let place = heap[index].key.place {
      byPlace[place] = index
    } else {
      byKey[heap[index].key] = index
    }
  }
}
