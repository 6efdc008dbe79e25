import Metrics
import Testing

@Suite struct MetricsFormatTests {
  @Test(
    "who names OpenMetrics 1.0.0 and likes it no less gets it",
    arguments: [
      "application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8",
      "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
        + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      "text/plain, Application/OpenMetrics-Text;version=\"1.0.0\"", "text/plain;q=0.5 ,\tapplication/openmetrics-text",
    ])
  func openMetrics(accept: String) { #expect(MetricsFormat(accept: accept) == .openMetrics) }

  @Test(
    "everybody else gets the format that all read",
    arguments: [
      "", "*/*", "text/html", ",;,=;q", "application/openmetrics-text;q=0",
      "application/openmetrics-text;version=0.0.1",
      "application/openmetrics-text;version=2.0.0", "application/openmetrics-text;q=0.3, text/plain;q=0.4",
      "application/openmetrics-text;q=nan", "application/openmetrics-text;q=much", "application/openmetrics",
    ])
  func older(accept: String) { #expect(MetricsFormat(accept: accept) == .prometheusText) }
}
