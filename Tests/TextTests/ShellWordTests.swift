import Testing
import Text

@Suite("Words for a shell") struct ShellWordTests {
  @Test(
    "nothing is special in single quotes, and a quote ends them for itself alone",
    arguments: [
      ("", "''"), ("a", "'a'"), ("it's", #"'it'\''s'"#), ("'", #"''\'''"#), ("$(x) \\ \n", "'$(x) \\ \n'"),
      ("é", "'é'"),
    ])
  func isQuoted(text: String, quoted: String) { #expect(shellQuoted(text) == quoted) }

  @Test(
    "a word that is safe stays bare",
    arguments: [
      ("worker.py", "worker.py"), ("--max-jobs=5", "--max-jobs=5"), ("/a/b_c", "/a/b_c"), ("", "''"), ("a b", "'a b'"),
      ("~", "'~'"), ("*", "'*'"), ("a;b", "'a;b'"), ("é", "'é'"), ("don't", #"'don'\''t'"#),
    ])
  func words(word: String, typed: String) { #expect(shellWord(word) == typed) }
}
