import JobCore
import Metrics
import PoolCore
import TestSupport
import Time

let someProcess = ProcessReport(
  version: "1.2.3", began: 1_700_000_000_250_000_000, cpuTime: 1_500_000_000, residentBytes: 8_388_608,
  openDescriptors: 12, mostDescriptors: 1024)

/// A pool that has done a little of everything.
func busyPool(_ name: String) -> PoolReport {
  var metrics = PoolMetrics(began: 1_700_000_001_000_000_000)
  for _ in 0..<4 { metrics.jobAccepted() }
  metrics.jobRefused()
  metrics.jobSettled(.ok, queued: 400_000, ran: 3_000_000, input: 10, output: 20)
  metrics.jobSettled(.ok, queued: 0, ran: 1_250_000_000, input: 5, output: 7)
  metrics.jobSettled(.expired, queued: 700_000_000_000, ran: nil, input: 1, output: 0)
  metrics.answersDropped(3)
  metrics.answerInDoubt()
  metrics.workerStarted()
  metrics.startFailed()
  for cause in DeathCause.allCases { for _ in 0...cause.rawValue { metrics.workerDied(cause) } }
  metrics.workerRetired(.jobs)
  metrics.workerRetired(.broken)
  metrics.connectionOpened()
  metrics.connectionClosed(.gone)
  metrics.connectionRefused(.user)
  metrics.received(bytes: 100)
  metrics.sent(bytes: 50)
  var gauges = PoolGauges()
  gauges.slots.idle = 2
  gauges.slots.leased = 1
  (gauges.minimum, gauges.maximum) = (2, 4)
  (gauges.queued, gauges.delayed, gauges.running) = (5, 6, 1)
  gauges.connections = 9
  gauges.isBreakerOpen = true
  return PoolReport(name: name, metrics: metrics, gauges: gauges)
}

func text(_ pools: [PoolReport], _ format: MetricsFormat) -> String {
  String(decoding: metricsText(of: pools, someProcess, as: format), as: UTF8.self)
}
