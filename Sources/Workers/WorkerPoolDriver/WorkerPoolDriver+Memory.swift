import EventLoop
import LinuxIO
import PoolCore
import Time
import WorkerProcess

/// How much memory workers hold: a soft limit, looked at after a job, and a hard one, looked at all the time.
extension WorkerPoolDriver {
  /// How often a worker is measured after a job at most: it costs as much as a short job.
  private static let softInterval: Nanoseconds = .milliseconds(50)
  /// How often a worker with a hard limit is measured.
  private static let hardInterval: Nanoseconds = .milliseconds(100)

  private var isMeasured: Bool { configuration.maximumMemory != nil || configuration.killMemory != nil }

  /// What of the limits cannot be enforced on this machine; nil if all can.
  var memoryShortcoming: String? {
    guard isMeasured, let reason = MemoryReader.descendants.reason else { return nil }
    return "--max-rss and --kill-rss miss what a worker starts: \(reason)"
  }

  /// Prepares a new worker to be measured, if there is a limit.
  mutating func beginMeasuring(_ worker: inout Worker, _ loop: inout EventLoop) {
    if configuration.metersJobs { worker.meter = try? JobMeter(pid: worker.process.pid) }
    guard isMeasured else { return }
    do throws(SystemError) {
      worker.memory = try MemoryReader(pid: worker.process.pid)
    } catch  where !hasSaidUnmeasured {
      hasSaidUnmeasured = true
      events.append(.notEnforced("--max-rss and --kill-rss cannot be enforced: \(error)"))
    } catch {}
    if let limit = configuration.maximumMemory {
      let share = configuration.pool.jitter * (Double(generator.next() >> 11) * 0x1p-53)
      worker.memoryLimit = limit - Int(Double(limit) * share)
    }
    if configuration.killMemory != nil { timers.arm(.memory(worker.id), at: loop.now() + Self.hardInterval) }
  }

  /// The worker has done a job, and still counts as leased: over the soft limit this was its last.
  mutating func measureAfterJob(_ slot: Int, _ loop: inout EventLoop) {
    guard workers[slot].memoryLimit < .max, loop.now() - workers[slot].measuredAt >= Self.softInterval else { return }
    workers[slot].measuredAt = loop.now()
    guard let bytes = workers[slot].memory?.residentBytes(), bytes > workers[slot].memoryLimit else { return }
    tell(.limitExceeded(workers[slot].id, .memory), &loop)
  }

  /// The hard limit, whatever the worker is doing.
  mutating func memoryDue(_ id: WorkerID, _ loop: inout EventLoop) {
    let slot = id.slot.index
    guard workers.holds(id), !workers[slot].isStopping, let limit = configuration.killMemory else { return }
    if let bytes = workers[slot].memory?.residentBytes(), bytes > limit {
      return stopOffender(slot, .memory(bytes, limit: limit), &loop)
    }
    timers.arm(.memory(id), at: loop.now() + Self.hardInterval)
  }

  /// The cost of the job that was just answered, and of those before it that were too short to be measured. Call it
  /// once per job. Nil if the job is too short itself (`JobMeter.shortestInterval`, `MeterBudget`), for the worker's
  /// first job, which may include its start, if the worker is gone, and without `metersJobs`.
  public mutating func cost(of worker: WorkerID, at now: Instant) -> JobCost? {
    workers.holds(worker) ? workers[worker.slot.index].meter?.cost(at: now, within: &meterBudget) : nil
  }

  /// Bytes of memory that the worker and its descendants hold now; nil if it is gone.
  public func residentBytes(of worker: WorkerID) -> Int? {
    guard let pid = pid(of: worker), let reader = try? MemoryReader(pid: pid) else { return nil }
    return reader.residentBytes()
  }
}
