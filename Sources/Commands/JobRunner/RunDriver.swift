import Chronicle
import EventLoop
import JobCore
import JobEngine
import JobLog
import JobSources
import LinuxIO
import SystemEvents
import Time
import Timers
import WireFormats

/// The life of `prefork run` and `prefork submit`: jobs from a source, through an executor, to stdout.
///
/// It decides nothing: the ledger decides about jobs, the executor has them done, and this struct carries their
/// actions out and their events in. It is not a class: exclusivity checks on its properties would cost a third of the
/// throughput. Of each source and executor the compiler makes a driver of its own, so that `run` does not pay for
/// `submit`.
struct RunDriver<Source: JobSource & ~Copyable, Executor: RunExecutor & ~Copyable>: ~Copyable {
  let configuration: RunConfiguration
  var loop: EventLoop
  var executor: Executor
  var chronicle: RunChronicle
  var display: ProgressDisplay?
  var resume: ResumeIndex
  var jobLog: JobLogFile?
  var deadLetters: AppendedFile?
  let results: WholeFolders?
  let reportFile: ReplacedFile?
  var source: Source
  /// How its jobs come in.
  let intakeRules: IntakeRules
  /// Whether it is informed of outcomes.
  let sourceIsAcknowledged: Bool
  var sink: ResultSink
  var reporter: Reporter
  var timers = TimerQueue<RunTimer>()
  var loopEvents: [LoopEvent] = []

  var hasBadInput = false
  var inputIsOver = false
  /// More input may be there at once: the loop looks for events, but does not wait for them.
  var inputWantsTurn = false
  var runAhead = RunAhead()
  var outputIsWatched = false
  var errorOutputIsWatched = false
  /// The files whose readers are slow.
  var watchedFiles: [CInt] = []
  var poolIsClosed = false
  var signalsTaken = 0
  /// When what is not done after a SIGTERM is given up.
  var givesUpAt: Instant?
  /// Reading the terminal has found us in the background: we are to be stopped, as every reader there.
  var wantsForeground = false
  /// The first thing that ended the run other than the end of its input.
  var earlyEnd: RunEnd?
  var outputIsGone = false
  /// Jobs whose outcome the source knows, and up to which byte of the output each waits to be acknowledged.
  var unacknowledged: [(job: JobID, output: UInt64)] = []
  /// When the first of the results came that are gathered to be written together; nil if none is.
  var resultsSince: Instant?
  var startedAt: Instant = .origin
  /// The time of day at `startedAt`.
  let startOfDay: Instant

  init(
    _ configuration: RunConfiguration, _ files: consuming RunFiles, from source: consuming Source,
    to output: consuming InheritedOutput = InheritedOutput(1), on executor: consuming Executor,
    stderrWasClosed: Bool
  ) throws(SystemError) {
    self.configuration = configuration
    loop = try EventLoop()
    var rules = IntakeRules()
    if case .framed(let framing) = configuration.output { rules.answer = framing }
    rules.isLogged = configuration.jobLog != nil
    rules.isTagged = configuration.tagsLines
    rules.advice = "; try --protocol length4 or netstring"
    intakeRules = rules
    sourceIsAcknowledged = Source.isAcknowledged
    self.source = source
    sink = ResultSink(output, format: configuration.output)
    startOfDay = timeOfDay()
    resume = files.resume
    chronicle = RunChronicle(
      trace: files.trace, keepsReport: configuration.report != nil,
      title: executor.title, pid: processNumber())
    jobLog = files.jobLog
    deadLetters = files.deadLetters
    results = files.results
    reportFile = files.report
    reporter = Reporter(
      InheritedOutput(2, wasClosed: stderrWasClosed), log: files.workerLog, verbosity: configuration.verbosity)
    if let style = configuration.progress {
      display = ProgressDisplay(style: style, columns: terminalColumns(of: 2) ?? 80)
    }
    self.executor = executor
  }

  /// Runs until every job is settled and no worker is left.
  mutating func run() throws(SystemError) -> RunEnd {
    startedAt = loop.now()
    try watchStandardStreams()
    _ = try loop.enableWatchdog()
    sayWhatIsResumed()
    endTornLines()
    executor.start(&loop, &reporter)
    timers.arm(.silence, at: startedAt + Self.silenceLimit)
    timers.arm(.codeOfStart, at: startedAt + .milliseconds(25))
    beginChronicle()
    while !poolIsClosed {
      workOff()
      flush()
      // What flushing led to (nobody reads our results any more) is dealt with before anything is waited for.
      if poolIsClosed || executor.hasNews { continue }
      if wantsForeground { waitForForeground() }
      try loop.setAlarm(at: nextDeadline)
      loopEvents.removeAll(keepingCapacity: true)
      try loop.wait(into: &loopEvents, atMost: inputWantsTurn ? .none : .endless)
      inputWantsTurn = false
      source.beginTurn()
      for index in loopEvents.indices { handle(loopEvents[index]) }
    }
    finishOutput()
    reporter.clearStatus()
    finishChronicle()
    finishFiles()
    let end = sayHowItEnded()
    finishMessages()
    return end
  }

  private var nextDeadline: Instant? {
    let nextJob = inputIsOver ? nil : runAhead.deadline
    return earliest(
      earliest(reporter.nextDeadline, resultsSince.map { $0 + Self.gatheringLimit }),
      earliest(earliest(executor.nextDeadline, source.nextDeadline), earliest(timers.earliest, nextJob)))
  }

  /// Takes jobs and leases until both have nothing more: a lease makes room in the queue for the next job.
  private mutating func workOff() {
    repeat {
      if executor.hasNews { settle() }
      takeJobs()
    } while executor.hasNews
  }

  private mutating func handle(_ event: LoopEvent) {
    switch event {
    case .ready(let token, _, _, let hangup):
      if executor.handle(token: token, hangup: hangup, &loop) { return settle() }
      switch RunToken(rawValue: token) {
      case .input: source.pause(&loop, token: token)
      case .output: outputReady(hangup: hangup)
      case .errorOutput: reporter.flush()
      case .file: break  // All are flushed at the end of each turn.
      case nil: break
      }
    case .signal(let signal): take(signal: signal)
    case .terminal(let signal): handleTerminal(signal: signal)
    case .alarm:
      executor.fireTimers(&loop, &reporter)
      source.fireTimers(at: loop.now())
      fireTimers()
      settle()
    }
  }
}

/// Descriptors of our own in the loop; those of the executor have other kinds.
enum RunToken: UInt64 {
  case input = 0x1000_0000_0000_0000
  case output = 0x1100_0000_0000_0000
  case errorOutput = 0x1200_0000_0000_0000
  /// Any of the files that are written, if it is a FIFO with a slow reader.
  case file = 0x1300_0000_0000_0000
}

/// The timers of a run.
enum RunTimer: TimerKey {
  /// No reply at all for a while: a word about why that may be.
  case silence
  /// The code that was needed only to start is unmapped.
  case codeOfStart
  /// The progress line is looked at again.
  case progress
  /// The counts of jobs and workers are sampled again.
  case sample
  /// What is not done after a SIGTERM is given up.
  case drain
}
