/// Up to four of `candidates` that may have been meant by `text`, the likeliest first.
///
/// A slip of the finger comes first (edit distance of at most a third of the length), then the names that begin with
/// `text`, then those with `text` as one of their words (`age` for `max-age`).
public func nearestNames(to text: String, among candidates: [String]) -> [String] {
  let wanted = Array(text.lowercased().utf8)
  guard wanted.count > 1, wanted.count <= 64 else { return [] }
  let allowed = max(1, wanted.count / 3)
  let scored = candidates.map { (name: $0, distance: editDistance(wanted, Array($0.utf8))) }
  let best = scored.map(\.distance).min() ?? .max
  if best <= allowed {
    return Array(scored.filter { $0.distance == best }.map(\.name).sorted().prefix(4))
  }
  let lowered = text.lowercased()
  let prefixed = candidates.filter { $0.hasPrefix(lowered) }
  if !prefixed.isEmpty { return Array(prefixed.sorted().prefix(4)) }
  let containing = candidates.filter { $0.split(separator: "-").contains { $0 == lowered } }
  return Array(containing.sorted().prefix(4))
}

/// The Damerau-Levenshtein distance in its optimal string alignment form: inserting, deleting or replacing a byte and
/// swapping two neighbours cost 1 each.
func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
  if first.isEmpty || second.isEmpty { return max(first.count, second.count) }
  var beforePrevious = [Int](repeating: 0, count: second.count + 1)
  var previous = Array(0...second.count)
  for row in 1...first.count {
    var current = [row]
    for column in 1...second.count {
      let replacing = previous[column - 1] + (first[row - 1] == second[column - 1] ? 0 : 1)
      var cost = min(previous[column] + 1, current[column - 1] + 1, replacing)
      let isSwap =
        row > 1 && column > 1 && first[row - 1] == second[column - 2] && first[row - 2] == second[column - 1]
      if isSwap { cost = min(cost, beforePrevious[column - 2] + 1) }
      current.append(cost)
    }
    (beforePrevious, previous) = (previous, current)
  }
  return previous[second.count]
}
