import Time

/// Writes families of samples, in one of the two formats.
struct MetricsWriter {
  enum Kind: String {
    case counter, gauge, histogram, info
  }

  let format: MetricsFormat
  private(set) var bytes: [UInt8] = []

  init(_ format: MetricsFormat) { self.format = format }

  /// The lines before the samples of a family. A unit is the last word of its name.
  mutating func family(_ name: String, _ kind: Kind, unit: String? = nil, _ help: String) {
    switch format {
    case .openMetrics:
      line("# TYPE \(name) \(kind.rawValue)")
      if let unit { line("# UNIT \(name) \(unit)") }
      line("# HELP \(name) \(help)")
    case .prometheusText:
      // There a family is called like its samples, and there is no type of its own for facts.
      let (called, type): (String, String) =
        switch kind {
        case .counter: ("\(name)_total", "counter")
        case .info: ("\(name)_info", "gauge")
        case .gauge, .histogram: (name, kind.rawValue)
        }
      line("# HELP \(called) \(help)")
      line("# TYPE \(called) \(type)")
    }
  }

  mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
    bytes += name.utf8
    var separator = UInt8(ascii: "{")
    for label in labels {
      bytes.append(separator)
      bytes += label.name.utf8
      bytes += "=\"".utf8
      appendEscaped(label.value)
      bytes.append(UInt8(ascii: "\""))
      separator = UInt8(ascii: ",")
    }
    if !labels.isEmpty { bytes.append(UInt8(ascii: "}")) }
    line(" \(value)")
  }

  /// The samples of a histogram of seconds, which began at that time of the wall clock.
  mutating func histogram(_ name: String, _ labels: [(name: String, value: String)], _ times: Histogram, began: Instant)
  {
    var count: UInt64 = 0
    for bucket in times.buckets.indices {
      count += times.buckets[bucket]
      let bound =
        bucket < Histogram.bounds.count
        ? seconds(Histogram.bounds[bucket]) : "+Inf"
      sample("\(name)_bucket", labels + [("le", bound)], "\(count)")
    }
    sample("\(name)_count", labels, "\(count)")
    sample("\(name)_sum", labels, decimal(times.sum.seconds, times.sum.rest))
    if format == .openMetrics { sample("\(name)_created", labels, seconds(began.sinceOrigin)) }
  }

  /// The last line; the older format has none.
  mutating func end() {
    if format == .openMetrics { line("# EOF") }
  }

  private mutating func line(_ text: String) {
    bytes += text.utf8
    bytes.append(0x0A)
  }

  private mutating func appendEscaped(_ value: String) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += "\\\\".utf8
      case UInt8(ascii: "\""): bytes += "\\\"".utf8
      case 0x0A: bytes += "\\n".utf8
      default: bytes.append(byte)
      }
    }
  }
}

/// A time in seconds, exactly.
func seconds(_ time: Nanoseconds) -> String { decimal(time.wholeSeconds, time % .seconds(1)) }

/// Seconds and what is beyond them, with one digit behind the point at least, as OpenMetrics wants bounds: `0.0005`,
/// `1.0`.
func decimal(_ seconds: UInt64, _ rest: Nanoseconds) -> String {
  var digits = String(rest.count)
  digits = String(repeating: "0", count: 9 - digits.count) + digits
  while digits.count > 1, digits.last == "0" { digits.removeLast() }
  return "\(seconds).\(digits)"
}
