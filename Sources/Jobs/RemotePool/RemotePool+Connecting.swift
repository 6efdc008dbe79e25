import EventLoop
import JSON
import JobCore
import JobEngine
import LinuxIO
import Records
import Text
import Time
import WorkerPoolDriver

/// How a connection comes about, and what becomes of jobs when it is lost.
extension RemotePool {
  /// The most job numbers that a message lists.
  private static let mostNamed = 5

  /// Connects for the first time.
  package mutating func start(_ loop: inout EventLoop, _ reporter: inout Reporter) { connect(&loop, &reporter) }

  /// Fires the timers that have run out.
  package mutating func fireTimers(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .connect: connect(&loop, &reporter)
      case .greeting: lose(.silent(limit: configuration.connectLimit), &loop, &reporter)
      case .end: stop(&loop)
      }
    }
  }

  mutating func connect(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    let since = connectingSince ?? loop.now()
    connectingSince = since
    let left = configuration.connectLimit - (loop.now() - since)
    do throws(SocketError) {
      defer { loop.countTime() }
      let socket = try StreamSocket.connect(
        to: configuration.address, timeout: max(.milliseconds(1), min(left, Self.longestBlock)))
      connectingSince = nil
      connection = Connection(socket)
      phase = .greeting
      timers.arm(.greeting, at: loop.now() + configuration.connectLimit)
    } catch {
      if case .timedOut(let address, _) = error {
        if left > Self.longestBlock {
          // Signals first, and in another turn: within this one time stands still.
          phase = .waiting
          return timers.arm(.connect, at: loop.now() + .milliseconds(1))
        }
        connectingSince = nil
        return lose(
          .unreachable(.timedOut(address, after: configuration.connectLimit)), &loop, &reporter)
      }
      connectingSince = nil
      lose(.unreachable(error), &loop, &reporter)
    }
  }

  mutating func greeted(_ line: [UInt8], _ loop: inout EventLoop, _ reporter: inout Reporter) {
    do throws(JSONObjectError) {
      switch try RecordsGreeting(line) {
      case .welcome(let pool, let maximumJobSize, let mostUnsettled):
        timers.disarm(.greeting)
        reconnection.opened(at: loop.now())
        phase = .open(mostSent: min(mostUnsettled, Self.mostSent), maximumJobSize: maximumJobSize ?? .max)
        connection!.expectAnswers(atMost: longestAnswer)
        reporter.detail("connected to \(configuration.address), pool \(pool): \(plural(mostUnsettled, "job")) at once")
      case .refusal(let reason, let code): lose(.refused(reason: reason, code: code), &loop, &reporter)
      }
    } catch {
      lose(.nonsense("its greeting is wrong (\(error)): \(quoted(line))"), &loop, &reporter)
    }
  }

  /// Every byte of a reply may stand as an escape of six, and other members besides: messages, the job's last stderr.
  private var longestAnswer: Int {
    let (longest, overflow) = configuration.maximumReplySize.multipliedReportingOverflow(by: 6)
    return overflow ? .max : longest.addingReportingOverflow(1 << 20).overflow ? .max : longest + 1 << 20
  }

  mutating func disconnect(_ loop: inout EventLoop) {
    if connection != nil {
      connection!.unwatch(&loop)
      connection = nil
    }
    timers.disarm(.connect)
    timers.disarm(.greeting)
    timers.disarm(.end)
  }

  /// There is no connection any more. Jobs that were on their way wait for the next one, if there will be one.
  mutating func lose(_ loss: Loss, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    if phase == .ending { return stop(&loop) }
    disconnect(&loop)
    let hasJobs = !sent.isEmpty || jobs.ledger.counts.queued > 0
    switch reconnection.lost(loss, hasJobs: hasJobs, at: loop.now()) {
    case .onDemand:
      reporter.detail("\(loss.words(configuration.address)); there was nothing to answer")
      phase = .away
    case .again(let wait):
      sayRetry(loss, wait, &reporter)
      takeBack(at: loop.now())
      phase = .waiting
      timers.arm(.connect, at: loop.now() + wait)
    case .giveUp:
      sayEnd(loss, &reporter)
      phase = .over
      outputs.append(.lost(loss.verdict))
    }
  }

  /// They go again before all others, in their old order.
  private mutating func takeBack(at now: Instant) {
    let unanswered = sent.sorted { $0.key > $1.key }
    sent.removeAll()
    sentBytes = 0
    for (_, job) in unanswered {
      noteUnanswered(job, "the connection was lost while it was on its way", at: now)
      jobs.ledger.handle(.returnedUnstarted(job), into: &jobs.actions)
    }
  }

  /// Nobody waits for the answer of this job any more.
  mutating func giveUp(_ job: JobID, at now: Instant) {
    if sent.removeValue(forKey: jobs.ledger.sequence(of: job)) != nil { sentBytes -= jobs.store.size(of: job) }
    noteUnanswered(job, "\(jobs.cancelCause(of: job).message); its answer had not come", at: now)
  }

  private mutating func noteUnanswered(_ job: JobID, _ message: String, at now: Instant) {
    guard jobs.facts.keepsDetails else { return }
    jobs.facts[job].endedAt = now
    jobs.facts[job].failure = Failure(message: message)
    // Its outcome is unknown: the joblog must not mention it.
    if jobs.ledger.isDraining { jobs.facts[job].key = nil }
  }

  // MARK: Words

  private func sayRetry(_ loss: Loss, _ wait: Nanoseconds, _ reporter: inout Reporter) {
    let again = sent.isEmpty ? "" : ", and \(plural(sent.count, "job")) without an answer will be submitted again"
    reporter.repeated(
      .lostConnection, cause: "no connection to \(configuration.address)",
      "\(loss.words(configuration.address)); next try in \(durationText(wait))\(again)")
  }

  private func sayEnd(_ loss: Loss, _ reporter: inout Reporter) {
    reporter.fatal(loss.words(configuration.address))
    if let hint = loss.hint { reporter.hint(hint) }
    guard !sent.isEmpty else { return }
    let numbers = sent.keys.sorted()
    let named = numbers.prefix(Self.mostNamed).map { "\($0)" }.joined(separator: ", ")
    let rest = numbers.count > Self.mostNamed ? ", …" : ""
    reporter.fatal("\(plural(numbers.count, "job")) without an answer may have been run or not: \(named)\(rest)")
    reporter.hint(
      "--reconnect 100ms..30s submits such jobs again; or do them in another run, with --joblog FILE and --resume")
  }

  /// No job is answered for a long time: false if that need not be looked at again.
  package mutating func saySilence(_ reporter: inout Reporter) -> Bool {
    if jobs.ledger.counts[.ok] > 0 || hasSaidSilence { return false }
    if sent.isEmpty { return true }
    hasSaidSilence = true
    reporter.note("no job has been answered yet; \(plural(sent.count, "job")) sent to \(configuration.address)")
    return false
  }

  /// What SIGUSR1 asks for.
  package func sayState(_ reporter: inout Reporter) {
    let counts = jobs.ledger.counts
    reporter.fatal("\(plural(counts.settled, "job")) settled, \(counts.leased) on their way, \(counts.queued) waiting")
    let state =
      switch phase {
      case .away, .waiting, .over: "no connection to"
      case .greeting: "not greeted yet by"
      case .open, .ending: "connected to"
      }
    reporter.fatal("\(state) \(configuration.address)")
  }
}
