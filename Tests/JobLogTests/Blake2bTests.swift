import TestSupport
import Testing
import Time

@testable import JobLog

@Suite struct Blake2bTests {
  private func digest(_ message: [UInt8], length: Int, personalization: SIMD2<UInt64> = .zero) -> String {
    let words = blake2b(message.span.bytes, digestLength: length, personalization: personalization)
    let octets = (0..<length).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) }
    return octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// The bytes 0, 1, 2 … that the published vectors hash.
  private func counting(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

  @Test("the example of RFC 7693, appendix A, comes out")
  func rfcExample() {
    #expect(
      digest(bytes("abc"), length: 64)
        == "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    )
  }

  @Test(
    "so do the known answers of BLAKE2's authors (blake2-kat.json, without a key), around the edges of a block",
    arguments: [
      0:
        "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
      1:
        "2fa3f686df876995167e7c2e5d74c4c7b6e48f8068fe0e44208344d480f7904c36963e44115fe3eb2a3ac8694c28bcb4f5a0f3276f2e79487d8219057a506e4b",
      127:
        "b6292669ccd38d5f01caae96ba272c76a879a45743afa0725d83b9ebb26665b731f1848c52f11972b6644f554c064fa90780dbbbf3a89d4fc31f67df3e5857ef",
      128:
        "2319e3789c47e2daa5fe807f61bec2a1a6537fa03f19ff32e87eecbfd64b7e0e8ccff439ac333b040f19b0c4ddd11a61e24ac1fe0f10a039806c5dcc0da3d115",
      129:
        "f59711d44a031d5f97a9413c065d1e614c417ede998590325f49bad2fd444d3e4418be19aec4e11449ac1a57207898bc57d76a1bcf3566292c20c683a5c4648f",
      255:
        "5b21c5fd8868367612474fa2e70e9cfa2201ffeee8fafab5797ad58fefa17c9b5b107da4a3db6320baaf2c8617d5a51df914ae88da3867c2d41f0cc14fa67928",
    ].sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  func knownAnswers(count: Int, expected: String) {
    #expect(digest(counting(count), length: 64) == expected)
  }

  @Test(
    "a digest of 16 bytes is what b2sum -l 128 prints",
    arguments: [
      (0, "cae66941d9efbd404e4d88758ea67670"), (1, "7025e075d5e2f6cde3cc051a31f07660"),
      (64, "59059895958b8a56277edb046df67166"), (127, "28b1296c7d4807883de6ee4ec04dcc0a"),
      (128, "a74787004ef589e31149183900d0294a"), (129, "aaf1b0371f6d4ee49ee4fb5ddd9c49ef"),
      (256, "c2472c0ac37a8dbdb25f05ada0d82643"), (257, "5b9ad79f1309b3599ac3871688f3812c"),
      (1000, "978a3f8b45508a42fe7f0f99caf2c423"),
    ])
  func shortDigests(count: Int, expected: String) {
    #expect(digest(counting(count), length: 16) == expected)
  }

  @Test("a personalized digest is what Python's hashlib.blake2b(b\"k\", digest_size=16, person=b\"prefork key\") gives")
  func personalized() {
    let person = SIMD2<UInt64>(0x206B_726F_6665_7270, 0x0079_656B)
    #expect(digest(bytes("k"), length: 16, personalization: person) == "491a7b91d02bd8d67860be2b452dadf3")
  }
}
