import CommandLineKit
import JobCore
import PoolCore
import Time

/// What the jobs of one batch must have in common.
enum BatchKey: String, CaseIterable {
  case key
}

/// The options of messages that carry several jobs.
enum BatchOptions {
  static let batch = Option.optional(
    "batch", .integer(in: 1...10_000, example: 32), unset: "off",
    help:
      "send up to N jobs in one message: an array of requests in JSON-RPC, else a message with their number and then "
      + "the jobs; a worker finds N in PREFORK_BATCH, and answers each of them")
  static let wait = Option<Nanoseconds>(
    "batch-wait", .duration(example: "5ms"), default: "0",
    help: "how long the oldest job may wait for its batch to fill; 0: a batch is what is there")
  static let bytes = Option.optional(
    "batch-bytes", .size(), unset: "no limit", help: "most bytes of the jobs of one batch; a larger job goes alone")
  static let key = Option.optional(
    "batch-by", ValueKind<BatchKey>.choice, unset: "nothing",
    help: "only jobs with the same key in their records are in one batch; those without a key are together")

  static let group = OptionGroup("batches", [batch, wait, bytes, key])
  static let groupOfCheck = OptionGroup("batches", [batch])

  static let requirements = [
    Requirement(wait, needs: batch), Requirement(bytes, needs: batch), Requirement(key, needs: batch),
  ]

  /// A batch is one message, which its worker has alone, and between the jobs of which nothing can be sent or seen.
  static let exclusions = [
    Exclusion(batch, ProtocolOptions.workerProtocol, "mcp") { $1 == .mcp },
    Exclusion(batch, ProtocolOptions.workerProtocol, "bazel-json") { $1 == .bazelJSON },
    Exclusion(batch, ProtocolOptions.workerProtocol, "bazel-proto") { $1 == .bazelProto },
    Exclusion(batch, ProtocolOptions.replyProtocol), Exclusion(batch, ProtocolOptions.repl),
    Exclusion(batch, ProtocolOptions.end),
    Exclusion(batch, ProtocolOptions.concurrency, "above 1") { $1 > 1 },
    Exclusion(batch, RunOptions.prefetch, "above 1") { $1 ?? 1 > 1 },
    Exclusion(batch, RunOptions.reset), Exclusion(batch, ProtocolOptions.failOnStderr),
  ]

  /// Which jobs go together; nil for none.
  static func rule(from arguments: ParsedArguments) -> BatchRule? {
    arguments[batch].map {
      BatchRule(
        most: $0, wait: arguments[wait], mostBytes: arguments[bytes], isByGroup: arguments[key] != nil)
    }
  }

  /// How many jobs may wait if nobody gives a number: two messages for each worker.
  static func usualQueue(_ workers: Int, _ arguments: ParsedArguments) -> Int {
    let (queue, isTooLarge) = (2 * workers).multipliedReportingOverflow(by: arguments[batch] ?? 1)
    return isTooLarge ? .max : queue
  }
}
