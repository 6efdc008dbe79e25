extension Duration {
  /// As a person reads it, with three digits at most: `30 s`, `1.5 s`, `87.1 ms`, `20 µs`.
  var text: String {
    let time = nanoseconds.count
    for (unit, size) in [("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1000)] as [(String, UInt64)] where time >= size
    {
      let scale: UInt64 = time >= 100 * size ? 1 : time >= 10 * size ? 10 : 100
      let step = size / scale
      let rounded = (time + step / 2) / step
      return "\(rounded / scale)\(Self.decimals(rounded % scale, of: scale)) \(unit)"
    }
    return time == 0 ? "0 s" : "\(time) ns"
  }

  private static func decimals(_ part: UInt64, of scale: UInt64) -> String {
    if part == 0 { return "" }
    if part % 10 == 0 { return decimals(part / 10, of: scale / 10) }
    return part < 10 && scale == 100 ? ".0\(part)" : ".\(part)"
  }
}
