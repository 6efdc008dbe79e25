import JobCore
import TestSupport
import Testing
import Time

@Suite("Run times") struct RunTimesTests {
  @Test("quantiles are right to one part in sixteen", arguments: [1, 2, 3] as [UInt64])
  func quantiles(seed: UInt64) {
    var chance = SplitMix64(state: seed)
    var times = RunTimes()
    var all: [Nanoseconds] = []
    for _ in 0..<10_000 {
      let time = Nanoseconds(UInt64.random(in: 0..<(1 << UInt64.random(in: 1...40, using: &chance)), using: &chance))
      all.append(time)
      times.add(time)
    }
    all.sort()
    for share in [0.01, 0.25, 0.5, 0.9, 0.99, 1] {
      let exact = Double(all[Int((10_000 * share).rounded(.up)) - 1].count)
      let found = Double(times.quantile(share)!.count)
      #expect(abs(found - exact) <= exact / 16 + 1, "\(share): \(found) for \(exact)")
    }
    #expect(times.histogram.reduce(0) { $0 + $1.count } == 10_000)
  }

  @Test(
    "every time is in the class that says so",
    arguments: [0, 1, 7, 8, 9, 15, 16, 1000, 1 << 40, (1 << 63) + 5, .max].map { Nanoseconds($0) })
  func classes(time: Nanoseconds) {
    var times = RunTimes()
    times.add(time)
    let only = times.histogram[0]
    #expect(times.histogram.count == 1 && only.from <= time && (time < only.to || only.to == .max))
    #expect(Double(times.quantile(0.5)!.count) <= Double(time.count) * 1.125 + 1)
    #expect(times.quantile(1)! <= time, "nothing took longer than the longest")
  }

  @Test("without jobs nothing is known") func empty() { #expect(RunTimes().quantile(0.5) == nil) }
}
