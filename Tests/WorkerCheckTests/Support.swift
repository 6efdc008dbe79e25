import PoolCore
import TestSupport
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProcess

@testable import WorkerCheck

/// Testing has an ExitStatus of its own.
typealias WorkerExit = ExitStatus

let millisecond: Nanoseconds = 1_000_000
let second: Nanoseconds = 1_000_000_000

/// The check of a worker that echoes "test", with the usual limits.
func configuration(
  framing: Framing = .lines, readiness: Readiness = .assumed, probe: Exchange? = nil,
  startLimit: Nanoseconds = 60 * second,
  ladder: [Nanoseconds] = [5 * second, 5 * second, second]
) -> CheckConfiguration {
  var pool = PoolConfiguration(minimum: 1, maximum: 1)
  pool.startLimit = startLimit
  pool.stopLadder = ladder
  var worker = WorkerPoolConfiguration(
    command: WorkerCommand(["./worker"]), protocol: framing, maximumReplySize: 1 << 20, pool: pool)
  worker.readiness = readiness
  worker.probe = probe
  return CheckConfiguration(pool: worker, job: Array("test".utf8), warmJobs: nil, replyLimit: 10 * second)
}

/// What is seen of a worker that does everything right.
func goodWorker(start: Nanoseconds = 50 * millisecond) -> Observations {
  var seen = Observations()
  seen.start = start
  let reply = Observations.Reply(message: .job(1), sent: "\"test\"", text: "\"TEST\"", elapsed: millisecond)
  seen.firstJob = reply
  seen.lastReply = reply
  seen.warmJobs = Array(repeating: millisecond / 10, count: 100)
  seen.memory = (1...101).map { Observations.Memory(jobs: $0, bytes: 30 << 20) }
  seen.stop = Observations.Stop(urgency: .graceful, elapsed: 12 * millisecond, status: .exited(code: 0))
  return seen
}

/// The same, but for what ended the check early.
func worker(_ failure: Failure) -> Observations {
  var seen = goodWorker()
  seen.failure = failure
  seen.stop = nil
  return seen
}

func judgement(_ seen: Observations, _ configuration: CheckConfiguration = configuration()) -> Judgement {
  Judge(seen: seen, configuration: configuration).judgement()
}
