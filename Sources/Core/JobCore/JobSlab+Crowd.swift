/// The crowd of each client: a pairing heap (Fredman, Sedgewick, Sleator and Tarjan, 1986), linked through the records.
/// A job comes in O(1) and leaves, from wherever it is, in O(log n) amortised; nothing is allocated.
extension JobSlab {
  mutating func joinCrowd(_ index: Int, ticket: Int64) {
    let client = Int(records[index].client)
    records[index].stand(after: JobRecord.none, before: JobRecord.none, ticket: ticket)
    records[index].isInCrowd = true
    records[index].crowdChild = JobRecord.none
    clients[client].crowdRoot = meld(clients[client].crowdRoot, UInt32(index))
  }

  mutating func leaveCrowd(_ index: Int) {
    let client = Int(records[index].client)
    let orphans = mergeSiblings(records[index].crowdChild)
    if clients[client].crowdRoot == UInt32(index) {
      clients[client].crowdRoot = orphans
    } else {
      cut(index)
      clients[client].crowdRoot = meld(clients[client].crowdRoot, orphans)
    }
    records[index].isInCrowd = false
    records[index].crowdChild = JobRecord.none
  }

  /// Makes one heap of two, either of which may be empty. The root has no siblings.
  private mutating func meld(_ left: UInt32, _ right: UInt32) -> UInt32 {
    if left == JobRecord.none { return right }
    if right == JobRecord.none { return left }
    let leads = records[Int(left)].goes(before: records[Int(right)])
    let (root, child) = leads ? (left, right) : (right, left)
    let second = records[Int(root)].crowdChild
    records[Int(child)].queuePrevious = root
    records[Int(child)].queueNext = second
    if second != JobRecord.none { records[Int(second)].queuePrevious = child }
    records[Int(root)].crowdChild = child
    return root
  }

  /// Takes a job that is not the root out of its siblings.
  private mutating func cut(_ index: Int) {
    let previous = Int(records[index].queuePrevious)
    let next = records[index].queueNext
    if records[previous].crowdChild == UInt32(index) {
      records[previous].crowdChild = next
    } else {
      records[previous].queueNext = next
    }
    if next != JobRecord.none { records[Int(next)].queuePrevious = UInt32(previous) }
  }

  /// Makes one heap of siblings: in pairs from the eldest on, then all pairs into one from the youngest back. This
  /// order of melding is what bounds the cost.
  private mutating func mergeSiblings(_ eldest: UInt32) -> UInt32 {
    var rest = eldest
    var pairs = JobRecord.none
    while rest != JobRecord.none {
      let second = records[Int(rest)].queueNext
      let third = second == JobRecord.none ? JobRecord.none : records[Int(second)].queueNext
      let pair = meld(separate(rest), separate(second))
      records[Int(pair)].queueNext = pairs
      pairs = pair
      rest = third
    }
    var root = JobRecord.none
    while pairs != JobRecord.none {
      let next = records[Int(pairs)].queueNext
      root = meld(root, separate(pairs))
      pairs = next
    }
    return root
  }

  /// Without siblings and without a parent; `none` stays what it is.
  private mutating func separate(_ place: UInt32) -> UInt32 {
    guard place != JobRecord.none else { return place }
    records[Int(place)].queuePrevious = JobRecord.none
    records[Int(place)].queueNext = JobRecord.none
    return place
  }
}
