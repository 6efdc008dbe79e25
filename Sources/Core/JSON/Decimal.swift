/// A JSON number, exactly, times a power of ten: no floating point stands between `0.3` and 300 000 000 ns.
package struct Decimal {
  package let isNegative: Bool
  /// The whole part, without the sign.
  package let magnitude: UInt64
  /// Whether nothing but zeros was cut off behind the whole part.
  package let isWhole: Bool

  /// The number in `range`, which was checked, times 10^`scale`; nil if it is over `UInt64.max`. Any exponent costs the
  /// same.
  package init?(_ range: Range<Int>, in bytes: RawSpan, scale: Int) {
    isNegative = bytes.byte(at: range.lowerBound) == UInt8(ascii: "-")
    var digits = range
    if isNegative { digits = (range.lowerBound + 1)..<range.upperBound }
    var power = scale - 1  // of the digit to come, in the end
    var point: Int?
    for offset in digits {
      let byte = bytes.byte(at: offset)
      if byte == UInt8(ascii: ".") { point = offset }
      if byte | 0x20 == UInt8(ascii: "e") {
        power += Self.exponent((offset + 1)..<range.upperBound, in: bytes)
        digits = digits.lowerBound..<offset
        break
      }
    }
    power += (point ?? digits.upperBound) - digits.lowerBound
    var magnitude: UInt64 = 0
    var isWhole = true
    for offset in digits where offset != point {
      let digit = UInt64(bytes.byte(at: offset) - UInt8(ascii: "0"))
      if power < 0 {
        if digit != 0 { isWhole = false }
      } else {
        guard let next = Self.append(digit, to: magnitude) else { return nil }
        magnitude = next
      }
      power -= 1
    }
    while power >= 0, magnitude != 0 {
      guard let next = Self.append(0, to: magnitude) else { return nil }
      magnitude = next
      power -= 1
    }
    self.magnitude = magnitude
    self.isWhole = isWhole
  }

  private static func append(_ digit: UInt64, to magnitude: UInt64) -> UInt64? {
    let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
    let (sum, carry) = product.addingReportingOverflow(digit)
    return overflow || carry ? nil : sum
  }

  /// An exponent's value; one that is longer than any number has digits stops growing, but still outweighs all of them.
  private static func exponent(_ range: Range<Int>, in bytes: RawSpan) -> Int {
    var exponent = 0
    for offset in range {
      let digit = bytes.byte(at: offset) &- UInt8(ascii: "0")
      if digit <= 9, exponent < 1 << 48 { exponent = exponent * 10 + Int(digit) }
    }
    return bytes.byte(at: range.lowerBound) == UInt8(ascii: "-") ? -exponent : exponent
  }
}
