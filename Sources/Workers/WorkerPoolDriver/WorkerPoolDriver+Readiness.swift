import EventLoop
import LinuxIO
import PoolCore
import Time
import WorkerProcess

/// How a worker proves that it can take a job.
public enum Readiness: Sendable, Equatable {
  /// Not at all: it counts as ready as soon as it waits for a job, or as soon as it runs if that cannot be seen
  /// (`StartManner`). Its first reply proves it.
  case assumed
  /// By `READY=1` on the socket that `NOTIFY_SOCKET` names (sd_notify(3)), like a service of systemd's `Type=notify`.
  case notified
  /// By a first message on its stdout; with a text, by the first one that begins with it: what comes before is a
  /// banner.
  case line(prefix: [UInt8]?)
  /// By the right answer to the probe.
  case probed
  /// By a message of its protocol (`WorkerProtocol.announcesReady`).
  case announced

  var isByLine: Bool {
    if case .line = self { return true }
    return false
  }
}

/// Readiness: nobody is handed a worker that has not proved it (roadrunner #737).
extension WorkerPoolDriver {
  /// The worker runs: waits for its proof, or goes without.
  mutating func awaitReadiness(_ id: WorkerID, _ loop: inout EventLoop) {
    switch configuration.readiness {
    case .assumed:
      // Its answers to initial messages prove it, within the core's limit for that.
      if configuration.initialMessages.isEmpty {
        timers.arm(.start(id), at: loop.now() + configuration.pool.startLimit)
      }
      watchStart(id.slot.index, &loop)
    case .notified, .line, .announced: break
    case .probed: ask(id, .probe, &loop)
    }
  }

  /// Sends a worker that is not ready what it is to be sent by now.
  mutating func continueGreeting(_ id: WorkerID, _ loop: inout EventLoop) {
    let slot = id.slot.index
    guard workers.holds(id), workers[slot].duty == .starting, !workers[slot].isStopping else { return }
    let wait = workers[slot].continueGreeting(at: loop.now())
    if !workers[slot].outbound.isEmpty { inputReady(slot, &loop) }
    if let wait { timers.arm(.greeting(id), at: loop.now() + wait) }
  }

  /// The worker has proved it. If it is to be sent initial messages, it is ready when it has answered the last one.
  mutating func becomeReady(_ slot: Int, _ loop: inout EventLoop) {
    guard !workers[slot].isReady, !workers[slot].isStopping, !initializes(slot, &loop) else { return }
    workers[slot].isReady = true
    workers[slot].readyAt = loop.now()
    workers[slot].isProved = true
    workers[slot].duty = .none
    armWatchdog(slot, &loop)
    events.append(.ready(workers[slot].id))
    tell(.workerReady(workers[slot].id), &loop)
  }

  /// A message on the stdout of a worker that proves its readiness so.
  mutating func nextGreeting(_ slot: Int, _ loop: inout EventLoop) {
    guard case .line(let prefix) = workers[slot].terms.readiness else { return }
    while let message = nextReply(slot, &loop) {
      let isProof = workers[slot].inbound.withUnsafeBytes { bytes in
        prefix.map { bytes[message.payload].starts(with: $0) } ?? true
      }
      workers[slot].inbound.removeFirst(message.consumed)
      workers[slot].failure = nil
      guard isProof else { continue }
      if !workers[slot].inbound.isEmpty { return spokeOutOfTurn(slot, &loop) }
      if workers[slot].isInOrder { becomeReady(slot, &loop) }
      return
    }
  }

  // MARK: Notifications

  /// A socket for one worker, if it is to notify us at all; its address is added to what the worker finds in its
  /// environment.
  func notificationSocket(for values: inout [String]) throws(SpawnError) -> NotificationSocket? {
    guard configuration.isNotified else { return nil }
    do throws(SystemError) {
      let socket = try NotificationSocket()
      values.append(socket.address)
      return socket
    } catch {
      throw SpawnError(
        program: configuration.command.arguments[0], cause: error, surroundings: configuration.surroundings)
    }
  }

