import Testing
import TopView

/// Keys from bytes.
@Suite struct KeyReaderTests {
  @Test(
    "keys come as their bytes say, however the bytes are cut",
    arguments: [
      ("j", [.character("j")]), ("\u{3}", [.control("c")]), ("\t\r", [.tab, .enter]), ("\u{1B}[A", [.up]),
      ("\u{1B}OB", [.down]), ("\u{1B}[5~\u{1B}[6~", [.pageUp, .pageDown]), ("\u{1B}[H\u{1B}[4~", [.home, .end]),
      // Keys that mean nothing: F3, F5, Delete, Alt-r, shifted arrows, letters beyond ASCII.
      ("\u{1B}OR\u{1B}[15~\u{1B}[3~\u{1B}r\u{1B}[1;2AéR", [.character("R")]),
      ("\u{1B}\u{1B}[Aq", [.escape, .up, .character("q")]), ("\u{1B}[200~dyR\nq\u{1B}[201~k", [.character("k")]),
    ] as [(String, [Key])])
  func keys(text: String, expected: [Key]) {
    var whole = KeyReader()
    #expect(whole.read(text.utf8) == expected)
    var bytewise = KeyReader()
    #expect(text.utf8.flatMap { bytewise.read([$0]) } == expected)
    #expect(!whole.isUndecided)
  }

  @Test("an escape that nothing follows is the Escape key")
  func escape() {
    var reader = KeyReader()
    #expect(reader.read([0x1B]) == [])
    #expect(reader.isUndecided)
    #expect(reader.settle() == .escape)
    #expect(reader.read("[A".utf8) == [.character("["), .character("A")])
  }

  @Test("a sequence without end is given up, and its end is no key")
  func endlessSequence() {
    var reader = KeyReader()
    #expect(reader.read("\u{1B}[1;".utf8) == [])
    #expect(reader.settle() == nil)
    #expect(reader.read("j".utf8) == [.character("j")])
  }
}
