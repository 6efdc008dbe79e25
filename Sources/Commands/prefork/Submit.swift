import CommandLineKit
import JobCore
import JobRunner
import LinuxIO
import RemotePool

/// Runs the jobs of stdin in a served pool and returns the exit status.
func submitCommand(_ arguments: ParsedArguments) -> Int32 {
  performRun(arguments) { closed throws(SystemError) in
    try submit(
      configuration(from: arguments), from: standardInput(from: arguments, closed), to: pool(from: arguments),
      stderrWasClosed: closed.stderr)
  }
}

private func configuration(from arguments: ParsedArguments) -> RunConfiguration {
  var ledger = JobLedger.Configuration(
    keepOrder: arguments[RunOptions.order] == .input, orderWindow: arguments[RunOptions.orderWindow])
  ledger.halt = arguments[RunOptions.halt]
  var configuration = runConfiguration(from: arguments, ledger: ledger, workersShareStderr: false)
  configuration.logsUsage = true
  return configuration
}

private func pool(from arguments: ParsedArguments) -> RemotePoolConfiguration {
  let address = ValueKind<SocketAddress>.socketAddress.value(of: arguments.operands[0])
  var pool = RemotePoolConfiguration(address: address)
  pool.connectLimit = arguments[SubmitOptions.connectTimeout]
  pool.reconnectDelay = arguments[SubmitOptions.reconnect].map {
    RetryDelay(minimum: $0.lowerBound, maximum: $0.upperBound)
  }
  pool.reconnectLimit = arguments[SubmitOptions.reconnectTimeout]
  pool.runLimit = arguments[SubmitOptions.timeout]
  pool.retries = arguments[SubmitOptions.retries]
  pool.maximumReplySize = arguments[SubmitOptions.maxReplySize]
  return pool
}
