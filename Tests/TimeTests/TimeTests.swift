import Testing
import Time

@Suite struct NanosecondsTests {
  @Test("a span is made from any unit and read in any unit")
  func units() {
    #expect(Nanoseconds.seconds(2) == .milliseconds(2000))
    #expect(Nanoseconds.milliseconds(3) == .microseconds(3000))
    #expect(Nanoseconds.microseconds(4) == .nanoseconds(4000))
    #expect(Nanoseconds.milliseconds(1500).seconds == 1.5)
    let span = Nanoseconds.nanoseconds(2_345_678_999)
    #expect((span.wholeSeconds, span.milliseconds, span.microseconds) == (2, 2345, 2_345_678))
  }

  @Test("a number of seconds that does not fit is the longest span")
  func unitsSaturate() {
    #expect(Nanoseconds.seconds(.max) == .max)
    #expect(Nanoseconds.milliseconds(.max) == .max)
    #expect(Nanoseconds.microseconds(.max) == .max)
  }

  @Test("no sum, difference, product or quotient traps")
  func saturates() {
    #expect(Nanoseconds.max + .nanoseconds(1) == .max)
    #expect(Nanoseconds.seconds(1) - .seconds(2) == .zero)
    #expect(Nanoseconds.max * 2 == .max)
    #expect(2 * Nanoseconds.seconds(1 << 63) == .max)
    #expect(Nanoseconds.seconds(1) / 0 == .seconds(1))
    #expect(Nanoseconds.seconds(1) / .zero == 1_000_000_000)
    #expect(Nanoseconds.seconds(1) % .zero == .zero)
    var span = Nanoseconds.max
    span += .seconds(1)
    #expect(span == .max)
    span -= .max
    span -= .max
    #expect(span == .zero)
  }

  @Test("what fits is exact")
  func exact() {
    #expect(Nanoseconds.seconds(1) + .nanoseconds(1) == .nanoseconds(1_000_000_001))
    #expect(Nanoseconds.seconds(3) - .seconds(1) == .seconds(2))
    #expect(Nanoseconds.seconds(7) / 2 == .milliseconds(3500))
    #expect(Nanoseconds.seconds(7) / .seconds(2) == 3)
    #expect(Nanoseconds.seconds(7) % .seconds(2) == .seconds(1))
  }

  @Test("a Double of nanoseconds becomes a span, whatever it is")
  func fromDouble() {
    #expect(Nanoseconds(truncating: 1.5e9) == .milliseconds(1500))
    #expect(Nanoseconds(truncating: -1) == .zero)
    #expect(Nanoseconds(truncating: .nan) == .zero)
    #expect(Nanoseconds(truncating: .infinity) == .max)
    #expect(Nanoseconds(truncating: 0x1p64) == .max)
    #expect(Nanoseconds.seconds(2).scaled(by: 0.25) == .milliseconds(500))
    #expect(Nanoseconds.max.scaled(by: 2) == .max)
  }
}

@Suite struct InstantTests {
  @Test("a moment moves by a span, and two of them are a span apart")
  func arithmetic() {
    let start = Instant(nanoseconds: 10)
    #expect(start + .seconds(1) - start == .seconds(1))
    #expect(start + .nanoseconds(5) == Instant(nanoseconds: 15))
    #expect(start - .nanoseconds(4) == Instant(nanoseconds: 6))
    #expect(start < start + .nanoseconds(1))
    var moment = start
    moment += .nanoseconds(2)
    #expect(moment.sinceOrigin == .nanoseconds(12))
  }

  @Test("no moment is before the origin or after the distant future")
  func saturates() {
    #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
    #expect(Instant.origin + .max == .distantFuture)
    #expect(Instant.origin - .seconds(1) == .origin)
    #expect(Instant(nanoseconds: 1) - Instant(nanoseconds: 2) == .zero)
  }

  @Test("both types are as small as the number they replace")
  func size() {
    #expect(MemoryLayout<Instant>.size == 8)
    #expect(MemoryLayout<Nanoseconds>.size == 8)
  }
}
