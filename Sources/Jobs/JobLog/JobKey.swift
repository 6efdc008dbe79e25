/// Identifies a job when a run is resumed: equal keys are the same job, wherever they stand in the input.
///
/// A job that was given a key is that key. Any other is a hash of its bytes: 128 bits of BLAKE2b, the same that `b2sum
/// -l 128` prints. Ten million jobs meet by chance with a probability of 10⁻²⁵; and a sender needs 2^64 tries to make a
/// job that passes for another, which would then be skipped.
///
/// In the joblog's column `Key` the first stands as `key:` and its text, escaped (see `JobLogLine`); the second as
/// `hash:` and 32 hexadecimal digits.
public struct JobKey: Hashable, Sendable {
  /// A given key of more bytes than this stands in the joblog by its hash, so that a line stays short whatever a key
  /// holds.
  public static let longestName = 1024

  /// The first 8 of the 16 bytes that make two keys equal, as a big-endian number. It differs for keys that differ, as
  /// far as 64 bits can.
  public let high: UInt64
  /// The last 8 bytes.
  let low: UInt64
  /// The bytes of a given key that is not too long to be written; nil for a job known by its hash.
  public let name: [UInt8]?

  /// The key of a job that was given none: a hash of the job's bytes.
  public init(ofJob bytes: RawSpan) {
    let digest = blake2b(bytes, digestLength: 16)
    self.init(high: digest[0].byteSwapped, low: digest[1].byteSwapped, name: nil)
  }

  /// A key that was given. It never equals the key of a job that was given none, whatever the bytes of either.
  public init(name: RawSpan) {
    // "prefork key" in zeros, as two little-endian words.
    let digest = blake2b(name, digestLength: 16, personalization: SIMD2(0x206B_726F_6665_7270, 0x0079_656B))
    self.init(
      high: digest[0].byteSwapped, low: digest[1].byteSwapped,
      name: name.byteCount > Self.longestName ? nil : name.withUnsafeBytes { unsafe Array($0) })
  }

  private init(high: UInt64, low: UInt64, name: [UInt8]?) {
    (self.high, self.low, self.name) = (high, low, name)
  }

  /// Reads a column `Key`; nil if it is not one.
  init?(column: RawSpan) {
    if column.starts(with: "key:") {
      guard let name = unescaped(column.extracting(droppingFirst: 4)), name.count <= Self.longestName else {
        return nil
      }
      self.init(name: name.span.bytes)
    } else if column.starts(with: "hash:"), column.byteCount == 37 {
      guard let high = hexadecimal(column, at: 5), let low = hexadecimal(column, at: 21) else { return nil }
      self.init(high: high, low: low, name: nil)
    } else {
      return nil
    }
  }

  /// Writes the column `Key`.
  func append(to bytes: inout [UInt8]) {
    if let name {
      bytes.append(contentsOf: "key:".utf8)
      appendEscaped(name.span.bytes, limit: .max, to: &bytes)
    } else {
      bytes.append(contentsOf: "hash:".utf8)
      appendHexadecimal(high, to: &bytes)
      appendHexadecimal(low, to: &bytes)
    }
  }
}

/// 16 lower-case hexadecimal digits, the highest first.
private func appendHexadecimal(_ number: UInt64, to bytes: inout [UInt8]) {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { text in
    var rest = number
    for place in (0..<16).reversed() {
      unsafe text[place] = hexadecimalDigit(UInt8(truncatingIfNeeded: rest) & 0xF)
      rest >>= 4
    }
    unsafe bytes.append(contentsOf: text)
  }
}

/// The number that 16 lower-case hexadecimal digits at `offset` stand for.
private func hexadecimal(_ text: RawSpan, at offset: Int) -> UInt64? {
  var number: UInt64 = 0
  for place in offset..<offset + 16 {
    guard let digit = valueOfHexadecimal(text.byte(at: place)) else { return nil }
    number = number << 4 | UInt64(digit)
  }
  return number
}

extension RawSpan {
  fileprivate func starts(with text: StaticString) -> Bool {
    guard byteCount >= text.utf8CodeUnitCount else { return false }
    for offset in 0..<text.utf8CodeUnitCount where unsafe byte(at: offset) != text.utf8Start[offset] { return false }
    return true
  }
}
