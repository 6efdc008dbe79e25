import EventLoop
import JobCore
import JobEngine
import LinuxIO
import Time

/// What the executor reports, and the timers of the run.
extension RunDriver where Source: ~Copyable, Executor: ~Copyable {
  /// Takes what the executor reports, until nothing is left to be done.
  mutating func settle() {
    while let output = executor.advance(&loop, &reporter) { Executor.take(output, &self) }
  }

  /// Takes what follows from what was decided, before another job comes in.
  mutating func settleActions() {
    while let output = executor.nextOutput(&loop, &reporter) { Executor.take(output, &self) }
  }

  /// What became of a job.
  mutating func take(_ output: JobOutput) {
    switch output {
    case .settled(let job, let outcome): settled(job, outcome)
    case .emit(let job, let outcome): emit(job, outcome)
    case .withdrawn(let job): withdrawn(job)
    case .idle: allIsDone()
    }
  }

  /// Twice: soon, before there are many jobs; and when the first of them are long done.
  private mutating func unmapCodeOfStart() {
    unmapCode()
    let last = startedAt + .seconds(1)
    if loop.now() < last { timers.arm(.codeOfStart, at: last) }
  }

  mutating func fireTimers() {
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .silence: saySilence()
      case .codeOfStart: unmapCodeOfStart()
      case .progress: drawProgress()
      case .sample: takeSample()
      case .drain: giveUp()
      }
    }
  }
}
