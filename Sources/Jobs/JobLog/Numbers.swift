import Time

// Numbers in columns. Each has one spelling only, so that a torn number with another one glued to it is more often
// seen.

/// Appends a number in decimal, filled up with zeros on the left to `digits`.
func appendDecimal(_ number: UInt64, digits: Int = 1, to bytes: inout [UInt8]) {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { text in
    var start = text.count
    var rest = number
    while rest > 0 || text.count - start < digits {
      start -= 1
      unsafe text[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    unsafe bytes.append(contentsOf: text[start...])
  }
}

/// Appends a number in decimal, with a minus sign if it is negative.
func appendDecimal(_ number: Int64, to bytes: inout [UInt8]) {
  if number < 0 { bytes.append(UInt8(ascii: "-")) }
  appendDecimal(number.magnitude, to: &bytes)
}

/// Appends a time in seconds with three decimals, the rest cut off, filled up with spaces on the left to `width`
/// (printf's `%*.3f`).
func appendSeconds(_ time: Nanoseconds, width: Int = 0, to bytes: inout [UInt8]) {
  let start = bytes.count
  let milliseconds = time.milliseconds
  appendDecimal(milliseconds / 1000, to: &bytes)
  bytes.append(UInt8(ascii: "."))
  appendDecimal(milliseconds % 1000, digits: 3, to: &bytes)
  let missing = width - (bytes.count - start)
  if missing > 0 { bytes.insert(contentsOf: repeatElement(UInt8(ascii: " "), count: missing), at: start) }
}

extension RawSpan {
  /// The whole text as a decimal number without leading zeros; nil if it is not one, or too large.
  var decimal: UInt64? {
    guard byteCount > 0, byteCount == 1 || byte(at: 0) != UInt8(ascii: "0") else { return nil }
    var number: UInt64 = 0
    for offset in 0..<byteCount {
      let digit = byte(at: offset) &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, isStillTooLarge) = tens.addingReportingOverflow(UInt64(digit))
      if isTooLarge || isStillTooLarge { return nil }
      number = sum
    }
    return number
  }

  /// The same, with or without a minus sign before anything but zero.
  var signedDecimal: Int64? {
    guard byteCount > 0, byte(at: 0) == UInt8(ascii: "-") else { return decimal.flatMap { Int64(exactly: $0) } }
    guard let magnitude = extracting(droppingFirst: 1).decimal, magnitude > 0 else { return nil }
    return magnitude == Int64.min.magnitude ? .min : Int64(exactly: magnitude).map { -$0 }
  }

  /// A time, from seconds with three decimals, and the spaces before them that make the text `width` long; nil if it is
  /// not one, or too long.
  func time(width: Int = 0) -> Nanoseconds? {
    var start = 0
    while start < byteCount, byte(at: start) == UInt8(ascii: " ") { start &+= 1 }
    let point = byteCount &- 4
    guard byteCount == width || (start == 0 && byteCount > width), point > start, byte(at: point) == UInt8(ascii: "."),
      let seconds = extracting(start..<point).decimal
    else { return nil }
    var thousandths: UInt64 = 0
    for offset in point &+ 1..<byteCount {
      let digit = byte(at: offset) &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      thousandths = thousandths &* 10 &+ UInt64(digit)
    }
    let (total, isTooLarge) = seconds.multipliedReportingOverflow(by: 1000)
    let (sum, isStillTooLarge) = total.addingReportingOverflow(thousandths)
    let (nanoseconds, isTooLong) = sum.multipliedReportingOverflow(by: 1_000_000)
    return isTooLarge || isStillTooLarge || isTooLong ? nil : Nanoseconds(nanoseconds)
  }
}
