/// The two formats that monitoring systems read.
public enum MetricsFormat: Sendable, Equatable {
  /// OpenMetrics 1.0.
  case openMetrics
  /// The older text format of Prometheus, version 0.0.4.
  case prometheusText

  /// What HTTP calls it.
  public var contentType: String {
    switch self {
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    case .prometheusText: "text/plain; version=0.0.4; charset=utf-8"
    }
  }

  /// What a client prefers that sent this Accept header (RFC 9110, 12.5.1): OpenMetrics only if it names it, in version
  /// 1.0.0 or none, and likes it no less than text/plain. A client that wants neither gets the older one, which
  /// people can read.
  public init(accept: String) {
    var (openMetrics, text) = (0.0, 0.0)
    for range in accept.split(separator: ",") {
      let parts = range.split(separator: ";").map { $0.trimmed.lowercased() }
      var (quality, version) = (1.0, "1.0.0")
      for part in parts.dropFirst() {
        if part.hasPrefix("q=") { quality = Double(part.dropFirst(2)) ?? 0 }
        if part.hasPrefix("version=") { version = part.dropFirst(8).filter { $0 != "\"" } }
      }
      switch parts.first {
      case "application/openmetrics-text" where version == "1.0.0": openMetrics = max(openMetrics, quality)
      case "text/plain": text = max(text, quality)
      default: break
      }
    }
    self = openMetrics > 0 && openMetrics >= text ? .openMetrics : .prometheusText
  }
}

extension Substring {
  /// Without spaces and tabs around it.
  fileprivate var trimmed: Substring {
    var rest = self
    while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
    return rest
  }
}
