import TestSupport
import Testing
import Time

@testable import Metrics

@Suite struct HistogramTests {
  @Test("a time that is a bound belongs to the bucket below it, one nanosecond more to the next")
  func bounds() {
    for place in Histogram.bounds.indices {
      var histogram = Histogram()
      histogram.add(Histogram.bounds[place])
      histogram.add(Histogram.bounds[place] + 1)
      #expect(histogram.buckets[place] == 1 && histogram.buckets[place + 1] == 1)
    }
  }

  @Test("bounds rise, by a factor of 3 at most, from half a millisecond to ten minutes")
  func series() {
    #expect(Histogram.bounds[0] == 500_000 && Histogram.bounds[18] == 600_000_000_000)
    for place in 1..<Histogram.bounds.count {
      #expect(Histogram.bounds[place] > Histogram.bounds[place - 1])
      #expect(Histogram.bounds[place] <= 3 * Histogram.bounds[place - 1])
    }
  }

  @Test("every time is counted once, and the sum is exact", arguments: 1...20)
  func sums(seed: UInt64) {
    var random = SplitMix64(state: seed)
    var histogram = Histogram()
    var sum: UInt64 = 0
    let count = Int.random(in: 1...500, using: &random)
    for _ in 0..<count {
      let time = Nanoseconds(random.next() >> UInt64.random(in: 20...63, using: &random))
      histogram.add(time)
      sum += time.count
    }
    #expect(histogram.buckets.indices.reduce(0) { $0 + histogram.buckets[$1] } == count)
    #expect(histogram.sum.seconds * 1_000_000_000 + histogram.sum.rest.count == sum)
    #expect(histogram.sum.rest < .seconds(1))
  }

  @Test("a sum beyond what 64 bits of nanoseconds hold is still right")
  func large() {
    var histogram = Histogram()
    for _ in 0..<3 { histogram.add(.max) }
    #expect(histogram.sum == (55_340_232_221, 128_654_845))
  }
}
