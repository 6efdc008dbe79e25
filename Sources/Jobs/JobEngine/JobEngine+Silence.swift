import EventLoop
import JobCore
import LinuxIO
import PoolCore
import Text
import Time
import WorkerPoolDriver

/// Jobs that run for long without an answer: what their workers are doing, and what that may mean. One timer serves
/// all of them.
extension JobEngine {
  /// A job that has run for this long is looked at.
  private static let silenceLimit: Nanoseconds = .seconds(10)
  /// They are looked for at most this often.
  private static let leastPause: Nanoseconds = .seconds(1)
  /// The most silent jobs that are remembered; there are more only in runs in which every job is silent.
  private static let mostRemembered = 1024
  /// The most workers that are looked at when their jobs run out of time.
  private static let mostLookedAt = 10

  /// A job was sent.
  @inline(__always)
  mutating func watchForSilence(_ loop: borrowing EventLoop) {
    if isWatchingForSilence { return }
    isWatchingForSilence = true
    timers.arm(.silence, at: loop.now() + Self.silenceLimit)
  }

  /// Names each job that has run for too long, once.
  mutating func lookForSilence(_ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    let now = loop.now()
    let busy = pool.busyWorkers
    isWatchingForSilence = !busy.isEmpty
    guard isWatchingForSilence else { return }
    var next = now + Self.silenceLimit
    for worker in busy {
      guard let sent = pool.head(of: worker), case let job = JobID(tag: sent.tag), !silentJobs.contains(job) else {
        continue
      }
      let due = jobs.facts.attempt(of: job).startedAt + Self.silenceLimit
      // One that is still loading has begun nothing; that has a limit of its own.
      if now >= due, pool.hasBegun(worker) {
        reportSilence(of: job, worker, now, &reporter)
      } else {
        next = min(next, due)
      }
    }
    timers.arm(.silence, at: max(next, now + Self.leastPause))
  }

  private mutating func reportSilence(of job: JobID, _ worker: WorkerID, _ now: Instant, _ reporter: inout Reporter) {
    if silentJobs.count >= Self.mostRemembered { silentJobs.removeAll() }
    silentJobs.insert(job)
    guard reporter.verbosity >= .normal, let account = pool.account(of: worker, now) else { return }
    let activity = pool.activity(of: worker)
    let elapsed = durationText(now - jobs.facts.attempt(of: job).startedAt)
    reporter.repeated(
      .silentJob, cause: activity?.cause ?? "", about: Reporter.Subject(account),
      "job \(jobs.ledger.sequence(of: job)) has run for \(elapsed) on \(account.name)"
        + (activity.map { ", \($0)" } ?? "") + saidOfItself(account))
    if let activity { hint(at: activity, account, &reporter) }
  }

  /// A worker is about to be stopped because its job ran out of time.
  mutating func hintAtSilence(of worker: WorkerID, _ loop: borrowing EventLoop, _ reporter: inout Reporter) {
    guard timeoutsLookedAt < Self.mostLookedAt, reporter.verbosity >= .normal,
      let account = pool.account(of: worker, loop.now())
    else { return }
    timeoutsLookedAt += 1
    if let activity = pool.activity(of: worker) { hint(at: activity, account, &reporter) }
  }

  /// What to try, each once.
  private mutating func hint(at activity: WorkerActivity, _ account: WorkerAccount, _ reporter: inout Reporter) {
    // One that runs several jobs at once waits for events or for its next job meanwhile, and that shows nothing.
    if pool.runsJobsAtOnce { return }
    let hint: SilenceHint
    switch activity.kind {
    case .stopped(byTerminal: true), .readsTerminal: hint = .terminal
    case .stopped(byTerminal: false): hint = .stopped
    case .frozen: hint = .frozen
    case .readsInput where activity.unread == 0: hint = account.lastJob == nil ? .buffering : .unfinishedJob
    case .waitsForEvents where account.lastJob == nil && jobs.ledger.counts[.ok] == 0: hint = .buffering
    case .traced, .uninterruptible, .readsInput, .waitsForEvents, .runs, .waitsForChild, .sleeps: return
    }
    guard silenceHints.insert(hint).inserted else { return }
    reporter.hint(hint.text(pid: activity.descendant?.pid ?? account.pid, remedy: bufferingRemedy))
  }
}

/// Why a worker may be silent.
enum SilenceHint: Hashable {
  /// It wants to read the terminal, such as for a password.
  case terminal
  /// A signal has stopped it.
  case stopped
  /// Its control group is frozen.
  case frozen
  /// It has read its job, and has never answered any.
  case buffering
  /// It has read its job, and waits for more of it.
  case unfinishedJob

  /// `remedy`: how the worker is made to write at once.
  func text(pid: CInt, remedy: String) -> String {
    switch self {
    case .terminal:
      "the worker wants to read the terminal, such as for a password: give it what it asks for in another way, or no "
        + "terminal at all (prefork run -- setsid WORKER)"
    case .stopped: "a signal stopped it: kill -CONT \(pid) continues it"
    case .frozen: "its control group is frozen (cgroup.freeze, docker pause)"
    case .buffering:
      "a worker must answer each job at once: does it buffer its output? \(remedy). Or does it wait for the end of the "
        + "job, such as a semicolon or an empty line?"
    case .unfinishedJob:
      "it has read the whole job and waits for more: is the end of the job missing, such as a semicolon, a closing "
        + "quote or an empty line? Or did it write its answer to stderr?"
    }
  }
}