  /// The worker, or a helper child of it, has sent something to its socket.
  mutating func notified(_ slot: Int, _ loop: inout EventLoop) {
    // Bounded, so that a worker that sends without end does not starve the others.
    for _ in 0..<16 {
      guard workers.holds(slot), let packet = workers[slot].notifications?.receive() else { return }
      let isOurs = workers[slot].process.owns(
        packet.sender, uid: packet.uid, user: workers[slot].terms.uid,
        cookie: containment.cookie, serial: workers[slot].id.serial)
      guard isOurs else {
        events.append(.foreignNotification(workers[slot].account(at: loop.now()), sender: packet.sender))
        continue
      }
      for field in Notification.fields(of: packet.bytes) { take(field, slot, &loop) }
    }
  }

  private mutating func take(_ field: Notification, _ slot: Int, _ loop: inout EventLoop) {
    let id = workers[slot].id
    switch field {
    case .ready: if workers[slot].terms.readiness == .notified { becomeReady(slot, &loop) }
    case .status(let text): workers[slot].statusText = text
    case .extendTimeout(let nanoseconds): tell(.startExtended(id, by: nanoseconds), &loop)
    case .alive: armWatchdog(slot, &loop)
    case .watchdogFailed:
      // It reports so itself: no limit has passed, and none matters any more.
      workers[slot].watchdogLimit = nil
      watchdogExpired(id, &loop)
    case .watchdogLimit(let nanoseconds):
      workers[slot].watchdogLimit = nanoseconds
      armWatchdog(slot, &loop)
    case .stopping: tell(.retirementRequested(id), &loop)
    }
  }

  // MARK: Watchdog

  /// The wait for the owner to take a reply before its worker is stopped.
  private static let replyWait: Nanoseconds = .milliseconds(10)

  /// From now on the worker must send `WATCHDOG=1` within its limit, if it has one: once it has proved that it is
  /// ready, be it by its first reply. Before that it may be loading.
  mutating func armWatchdog(_ slot: Int, _ loop: inout EventLoop) {
    guard let limit = workers[slot].watchdogLimit, workers[slot].isReady, !workers[slot].isStopping else { return }
    timers.arm(.watchdog(workers[slot].id), at: loop.now() + limit)
  }

  /// The worker has sent nothing for too long, or reports itself as lost: it hangs, whatever it is doing.
  mutating func watchdogExpired(_ id: WorkerID, _ loop: inout EventLoop) {
    guard workers.holds(id), !workers[id.slot.index].isStopping else { return }
    stopOffender(id.slot.index, .watchdog(limit: workers[id.slot.index].watchdogLimit), &loop)
  }

  /// Stops a worker for what it did; its job, if it has one, is lost with it.
  mutating func stopOffender(_ slot: Int, _ offence: Offence, _ loop: inout EventLoop) {
    let id = workers[slot].id
    let account = workers[slot].account(at: loop.now())
    var (hadJob, jobUntouched) = (false, false)
    switch workers[slot].duty {
    // Its reply is there and will be taken in a moment: then it has no job any more.
    case .replied: return timers.arm(offence.timer(of: id), at: loop.now() + Self.replyWait)
    case .condemned: return
    case .running:
      events.append(.leaseLost(id, .offence(account, offence), workers[slot].loseJobs()))
      hadJob = true
    case .granted:
      events.append(.leaseLost(id, .neverStarted, LostJobs()))
      events.append(.offended(account, offence))
      (hadJob, jobUntouched) = (true, true)
    case .starting, .none, .checking, .heardOut: events.append(.offended(account, offence))
    }
    stopBroken(slot, hadJob: hadJob, jobUntouched: jobUntouched, &loop)
  }
}

extension Offence {
  /// The timer that looks for it again.
  fileprivate func timer(of worker: WorkerID) -> WorkerPoolDriver.Timer {
    switch self {
    case .watchdog: .watchdog(worker)
    case .memory: .memory(worker)
    case .ignoredCancel: .cancel(worker)
    }
  }
}
