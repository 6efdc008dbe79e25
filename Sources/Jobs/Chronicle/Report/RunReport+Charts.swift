import Text
import Time

extension RunReport {
  /// The pieces of time up to the end of the run, in at most `most` columns of equal width.
  private func columns(most: Int) -> (pieces: Int, count: Int) {
    let all = Int((elapsed + buckets.width - .nanoseconds(1)) / buckets.width as UInt64)
    let pieces = max(1, (all + most - 1) / most)
    return (pieces, max(1, (all + pieces - 1) / pieces))
  }

  /// Where the run ends in a picture of `columns`, the last of which may be only partly filled.
  private func share(ofEndIn columns: (pieces: Int, count: Int)) -> Double {
    elapsed.seconds / (UInt64(columns.pieces * columns.count) * buckets.width).seconds
  }

  private func timeAxis(_ columns: (pieces: Int, count: Int), on page: inout Page) {
    let share = share(ofEndIn: columns)
    page.axis(timeTicks(to: elapsed).map { ($0.place * share, $0.text) })
  }

  private func sums(_ series: Series, in columns: (pieces: Int, count: Int)) -> [UInt64] {
    (0..<columns.count).map { column in
      (column * columns.pieces..<(column + 1) * columns.pieces).reduce(0) { $0 + series[$1] }
    }
  }

  // MARK: Throughput

  func appendThroughput(to page: inout Page) {
    guard elapsed > .zero, jobs > 0 else { return }
    let columns = columns(most: 150)
    let width = UInt64(columns.pieces) * buckets.width
    let good = sums(settledOK, in: columns)
    let bad = sums(settledNotOK, in: columns)
    // The last column ends with the run; a sliver of one would show a rate that there never was.
    let seconds = (0..<columns.count).map {
      max(width / 2, min(width, elapsed - UInt64($0) * width)).seconds
    }
    let rates = good.indices.map { Double(good[$0] + bad[$0]) / seconds[$0] }
    let top = niceCeiling(rates.max() ?? 1)
    let heights = rates.map { Int(($0 / top * 200).rounded()) }
    let badHeights = bad.indices.map { column -> Int in
      let height = Double(bad[column]) / seconds[column] / top * 200
      return bad[column] > 0 ? max(2, Int(height.rounded())) : 0
    }

    page.beginSection("Throughput", "Jobs settled per second.")
    page.markup("<div class=\"plot tall\">")
    page.beginPicture("Jobs per second over time, at most \(figureText(rates.max() ?? 0))", height: 200)
    page.steps("ok", heights, base: 200)
    page.steps("failed", badHeights, base: 200)
    page.hints(
      rates.indices.map {
        let time = preciseDurationText(UInt64($0) * width)
        return "\(time): \(figureText(rates[$0])) a second" + (bad[$0] > 0 ? ", \(groupedText(bad[$0])) not ok" : "")
      }, height: 200)
    page.endPicture()
    page.scale(to: top)
    page.markup("</div>")
    timeAxis(columns, on: &page)
    page.legend([("ok", "ok")] + (notable.failedCount > 0 ? [("failed", "not ok")] : []))
    appendWaiting(columns, to: &page)
    page.folded(
      "Jobs settled, by time", head: ["From", "ok", "not ok"],
      rows: good.indices.map { [preciseDurationText(UInt64($0) * width), groupedText(good[$0]), groupedText(bad[$0])] })
    page.endSection()
  }

  private func appendWaiting(_ columns: (pieces: Int, count: Int), to page: inout Page) {
    var greatest: [UInt64] = []
    for column in 0..<columns.count {
      let sampled = (column * columns.pieces..<(column + 1) * columns.pieces).map { waiting[$0] }.max() ?? 0
      // Between two samples it is as it was.
      greatest.append(sampled > 0 ? sampled - 1 : greatest.last ?? 0)
    }
    guard let most = greatest.max(), most > 0 else { return }
    let top = niceCeiling(Double(most))
    page.element("h3", "Jobs that wait for a worker")
    page.markup("<div class=\"plot low\">")
    page.beginPicture("Waiting jobs over time, at most \(groupedText(most))", height: 200)
    page.steps("waiting", greatest.map { Int((Double($0) / top * 200).rounded()) }, base: 200)
    page.endPicture()
    page.scale(to: top)
    page.markup("</div>")
    timeAxis(columns, on: &page)
  }

  // MARK: Run times

