import CommandLineKit
import TestSupport
import Testing

/// Random command lines made of the pieces that a parser trips over. A crash is the only failure that shows; the seed
/// is fixed, so that it shows every time.
@Suite struct RandomArgumentsTests {
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func noCommandLineCrashesTheParser(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    var accepted = 0
    for _ in 0..<5000 {
      var arguments = Bool.random(using: &generator) ? ["go"] : [Self.word(&generator)]
      for _ in 0..<Int.random(in: 0...6, using: &generator) { arguments.append(Self.word(&generator)) }
      do {
        if case .command(let parsed) = try Sample.tool.parse(arguments) {
          accepted += 1
          #expect((1...64).contains(parsed[Sample.count]))
          #expect(parsed[Sample.wait] != 0)
          #expect(parsed[Sample.room] > 0)
          _ = (parsed[Sample.color], parsed[Sample.tag], parsed[Sample.sorted], parsed[Sample.loudness])
        }
      } catch {
        #expect(error.message.hasPrefix("tool: "))
        #expect(error.message.hasSuffix("\n"))
        #expect(error.message.split(separator: "\n").count == 2)
      }
    }
    #expect(accepted > 100)
  }

  static let pieces = [
    "--", "-", "=", "--count", "--wait", "--room", "--color", "--tag", "--sorted", "--unsorted", "--quiet", "--dry",
    "-c", "-w", "-s", "-q", "-l", "-d", "-h", "go", "pick", "cat", "4", "30s", "64K", "9999999999999999999", ".", "..",
    "/", "%", "", " ", "\n", "é", "👩‍👩‍👧", "\u{0}", "\u{301}", "red", "first", "-5", "1.5",
  ]

  static func word(_ generator: inout SplitMix64) -> String {
    let count = [1, 1, 1, 2, 3].randomElement(using: &generator) ?? 1
    return (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
  }
}
