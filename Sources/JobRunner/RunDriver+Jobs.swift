import EventLoop
import JobCore

/// What the workplace tells, and the timers of the run.
extension RunDriver where Work: ~Copyable {
  /// Takes what the workplace has to tell, until it has nothing more.
  mutating func settle(leasing: Bool = true) {
    while let output = workplace.advance(&loop, &reporter, leasing: leasing) { Work.take(output, &self) }
  }

  mutating func fireTimers() {
    while let timer = timers.popExpired(at: loop.now()) {
      switch timer {
      case .silence: saySilence()
      case .progress: drawProgress()
      case .sample: takeSample()
      case .drain: giveUp()
      }
    }
  }
}
