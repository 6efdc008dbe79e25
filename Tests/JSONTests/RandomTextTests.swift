import TestSupport
import Testing

@testable import JSON

/// Random texts, and the same with random damage: they are JSON for us exactly when they are for the reference.
@Suite struct RandomTextTests {
  @Test("random texts, whole and damaged, are JSON for us exactly when they are for the reference", arguments: 0..<8)
  func sameVerdict(seed: UInt64) {
    var random = RandomJSON(seed: seed)
    var (accepted, refused) = (0, 0)
    for _ in 0..<1500 {
      var text = random.value(depth: 0)
      if case let damages = Int.random(in: 0...3, using: &random.generator), damages > 0 {
        for _ in 0..<damages { random.damage(&text) }
      }
      let said = complaint(about: text)
      #expect(
        (said == nil) == (JSONTree.parse(text) != nil),
        "\(String(decoding: text, as: UTF8.self)): \(said ?? "accepted")")
      if said == nil { accepted += 1 } else { refused += 1 }
    }
    #expect(accepted > 200 && refused > 200, "both sides were tried")
  }
}
