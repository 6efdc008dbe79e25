import Chronicle
import JobCore
import TestSupport
import Testing
import Time

@Suite("The page of a report") struct ReportPageTests {
  private func page(of events: [RunEvent]) -> Markup {
    Markup(report(of: events).html(title: "A run", command: "prefork"))
  }

  @Test("a page is well-formed, whatever happened in the run", arguments: [1, 3, 80], [1, 40, 2000])
  func wellFormed(slots: Int, jobs: Int) {
    let page = page(of: BusyRun(seed: UInt64(slots), slots: slots, jobs: jobs).events)
    #expect(page.errors == [])
    #expect(page.elements.count { $0 == "svg" } >= min(slots, 64) + 2)
  }

  @Test("a page of a run in which nothing happened says so")
  func empty() {
    let page = page(of: [])
    #expect(page.errors == [])
    #expect(page.text.contains("No job was settled."))
    #expect(self.page(of: [.attemptStarted(job: 1, attempt: 1, slot: 0, at: 1)]).errors == [])
    #expect(self.page(of: [.workerStarted(slot: 0, pid: 1, at: 0)]).errors == [])
  }

  @Test("a page needs nothing from outside, and runs nothing")
  func selfContained() {
    let bytes = report(of: BusyRun(seed: 2, slots: 3, jobs: 300).events).html(title: "A run", command: "prefork")
    let page = Markup(bytes)
    #expect(page.attributes.contains { $0.value == "default-src 'none'; style-src 'unsafe-inline'" })
    #expect(!page.elements.contains { ["script", "img", "link", "iframe", "object", "a", "form"].contains($0) })
    #expect(!page.attributes.contains { ["src", "href"].contains($0.name) || $0.name.hasPrefix("on") })
    let text = String(decoding: bytes, as: UTF8.self)
    for word in ["http:", "https:", "//", "url(", "@import"] { #expect(!text.contains(word), "\(word)") }
  }

  private static let hostile = [
    "<script>alert(1)</script>", "</title></style></pre></svg><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onclick='x", "&lt;b&gt; &amp; &#60;", "<!-- ", "]]>", "javascript:alert(1)", "</main>", "<b", ">", "{}", "`$\\",
    "\u{202E}right to left", "a\nb\tc",
  ]

  @Test("what comes from outside is text and nothing else, wherever it stands", arguments: hostile)
  func injection(text: String) {
    let calm = page(text: "calm")
    let page = page(text: text)
    #expect(page.errors == [])
    #expect(page.elements == calm.elements, "no element more or less than with a harmless text")
    #expect(page.attributes.map(\.name) == calm.attributes.map(\.name))
    // The title twice, the command, the cause in its table, and each job's name, failure and stderr.
    #expect(page.text.occurrences(of: text) == calm.text.occurrences(of: "calm"))
  }

  @Test("random bytes from outside are text and nothing else", arguments: [1, 2, 3] as [UInt64])
  func fuzz(seed: UInt64) {
    var chance = SplitMix64(state: seed)
    let calm = page(text: "calm")
    for _ in 0..<100 {
      let alphabet = Array("<>&\"'/=! -ascripton;#\n".utf8) + [0, 0x80, 0xC3, 0xFF, 0x1B]
      let bytes = (0..<Int.random(in: 1...40, using: &chance)).map { _ in alphabet.randomElement(using: &chance)! }
      let page = page(text: String(decoding: bytes, as: UTF8.self))
      #expect(page.errors == [] && page.elements == calm.elements)
    }
  }

  private func page(text: String) -> Markup {
    var report = RunReport()
    report.add(.workerEnded(slot: 0, pid: 1, .died, cause: text, at: 5))
    for (sequence, outcome) in Outcome.allCases.enumerated() {
      report.add(
        .jobSettled(
          SettledJob(
            sequence: UInt64(sequence), name: text, outcome: outcome, attempts: 1, slot: 0, pid: 1, acceptedAt: 0,
            startedAt: 1, settledAt: 1_000_000, failure: outcome == .ok ? nil : text, errorLines: [text, text])))
    }
    return Markup(report.html(title: text, command: text))
  }

  @Test("control characters that HTML cannot hold are shown as such")
  func controlCharacters() {
    #expect(page(text: "a\u{0}b\u{1B}[31mc").text.contains("a\u{FFFD}b\u{FFFD}[31mc"))
  }

  @Test("a page tells what an operator looks for")
  func content() {
    var events: [RunEvent] = [
      .workerStarted(slot: 0, pid: 41, at: 0), .workerReady(slot: 0, pid: 41, since: 0, at: 2_000_000_000),
    ]
    for job in 1...30 {
      let begin = Instant.origin + .seconds(2) + .milliseconds(100 * UInt64(job))
      events.append(
        .attemptEnded(job: UInt64(job), attempt: 1, slot: 0, failure: nil, since: begin, at: begin + 90_000_000))
      events.append(
        .jobSettled(
          SettledJob(
            sequence: UInt64(job), outcome: job == 30 ? .crashed : .ok, attempts: 1, slot: 0, pid: 41,
            acceptedAt: begin,
            startedAt: begin, settledAt: begin + 90_000_000, failure: job == 30 ? "worker died of SIGSEGV" : nil,
            errorLines: job == 30 ? ["bad frame", "Segmentation fault"] : [], cpu: 80_000_000, memoryChange: 1 << 20)))
    }
    events.append(.workerEnded(slot: 0, pid: 41, .died, cause: "died of SIGSEGV", at: 5_200_000_000))
    let text = page(of: events).text
    for word in [
      "1 of 30 jobs did not end ok", "worker leaks about 1 MB per job: try --max-jobs 500", "worker died of SIGSEGV",
      "bad frame\nSegmentation fault", "job 30", "pid 41", "97 %",
    ] { #expect(text.contains(word), "\(word)") }
  }

  @Test("the advice is kept for those who have not taken it")
  func advice() {
    var report = RunReport()
    for job in 1...50 as ClosedRange<UInt64> {
      report.add(
        .jobSettled(
          SettledJob(
            sequence: job, outcome: .ok, attempts: 1, slot: 0, pid: 1, acceptedAt: 0,
            settledAt: Instant(nanoseconds: job),
            memoryChange: 1 << 20)))
    }
    let with = { Markup(report.html(title: "", command: "", maxJobs: $0)).text.contains("try --max-jobs 500") }
    #expect(with(nil) && with(1000) && !with(500))
  }
}

extension String {
  /// How often `part` is in it.
  fileprivate func occurrences(of part: String) -> Int { ranges(of: part).count }
}
