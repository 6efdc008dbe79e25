import Testing

@testable import WireFormats

@Suite struct DelimiterSearchTests {
  @Test("finds the first delimiter wherever it stands, in short messages and in long ones")
  func everyPlace() {
    for count in [0, 1, 7, 8, 63, 64, 65, 255, 256, 257, 320, 383, 700] {
      var bytes = [UInt8](repeating: 0x8A, count: count)
      #expect(firstOffset(of: 0x0A, in: bytes.span.bytes, from: 0) == nil)
      for place in 0..<count {
        bytes[place] = 0x0A
        for start in [0, place / 2, place] {
          #expect(firstOffset(of: 0x0A, in: bytes.span.bytes, from: start) == place, "\(place) of \(count)")
        }
        #expect(firstOffset(of: 0x0A, in: bytes.span.bytes, from: place + 1) == nil, "\(place) of \(count)")
        bytes[place] = UInt8(truncatingIfNeeded: place) | 0x80
      }
    }
  }
}
