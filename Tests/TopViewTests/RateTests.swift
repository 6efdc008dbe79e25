import ControlProtocol
import TestSupport
import Testing
import Time
import TopView

/// Rates, from statuses whose times are ours.
@Suite struct RateTests {
  /// A view that got these counts of jobs that ended ok, one a second.
  private func view(_ counts: [Int]) -> TopView {
    var view = sampleView(columns: 60, rows: 20)
    for (time, count) in counts.enumerated() {
      var pool = PoolStatus(name: "default", phase: .serving)
      pool.jobs.ok = count
      view.take([pool], at: .origin + UInt64(time) * second)
    }
    return view
  }

  private func line(_ label: String, of view: TopView) -> String {
    screen(view).split(separator: "\n").map(String.init).first { $0.hasPrefix(label) } ?? ""
  }

  @Test("the rate is that of the last 5 seconds")
  func lastSeconds() {
    #expect(line("jobs", of: view([100])).hasSuffix("100 ok  -/s"))
    #expect(line("jobs", of: view([100, 100])).hasSuffix("  0/s"))
    #expect(line("jobs", of: view([0, 10, 20, 30])).hasSuffix("  10/s"))
    #expect(line("jobs", of: view([0, 1000, 1010, 1020, 1030, 1040, 1050])).hasSuffix("  10/s"))
    #expect(line("jobs", of: view([0, 0, 0, 0, 0, 1])).hasSuffix("  12/min"))
  }

  @Test("a bar for each second, the highest as high as a line")
  func bars() {
    let rate = line("rate", of: view([0, 80, 80, 90, 130, 170]))
    #expect(rate == "rate                               █ ▁▄▄  peak 80/s in 30s")
  }

  @Test("a status that comes late fills the bars of the time that it is late")
  func lateStatus() {
    var view = sampleView(columns: 60, rows: 20)
    var pool = PoolStatus(name: "default", phase: .serving)
    view.take([pool], at: 0)
    pool.jobs.ok = 40
    view.take([pool], at: .origin + 4 * second)
    #expect(line("rate", of: view) == "rate                                ████  peak 10/s in 30s")
  }

  @Test("a server that was started anew begins anew")
  func restart() {
    #expect(line("jobs", of: view([5000, 5100, 3])).hasSuffix("3 ok  -/s"))
    #expect(line("jobs", of: view([5000, 5100, 3, 5])).hasSuffix("5 ok  2.0/s"))
  }

  @Test("every outcome has a rate of its own")
  func outcomes() {
    var view = sampleView()
    var pool = samplePool()
    view.take([pool], at: 0)
    pool.jobs.timeout += 1
    pool.jobs.crashed += 30
    view.take([pool], at: .origin + 2 * second)
    #expect(line("not ok", of: view) == "not ok    8 failed  5 timeout (30/min)  30 crashed (15/s)")
  }

  @Test("after a day of silence only the bars that are kept are made")
  func longSilence() {
    var view = sampleView(columns: 60, rows: 20)
    var pool = PoolStatus(name: "default", phase: .serving)
    view.take([pool], at: 0)
    pool.jobs.ok = 86_400 * 7
    view.take([pool], at: .origin + 86_400 * second)
    #expect(line("rate", of: view).hasSuffix(String(repeating: "█", count: 30) + "  peak 7.0/s in 30s"))
  }
}