  func appendRunTimes(to page: inout Page) {
    let classes = runTimes.histogram
    guard let first = classes.first, let last = classes.last else { return }
    let from = logarithm(first.from).rounded(.down)
    let span = max(1, logarithm(last.to).rounded(.up) - from)
    let place = { (time: Nanoseconds) in (logarithm(time) - from) / span }
    // The classes are not equally wide on this scale: it is the area that shows the jobs.
    let densities = classes.map { Double($0.count) / max(0.0001, place($0.to) - place($0.from)) }
    let most = densities.max() ?? 1

    page.beginSection("Run times", "How long jobs ran, on a logarithmic scale. The area of a bar shows how many.")
    page.markup("<div class=\"plot tall\">")
    page.beginPicture("Histogram of run times", height: 200)
    for (one, density) in zip(classes, densities) {
      let left = place(one.from) * 1000
      let height = max(1.5, density / most * 200)
      page.markup("<rect class=\"job\" x=\"")
      page.text(decimalText(left, decimals: 1))
      page.markup("\" y=\"")
      page.text(decimalText(200 - height, decimals: 1))
      page.markup("\" width=\"")
      page.text(decimalText(max(0.5, place(one.to) * 1000 - left - 0.6), decimals: 1))
      page.markup("\" height=\"")
      page.text(decimalText(height, decimals: 1))
      page.markup("\"><title>")
      let jobs = "\(groupedText(one.count)) \(counted(one.count, "job"))"
      page.text("\(preciseDurationText(one.from)) to \(preciseDurationText(one.to)): \(jobs)")
      page.markup("</title></rect>")
    }
    let marks = [0.5, 0.9, 0.99].map { runTimes.quantile($0) ?? .zero }
    page.uprights("median", at: [place(marks[0])], height: 200)
    page.uprights("p90", at: [place(marks[1])], height: 200)
    page.uprights("p99", at: [place(marks[2])], height: 200)
    page.endPicture()
    page.markup("</div>")
    page.axis(
      Self.roundTimes(finely: span < 14).map { (place($0), roundDurationText($0)) }.filter {
        (0.005...1).contains($0.0)
      })
    page.legend([
      ("line median", "median \(preciseDurationText(marks[0]))"), ("line p90", "90 % \(preciseDurationText(marks[1]))"),
      ("line p99", "99 % \(preciseDurationText(marks[2]))"),
    ])
    page.folded(
      "Jobs by run time", head: ["From", "to", "Jobs", "Share"],
      rows: classes.map {
        [
          preciseDurationText($0.from), preciseDurationText($0.to), groupedText($0.count),
          shareText($0.count, of: runTimes.count),
        ]
      })
    page.endSection()
  }

  /// Powers of ten, and also twice and five times those.
  private static func roundTimes(finely: Bool) -> [Nanoseconds] {
    let powers: [UInt64] = (0...15).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
    return powers.flatMap { power in (finely ? [1, 2, 5] : [1]).map { Nanoseconds(power * $0) } }
  }

  // MARK: Slots

  func appendTimelines(to page: inout Page) {
    guard elapsed > .zero, !timelines.rows.isEmpty else { return }
    let columns = columns(most: 200)
    page.beginSection("Slots", "What each slot did with its time; to the right, how much of it went to jobs.")
    page.markup(timelines.rows.count <= 16 ? "<div class=\"slots few\">" : "<div class=\"slots\">")
    for (slot, row) in timelines.rows.enumerated() {
      let name = slot < SlotTimelines.mostShown ? "\(slot)" : "+\(row.slots)"
      page.element("b", name)
      appendTimeline(row, called: name, columns, to: &page)
      page.element("span", shareText(total(row.jobs), of: (elapsed * UInt64(row.slots)).count))
    }
    page.markup("<b></b><div>")
    timeAxis(columns, on: &page)
    page.markup("</div><span></span></div>\n")
    page.legend([
      ("job", "job"), ("start", "start"), ("upkeep", "probe, reset, stop"), ("idle", "idle"), ("none", "no worker"),
      ("line death", "died or did not start"),
    ])
    page.folded(
      "Share of time, by slot", head: ["Slot", "Job", "Start", "Probe, reset, stop", "No worker", "Died, not started"],
      rows: timelines.rows.enumerated().map { slot, row in
        let time = (elapsed * UInt64(row.slots)).count
        return [
          slot < SlotTimelines.mostShown ? "\(slot)" : "\(row.slots) more", shareText(total(row.jobs), of: time),
          shareText(total(row.starts), of: time), shareText(total(row.upkeep), of: time),
          shareText(time - min(time, total(row.alive)), of: time), groupedText(total(row.deaths)),
        ]
      })
    page.endSection()
  }

  private func appendTimeline(
    _ row: SlotTimelines.Row, called name: String, _ columns: (pieces: Int, count: Int), to page: inout Page
  ) {
    let width = UInt64(columns.pieces) * buckets.width
    // Of the last column, only what lies before the end of the run.
    let times = (0..<columns.count).map { Double(min(width, elapsed - UInt64($0) * width).count) * Double(row.slots) }
    let heights = { (amounts: [UInt64]) in
      zip(amounts, times).map { Int(min(1, Double($0) / max(1, $1)) * 40 + 0.5) }
    }
    let jobs = sums(row.jobs, in: columns)
    let starts = zip(jobs, sums(row.starts, in: columns)).map { $0 + $1 }
    let upkeep = zip(starts, sums(row.upkeep, in: columns)).map { $0 + $1 }
    let none = zip(sums(row.alive, in: columns), times).map { UInt64(max(0, $1 - Double($0))) }
    let deaths = sums(row.deaths, in: columns)
    let died = deaths.reduce(0, +)
    page.beginPicture("Slot \(name): \(groupedText(died)) \(counted(died, "death"))", height: 40)
    page.hangingSteps("none", heights(none))
    page.steps("upkeep", heights(upkeep), base: 40)
    page.steps("start", heights(starts), base: 40)
    page.steps("job", heights(jobs), base: 40)
    let places = deaths.indices.filter { deaths[$0] > 0 }.map { (Double($0) + 0.5) / Double(columns.count) }
    page.uprights("death", at: places, height: 40)
    page.endPicture()
  }

  private func total(_ series: Series) -> UInt64 { series.values.reduce(0, +) }
}

/// The binary logarithm of the nanoseconds to 24 bits behind the point, which the standard library lacks. 0 for 0.
private func logarithm(_ time: Nanoseconds) -> Double {
  let number = time.count
  guard number > 0 else { return 0 }
  let exponent = 63 - number.leadingZeroBitCount
  var rest = Double(number) / Double(UInt64(1) << UInt64(exponent))
  var result = Double(exponent)
  var bit = 0.5
  for _ in 0..<24 {
    rest *= rest
    if rest >= 2 {
      rest /= 2
      result += bit
    }
    bit /= 2
  }
  return result
}
