import Testing

/// How much memory the pool itself takes. Only memory of its own is looked at: how much of its code is mapped depends
/// on the machine.
@Suite struct OwnMemoryTests {
  private func jobs(_ count: Int) -> String { String(repeating: "1\n", count: count) }

  private func ask(_ session: Session, _ text: String) {
    let end = session.outputBytes.count + text.utf8.count
    session.send(text)
    session.wait(for: "\(end) bytes of replies") { session.outputBytes.count >= end }
  }

  /// Without an order nothing waits for a worker that the machine leaves without a CPU.
  @Test func itStaysTheSameHoweverManyJobsThereAre() throws {
    let session = try Session("exec prefork run -w 2 --unordered --prefetch 1 -- cat")
    ask(session, jobs(15_000))
    let before = memory("RssAnon", of: session.pid)
    ask(session, jobs(135_000))
    let growth = memory("RssAnon", of: session.pid) - before
    #expect(before > 0 && growth < 512 * 1024, "\(growth) bytes more: \(growth / 135_000) for each job")
    #expect(session.finish().status == 0)
  }

  @Test func mostOfWhatLargeJobsTakeIsGivenBack() throws {
    let session = try Session("exec prefork run -w 2 --unordered -- cat")
    ask(session, jobs(100))
    let before = memory("RssAnon", of: session.pid)
    ask(session, String(repeating: String(repeating: "1", count: (8 << 20) - 1) + "\n", count: 10))
    ask(session, jobs(100))
    let growth = memory("RssAnon", of: session.pid) - before
    #expect(before > 0 && growth < 10 << 20, "\(growth) bytes more after jobs of 8 MiB")
    #expect(session.finish().status == 0)
  }
}
