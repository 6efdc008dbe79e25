import Testing
import Text

@Suite struct PluralTests {
  @Test(
    "only one is singular",
    arguments: [(0, "0 jobs"), (1, "1 job"), (2, "2 jobs"), (-1, "-1 jobs"), (1000, "1000 jobs")])
  func jobs(count: Int, text: String) {
    #expect(plural(count, "job") == text)
  }

  @Test("a noun that takes more than an s")
  func irregular() {
    #expect(plural(1 as UInt64, "breach of the protocol", "breaches of the protocol") == "1 breach of the protocol")
    #expect(plural(3 as UInt64, "breach of the protocol", "breaches of the protocol") == "3 breaches of the protocol")
  }

  @Test("the noun alone")
  func nounAlone() {
    #expect(counted(1, "worker") == "worker")
    #expect(counted(7, "process", "processes") == "processes")
  }
}
