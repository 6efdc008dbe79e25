import Text
import Testing

@Suite struct CuttingTests {
  @Test(
    "a text is cut at the first place of the mark",
    arguments: [
      ("now,fail=1", ",fail=", "now", "1"), ("a..b..c", "..", "a", "b..c"), ("...", "..", "", "."),
      ("x..", "..", "x", ""), ("é…={}ü", "{}", "é…=", "ü"),
    ])
  func isCut(text: String, mark: String, before: String, after: String) throws {
    let parts = try #require(text.cut(at: mark))
    #expect(parts.before == before && parts.after == after)
  }

  @Test("a mark that is not there, or not all of it, cuts nothing", arguments: ["", ".", "1.5s", "a.b.", "now"])
  func isNotCut(text: String) {
    #expect(text.cut(at: "..") == nil)
  }
}
