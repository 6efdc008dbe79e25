/// Lines and nul: a frame ends at the delimiter.
extension FrameDecoder {
  private var delimiter: UInt8 { framing == .lines ? 0x0A : 0 }

  mutating func nextDelimited(in bytes: RawSpan, searched: Int) -> Step {
    guard let end = firstOffset(of: delimiter, in: bytes, from: searched) else {
      let count = bytes.byteCount
      // Longer than the cap already: from here on it only passes through.
      if count > maximumSize { return needMore(.skippingToDelimiter(skipped: count), consumed: count) }
      return needMore(.searching(searched: count))
    }
    return end > maximumSize ? oversize(end, consumed: end + 1) : frame(0..<end, consumed: end + 1)
  }

  mutating func skipToDelimiter(in bytes: RawSpan, skipped: Int?) -> Step {
    if let end = firstOffset(of: delimiter, in: bytes, from: 0) {
      return oversize(sum(skipped, end), consumed: end + 1)
    }
    let count = bytes.byteCount
    return needMore(.skippingToDelimiter(skipped: sum(skipped, count)), consumed: count)
  }

  private func sum(_ skipped: Int?, _ count: Int) -> Int? {
    guard let (sum, overflow) = skipped?.addingReportingOverflow(count), !overflow else { return nil }
    return sum
  }
}
