import Glibc
import Metrics
import TestSupport
import Testing
import Time

/// What we write, read by the parsers of PyPI's prometheus_client, which `make test` installs.
@Suite struct ParserTests {
  static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  static let library = root + "/.build/python"
  static var isThere: Bool { access(library + "/prometheus_client", R_OK) == 0 }

  @Test(
    "the parser of prometheus_client reads every family and every figure",
    .enabled(
      if: isThere,
      "NOT CHECKED with a real parser: prometheus_client is not installed; `make python-judges` gets it from PyPI"),
    arguments: [MetricsFormat.openMetrics, .prometheusText])
  func parses(format: MetricsFormat) throws {
    let name = "we\"ird\\ one"
    let lines = try Self.parse(metricsText(of: [busyPool("a"), busyPool(name)], someProcess, as: format), format)
    func value(_ sample: String, _ labels: String) -> String? {
      let start = "sample \(sample) \(labels) "
      return lines.first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
    }
    #expect(value("prefork_jobs_total", "outcome='ok',pool='a'") == "2.0", "\(lines)")
    #expect(value("prefork_jobs_total", "outcome='expired',pool='we\"ird\\\\ one'") == "1.0")
    #expect(value("prefork_job_queue_seconds_bucket", "le='600.0',pool='a'") == "2.0")
    #expect(value("prefork_job_queue_seconds_bucket", "le='+Inf',pool='a'") == "3.0")
    #expect(value("prefork_job_queue_seconds_sum", "pool='a'") == "700.0004")
    #expect(value("prefork_worker_deaths_total", "cause='job_timeout',pool='a'") == "8.0")
    #expect(value("process_resident_memory_bytes", "-") == "8388608.0")
    #expect(value("prefork_build_info", "version='1.2.3'") == "1.0")
    let families = lines.filter { $0.hasPrefix("family") }
    #expect(families.count == 31)
    if format == .openMetrics {
      #expect(families.contains("family prefork_job_run_seconds histogram seconds 46"))
      #expect(families.contains("family prefork_sent_bytes counter bytes 2"))
    }
  }

  @Test(
    "that parser would say so if the text were wrong",
    .enabled(if: isThere, "NOT CHECKED with a real parser: prometheus_client is not installed"))
  func refuses() {
    let text = metricsText(of: [busyPool("a")], someProcess, as: .openMetrics)
    #expect(throws: NotParsed.self) { _ = try Self.parse(text.dropLast(6), .openMetrics) }
  }

  struct NotParsed: Error {
    let lines: [Substring]
  }

  static func parse(_ text: some Collection<UInt8>, _ format: MetricsFormat) throws -> [Substring] {
    let file = makeTemporaryFile()
    defer { unlink(file.path) }
    let bytes = Array(text)
    let written = write(file.descriptor, bytes, bytes.count)
    close(file.descriptor)
    try #require(written == bytes.count)
    let kind = format == .openMetrics ? "openmetrics" : "prometheus"
    let parser = "\(root)/Tests/MetricsTests/parse.py"
    let stream = try #require(popen("PYTHONPATH='\(library)' python3 '\(parser)' \(kind) '\(file.path)' 2>&1", "r"))
    var output: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&block, 1, block.count, stream), count > 0 { output += block[..<count] }
    let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
    guard pclose(stream) == 0 else { throw NotParsed(lines: lines) }
    return lines
  }
}
