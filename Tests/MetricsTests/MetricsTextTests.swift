import PoolCore
import TestSupport
import Testing
import Time

@testable import Metrics

@Suite struct MetricsTextTests {
  @Test("without pools only the process is told, in OpenMetrics")
  func processOpenMetrics() {
    #expect(
      text([], .openMetrics) == """
        # TYPE prefork_build info
        # HELP prefork_build The tool that serves.
        prefork_build_info{version="1.2.3"} 1
        # TYPE process_start_time_seconds gauge
        # UNIT process_start_time_seconds seconds
        # HELP process_start_time_seconds When the process began, since 1970.
        process_start_time_seconds 1700000000.25
        # TYPE process_cpu_seconds counter
        # UNIT process_cpu_seconds seconds
        # HELP process_cpu_seconds CPU time of the process, without its workers.
        process_cpu_seconds_total 1.5
        # TYPE process_resident_memory_bytes gauge
        # UNIT process_resident_memory_bytes bytes
        # HELP process_resident_memory_bytes Resident memory of the process, without its workers.
        process_resident_memory_bytes 8388608
        # TYPE process_open_fds gauge
        # HELP process_open_fds Open file descriptors.
        process_open_fds 12
        # TYPE process_max_fds gauge
        # HELP process_max_fds The most file descriptors that may be open.
        process_max_fds 1024
        # EOF

        """)
  }

  @Test("the older format names a family after its samples, knows no units, and has no end")
  func processPrometheus() {
    let lines = text([], .prometheusText).split(separator: "\n")
    #expect(
      lines.prefix(3) == [
        "# HELP prefork_build_info The tool that serves.", "# TYPE prefork_build_info gauge",
        "prefork_build_info{version=\"1.2.3\"} 1",
      ])
    #expect(lines.contains("# TYPE process_cpu_seconds_total counter"))
    #expect(!lines.contains { $0.contains("UNIT") || $0.contains("EOF") || $0.contains("_created") })
  }

  @Test("two pools: the samples of both stand in one family")
  func twoPools() {
    let lines = text([busyPool("a"), busyPool("b")], .openMetrics).split(separator: "\n")
    let begin = lines.firstIndex(of: "# TYPE prefork_jobs counter")!
    #expect(
      lines[begin...].prefix(4) == [
        "# TYPE prefork_jobs counter", "# HELP prefork_jobs Jobs that have ended, by outcome.",
        "prefork_jobs_total{pool=\"a\",outcome=\"ok\"} 2", "prefork_jobs_total{pool=\"a\",outcome=\"failed\"} 0",
      ])
    #expect(lines[begin + 9] == "prefork_jobs_total{pool=\"b\",outcome=\"ok\"} 2")
    #expect(lines.count { $0.hasPrefix("# TYPE") } == Set(lines.filter { $0.hasPrefix("# TYPE") }).count)
  }

  @Test("a histogram has cumulative buckets, a count, an exact sum and its beginning")
  func histogram() {
    let lines = text([busyPool("a")], .openMetrics).split(separator: "\n").filter {
      $0.hasPrefix("prefork_job_run_seconds")
    }
    #expect(lines.count == 23)
    #expect(lines[2] == "prefork_job_run_seconds_bucket{pool=\"a\",le=\"0.0025\"} 0")
    #expect(lines[3] == "prefork_job_run_seconds_bucket{pool=\"a\",le=\"0.005\"} 1")
    #expect(lines[10] == "prefork_job_run_seconds_bucket{pool=\"a\",le=\"1.0\"} 1")
    #expect(lines[11] == "prefork_job_run_seconds_bucket{pool=\"a\",le=\"2.5\"} 2")
    #expect(
      lines[19...] == [
        "prefork_job_run_seconds_bucket{pool=\"a\",le=\"+Inf\"} 2", "prefork_job_run_seconds_count{pool=\"a\"} 2",
        "prefork_job_run_seconds_sum{pool=\"a\"} 1.253",
        "prefork_job_run_seconds_created{pool=\"a\"} 1700000001.0",
      ])
  }

  @Test("whatever was counted: buckets never fall, and the last is the count", arguments: 1...10)
  func cumulative(seed: UInt64) {
    var random = SplitMix64(state: seed)
    var metrics = PoolMetrics(began: 0)
    let count = Int.random(in: 1...200, using: &random)
    for _ in 0..<count {
      metrics.jobSettled(
        .allCases.randomElement(using: &random)!, queued: Nanoseconds(random.next() >> 20),
        ran: Bool.random(using: &random)
          ? Nanoseconds(random.next() >> UInt64.random(in: 20...50, using: &random)) : nil,
        input: 0, output: 0)
    }
    let lines = text([PoolReport(name: "x", metrics: metrics, gauges: PoolGauges())], .openMetrics).split(
      separator: "\n")
    func values(_ prefix: String) -> [Int] {
      lines.filter { $0.hasPrefix(prefix) }.map { Int($0.split(separator: " ").last!)! }
    }
    for name in ["prefork_job_queue_seconds", "prefork_job_run_seconds"] {
      let buckets = values(name + "_bucket")
      #expect(buckets == buckets.sorted() && buckets.count == 20)
      #expect([buckets.last!] == values(name + "_count"))
    }
    #expect(values("prefork_jobs_total").reduce(0, +) == count)
    #expect(values("prefork_job_queue_seconds_count") == [count])
  }

  @Test("each reason and cause has a counter and a word of its own")
  func labels() {
    let lines = text([busyPool("a")], .openMetrics).split(separator: "\n")
    let deaths = lines.filter { $0.hasPrefix("prefork_worker_deaths_total") }
    #expect(deaths.compactMap { Int($0.split(separator: " ").last!) } == Array(1...8))
    #expect(RetireReason.all.map(\.label.place) == Array(0..<14))
    for labelled in ["worker_deaths", "worker_retirements", "connections_closed", "connections_refused", "slots"] {
      let family = lines.filter { $0.hasPrefix("prefork_" + labelled) }.map { $0.split(separator: " ")[0] }
      #expect(Set(family).count == family.count && family.count >= 2)
    }
  }

  @Test("quotes, backslashes and line ends in a name are escaped")
  func escaping() {
    let all = text([busyPool("a\"b\\c\nd")], .openMetrics)
    #expect(all.contains("prefork_draining{pool=\"a\\\"b\\\\c\\nd\"} 0\n"))
  }

  @Test("slots are counted by what they do")
  func slots() {
    var pool = PoolStateMachine(
      configuration: PoolConfiguration(minimum: 2, maximum: 3), generator: SeededGenerator(seed: 1))
    var actions: [PoolAction] = []
    pool.handle(.start, at: 0, into: &actions)
    var expected = SlotCounts()
    expected.starting = 2
    #expect(SlotCounts(pool.snapshot) == expected)
    pool.handle(.workerReady(pool.snapshot.slots[0].worker!), at: 1, into: &actions)
    (expected.starting, expected.idle) = (1, 1)
    #expect(SlotCounts(pool.snapshot) == expected)
  }
}
