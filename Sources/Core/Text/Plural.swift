/// A count with its noun, as a sentence needs it: `1 job`, `2 jobs`, `0 jobs`.
///
/// - Parameters:
///   - noun: The noun of one.
///   - many: The noun of several, if it is not `noun` with an s: `plural(2, "breach", "breaches")`.
public func plural(_ count: some BinaryInteger, _ noun: String, _ many: String? = nil) -> String {
  "\(count) \(counted(count, noun, many))"
}

/// The noun alone, for a count that is written in another way or stands elsewhere: `job` for 1, else `jobs`.
public func counted(_ count: some BinaryInteger, _ noun: String, _ many: String? = nil) -> String {
  count == 1 ? noun : many ?? noun + "s"
}
