import Testing
import Text

@Suite("Sizes as people read them") struct SizeTests {
  @Test(
    "in a sentence: one decimal, unless it is 0",
    arguments: [
      (0, "0 B"), (1, "1 B"), (1023, "1023 B"), (1024, "1 KB"), (1536, "1.5 KB"), (1_048_524, "1023.9 KB"),
      (1_048_525, "1 MB"), (104_857_600, "100 MB"), (105_172_173, "100.3 MB"), (1 << 31, "2 GB"), (1 << 50, "1024 TB"),
      (-1536, "-1.5 KB"), (-7, "-7 B"),
    ])
  func sentence(bytes: Int, text: String) { #expect(sizeText(bytes) == text) }

  @Test(
    "in a column: two digits or three",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (-3500, "-3.4 KB"), (10_188, "9.9 KB"), (10_189, "10 KB"),
      (1_048_063, "1023 KB"), (1_048_064, "1.0 MB"), (1_258_291, "1.2 MB"), (10_485_759, "10 MB"),
      (512 << 20, "512 MB"), (1 << 40, "1.0 TB"),
    ])
  func column(bytes: Int, text: String) {
    #expect(compactSizeText(bytes) == text)
    #expect(text.count <= 7)
  }

  @Test(
    "as an option takes it: exactly",
    arguments: [
      (0, "0 bytes"), (1, "1 byte"), (1000, "1000 bytes"), (1024, "1K"), (1536 << 10, "1536K"), (65536, "64K"),
      (100 << 20, "100M"), (3 << 30, "3G"), (1 << 50, "1024T"), (-1024, "-1024 bytes"),
    ])
  func option(bytes: Int, text: String) { #expect(optionSizeText(bytes) == text) }

  @Test("the largest and the smallest numbers are sizes, too")
  func extremes() {
    #expect(sizeText(UInt64.max) == "16777216 TB")
    #expect(sizeText(Int64.min) == "-8388608 TB")
    #expect(compactSizeText(Int64.min) == "-8388608 TB")
    #expect(optionSizeText(UInt64.max) == "18446744073709551615 bytes")
  }
}
