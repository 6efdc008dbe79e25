import Text
import Time

/// The jobs that a page names.
extension RunReport {
  func appendSlowest(to page: inout Page) {
    let jobs = notable.slowest
    guard !jobs.isEmpty else { return }
    let hasCPU = jobs.contains { $0.cpu != nil }
    let hasMemory = jobs.contains { $0.memoryChange != nil }
    page.beginSection("Slowest jobs", notable.hasTimeouts ? "Those that ran into their time limit aside." : nil)
    page.table(
      "The \(jobs.count) that ran longest",
      head: ["Job", "Outcome", "Ran", "Waited", "Attempts", "Slot", "At"] + (hasCPU ? ["CPU"] : [])
        + (hasMemory ? ["Memory"] : []),
      numbersFrom: 2,
      rows: jobs.map { job in
        [
          nameText(job), job.outcome.description, preciseDurationText(job.runTime ?? .zero), waitText(job),
          "\(job.attempts)",
          job.slot.map { "\($0)" } ?? "–", job.startedAt.map { preciseDurationText($0 - .origin) } ?? "–",
        ] + (hasCPU ? [job.cpu.map(preciseDurationText) ?? "–"] : [])
          + (hasMemory ? [job.memoryChange.map(signedSizeText) ?? "–"] : [])
      })
    page.endSection()
  }

  func appendFailed(to page: inout Page) {
    guard notable.failedCount > 0 else { return }
    page.beginSection("Jobs that did not end ok")
    var causes = notable.frequentCauses
    let rest = causes.dropFirst(NotableJobs.most).reduce(notable.otherCauses) { $0 + $1.count }
    causes = Array(causes.prefix(NotableJobs.most))
    page.table(
      "Causes", head: ["Outcome", "Cause", "Jobs"], numbersFrom: 2,
      rows: causes.map { [$0.cause.outcome.description, $0.cause.words, groupedText($0.count)] }
        + (rest > 0 ? [["", "other causes", groupedText(rest)]] : []))

    let last = notable.lastOfFailed
    let hidden = notable.failedCount - UInt64(notable.firstFailed.count + last.count)
    page.element("h3", last.isEmpty ? "Each of them" : "The first \(notable.firstFailed.count)")
    appendList(notable.firstFailed, to: &page)
    if !last.isEmpty {
      page.element(
        "h3", "The last \(last.count)" + (hidden > 0 ? "; \(groupedText(hidden)) between are not shown" : ""))
      appendList(last, to: &page)
    }
    page.endSection()
  }

  private func appendList(_ jobs: [SettledJob], to page: inout Page) {
    page.markup("<ol class=\"jobs\">")
    for job in jobs {
      page.markup("<li><p>")
      page.element("strong", nameText(job))
      page.markup(" ")
      page.element("em", job.outcome.description)
      if let failure = job.failure {
        page.markup(" ")
        page.text(failure)
      }
      page.markup("</p>")
      page.element("p", class: "note", circumstances(of: job))
      if !job.errorLines.isEmpty {
        page.markup("<pre aria-label=\"last lines of stderr\">")
        // The parser drops a line feed behind the tag, so that one of ours keeps theirs.
        page.markup("\n")
        page.text(job.errorLines.joined(separator: "\n"))
        page.markup("</pre>")
      }
      page.markup("</li>\n")
    }
    page.markup("</ol>\n")
  }

  private func circumstances(of job: SettledJob) -> String {
    var parts = ["settled at \(preciseDurationText(job.settledAt - .origin))"]
    if let time = job.runTime { parts.append("ran \(preciseDurationText(time))") }
    if job.attempts > 1 { parts.append("\(job.attempts) attempts") }
    if job.attempts == 0 { parts.append("no worker had it") }
    if let slot = job.slot { parts.append("slot \(slot)") }
    if let pid = job.pid { parts.append("pid \(pid)") }
    if let cpu = job.cpu { parts.append("CPU \(preciseDurationText(cpu))") }
    if let change = job.memoryChange { parts.append("memory \(signedSizeText(change))") }
    return parts.joined(separator: " · ")
  }

  private func nameText(_ job: SettledJob) -> String {
    "job \(job.sequence)" + (job.name.map { " “\($0)”" } ?? "")
  }

  private func waitText(_ job: SettledJob) -> String {
    guard job.attempts <= 1, let started = job.startedAt else { return "–" }
    return preciseDurationText(started - job.acceptedAt)
  }

  private func signedSizeText(_ bytes: Int64) -> String { (bytes > 0 ? "+" : "") + compactSizeText(bytes) }
}
