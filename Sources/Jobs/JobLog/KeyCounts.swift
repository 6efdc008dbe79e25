/// How often each key was seen: a hash table with open addressing in two flat arrays, 20 bytes a place, so that a
/// million keys cost some 40 MB and no allocation each. Keys are never removed.
struct KeyCounts: Sendable {
  /// What makes two keys equal; spread evenly already, so that its low bits are its place.
  private var keys: [SIMD2<UInt64>]
  /// 0 for an empty place, else one more than the key's count.
  private var marks: [UInt32]
  private var used = 0

  init() {
    keys = Array(repeating: .zero, count: 1024)
    marks = Array(repeating: 0, count: 1024)
  }

  /// Counts the key once more.
  mutating func add(_ key: JobKey) {
    // Three quarters: what a search looks at stays a handful of neighbours.
    if used * 4 >= keys.count * 3 { grow() }
    let identity = SIMD2(key.high, key.low)
    let place = place(of: identity)
    if marks[place] == 0 {
      keys[place] = identity
      marks[place] = 1
      used += 1
    }
    marks[place] += marks[place] == .max ? 0 : 1
  }

  /// Counts the key once less; false if it was at none.
  mutating func subtract(_ key: JobKey) -> Bool {
    let place = place(of: SIMD2(key.high, key.low))
    guard marks[place] > 1 else { return false }
    marks[place] -= 1
    return true
  }

  /// Where the key is, or the empty place where it would be.
  private func place(of identity: SIMD2<UInt64>) -> Int {
    let mask = keys.count - 1
    var place = Int(truncatingIfNeeded: identity.y) & mask
    while marks[place] != 0 && keys[place] != identity { place = (place + 1) & mask }
    return place
  }

  private mutating func grow() {
    let (oldKeys, oldMarks) = (keys, marks)
    keys = Array(repeating: .zero, count: oldKeys.count * 2)
    marks = Array(repeating: 0, count: oldMarks.count * 2)
    for old in oldKeys.indices where oldMarks[old] != 0 {
      let new = place(of: oldKeys[old])
      keys[new] = oldKeys[old]
      marks[new] = oldMarks[old]
    }
  }
}
