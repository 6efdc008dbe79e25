import Time

/// How long jobs ran: a histogram whose classes are an eighth of a power of two wide, so that any quantile is known to
/// 1 part in 16 in a few kilobytes, however many jobs there are (the idea of HdrHistogram).
public struct RunTimes: Sendable, Equatable {
  private static let classesPerDoubling = 8

  /// Jobs counted.
  public private(set) var count: UInt64 = 0
  /// The sum of all times.
  public private(set) var total = Nanoseconds.zero
  /// The longest.
  public private(set) var longest = Nanoseconds.zero
  private var classes = [UInt64](repeating: 0, count: 64 * classesPerDoubling)

  /// No times.
  public init() {}

  /// Counts a job that ran for this time.
  public mutating func add(_ time: Nanoseconds) {
    count += 1
    total += time
    longest = max(longest, time)
    classes[Self.index(of: time)] += 1
  }

  /// The time that this share of the jobs did not exceed; nil without jobs. `share` is 0...1.
  public func quantile(_ share: Double) -> Nanoseconds? {
    guard count > 0 else { return nil }
    let rank = max(1, UInt64((Double(count) * share).rounded(.up)))
    var seen: UInt64 = 0
    for index in classes.indices {
      seen += classes[index]
      if seen >= rank { return min(longest, Self.middle(of: index)) }
    }
    return longest
  }

  /// The classes that are not empty: from, up to but without, and how many.
  public var histogram: [(from: Nanoseconds, to: Nanoseconds, count: UInt64)] {
    classes.indices.filter { classes[$0] > 0 }.map { (Self.start(of: $0), Self.start(of: $0 + 1), classes[$0]) }
  }

  private static func index(of span: Nanoseconds) -> Int {
    let time = span.count
    guard time >= UInt64(classesPerDoubling) else { return Int(time) }
    let exponent = 63 - time.leadingZeroBitCount
    let fraction = Int(time >> UInt64(exponent - 3)) & (classesPerDoubling - 1)
    return (exponent - 2) * classesPerDoubling + fraction
  }

  private static func start(of index: Int) -> Nanoseconds {
    guard index >= classesPerDoubling else { return Nanoseconds(UInt64(index)) }
    let exponent = index / classesPerDoubling + 2
    guard exponent < 64 else { return .max }
    return Nanoseconds((1 << UInt64(exponent)) + (UInt64(index % classesPerDoubling) << UInt64(exponent - 3)))
  }

  private static func middle(of index: Int) -> Nanoseconds {
    start(of: index) + (start(of: index + 1) - start(of: index)) / 2
  }
}
