import JobCore
import Text

extension RunReport {
  /// The page: one file of HTML that needs no network and no script, for light and dark screens, phones and paper.
  ///
  /// - `title`: what the page is called, "prefork" or the user's own words.
  /// - `command`: the command line, as people read it.
  /// - `maxJobs`: the limit of jobs per worker that the run had, if any; the advice about memory depends on it.
  public func html(title: String, command: String, maxJobs: Int64? = nil) -> [UInt8] {
    let whole = closed()
    var page = Page()
    page.markup(
      """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">

      """)
    page.element("title", title)
    page.markup("<style>")
    page.markup(pageStyle)
    page.markup("</style></head><body><main>\n<header>")
    page.element("h1", title)
    page.element("p", class: "command", command)
    whole.appendVerdict(to: &page)
    page.markup("</header>\n")
    if let advice = memory.advice(maxJobs: maxJobs) {
      page.markup("<aside><strong>Advice</strong> ")
      page.text(advice)
      page.markup("</aside>\n")
    }
    whole.appendFigures(to: &page)
    whole.appendThroughput(to: &page)
    whole.appendRunTimes(to: &page)
    whole.appendOutcomes(to: &page)
    whole.appendTimelines(to: &page)
    whole.appendSlowest(to: &page)
    whole.appendFailed(to: &page)
    page.markup("</main></body></html>\n")
    return page.bytes
  }

  private func appendVerdict(to page: inout Page) {
    let failed = jobs - outcomes[.ok, default: 0]
    if jobs == 0 {
      page.element("p", class: "verdict", "No job was settled.")
    } else if failed == 0 {
      page.element(
        "p", class: "verdict good", jobs == 1 ? "✓ The job ended ok." : "✓ All \(groupedText(jobs)) jobs ended ok.")
    } else {
      let which = jobs == 1 ? "The job" : "\(groupedText(failed)) of \(groupedText(jobs)) jobs"
      page.element("p", class: "verdict bad", "✗ \(which) did not end ok.")
    }
  }

  // MARK: Headline figures

  private func appendFigures(to page: inout Page) {
    page.markup("<section class=\"figures\"><h2>In figures</h2>")
    group("Jobs", jobFigures, on: &page)
    group("Run time", quantiles(of: runTimes), on: &page)
    group("Wait in queue", quantiles(of: queueTimes), on: &page)
    group("Workers", workerFigures, on: &page)
    if cpuTimes.count > 0 { group("CPU time", quantiles(of: cpuTimes), on: &page) }
    if isMemoryMeasured { group("Memory", memoryFigures, on: &page) }
    page.endSection()
  }

  private func group(_ name: String, _ figures: [(name: String, value: String)], on page: inout Page) {
    guard !figures.isEmpty else { return }
    page.markup("<div class=\"group\">")
    page.element("h3", name)
    page.markup("<dl>")
    for figure in figures {
      page.markup("<div>")
      page.element("dt", figure.name)
      page.element("dd", figure.value)
      page.markup("</div>")
    }
    page.markup("</dl></div>\n")
  }

  private var jobFigures: [(name: String, value: String)] {
    let rate = elapsed == .zero ? "–" : figureText(Double(jobs) / elapsed.seconds)
    return [
      ("settled", groupedText(jobs)), ("not ok", groupedText(notable.failedCount)), ("attempts", groupedText(attempts)),
      ("elapsed", preciseDurationText(elapsed)), ("jobs per second", rate),
    ]
  }

  private func quantiles(of times: RunTimes) -> [(name: String, value: String)] {
    guard times.count > 0 else { return [] }
    let shares: [(String, Double)] = [("median", 0.5), ("90 %", 0.9), ("99 %", 0.99)]
    return shares.map { ($0.0, preciseDurationText(times.quantile($0.1) ?? .zero)) } + [
      ("longest", preciseDurationText(times.longest)), ("in all", preciseDurationText(times.total)),
    ]
  }

  private var workerFigures: [(name: String, value: String)] {
    var figures = [("started", groupedText(workersStarted))]
    if let start = startTimes.quantile(0.5) { figures.append(("median start", preciseDurationText(start))) }
    figures.append(("recycled", groupedText(workerEnds[.recycled, default: 0])))
    figures.append(("died", groupedText(workerEnds[.died, default: 0])))
    figures.append(("failed starts", groupedText(workerEnds[.failedStart, default: 0])))
    return figures
  }

  private var memoryFigures: [(name: String, value: String)] {
    var figures = [("mean change a job", compactSizeText(memoryChange / Int64(max(1, memoryJobs))))]
    if let leak = memory.leak { figures.append(("leak a job", compactSizeText(leak.perJob))) }
    return figures
  }

  // MARK: Outcomes

  private func appendOutcomes(to page: inout Page) {
    guard jobs > 0 else { return }
    page.beginSection("Outcomes")
    page.markup("<div class=\"bar\" aria-hidden=\"true\">")
    for outcome in Outcome.allCases {
      guard let count = outcomes[outcome] else { continue }
      page.markup("<i class=\"")
      page.markup(outcome.css)
      page.markup("\" style=\"flex-grow:")
      page.text("\(count)")
      page.markup("\"></i>")
    }
    page.markup("</div>\n")
    page.legend(Outcome.allCases.filter { outcomes[$0] != nil }.map { ($0.css, $0.description) })
    page.table(
      "Jobs by outcome", head: ["Outcome", "Jobs", "Share"],
      rows: Outcome.allCases.compactMap { outcome in
        outcomes[outcome].map { [outcome.description, groupedText($0), shareText($0, of: jobs)] }
      })
    page.endSection()
  }
}

extension Outcome {
  /// The class of its colour.
  fileprivate var css: StaticString {
    switch self {
    case .ok: "ok"
    case .failed: "failed"
    case .timeout: "timeout"
    case .crashed: "crashed"
    case .quarantined: "quarantined"
    case .cancelled: "cancelled"
    case .expired: "expired"
    }
  }
}
