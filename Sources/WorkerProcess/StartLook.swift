import LinuxIO

/// How far a worker that was just started is on its way to its first job, as one look at its processes shows.
public enum StartLook: Sendable, Equatable {
  /// It waits for a job: it sleeps in a read of its stdin, and nothing else of it is at work.
  case readsInput
  /// It sleeps in a read of its stdin, but another of its threads or processes is at work.
  case readsAndWorks
  /// It runs.
  case runs
  /// It sleeps for a time.
  case sleeps
  /// It waits for something that may be its input, or anything else: for one of several files, a signal, a pipe.
  case waitsForEvents
  /// None of these.
  case unclear
  /// It cannot be looked at.
  case hidden

  /// More processes of a worker are not looked at.
  private static let mostDescendants = 16

  /// Looks at a worker with all its processes. `input`: what /proc calls the pipe that is its stdin.
  public init(at pid: CInt, input: String) {
    // Most that load run, and most that are ready read: then one file of /proc shows it.
    switch ProcessTable.wait(of: pid, in: pid) {
    case .reads(input): self = .readsInput
    case .runs: self = .runs
    case .sleeps: self = .sleeps
    case .hidden: self = .hidden
    case .reads, .polls, .awaitsMessage, .awaitsChild, .awaitsThread, .other, nil:
      let processes = [pid] + ProcessTable.descendants(of: pid, limit: Self.mostDescendants)
      self.init(at: processes.map { ProcessTable.waits(of: $0) }, input: input)
    }
  }

  /// What is seen of a worker whose processes have threads that wait like this, the first of each process first.
  init(at processes: [[ThreadWait]], input: String) {
    var seen = Parts()
    for threads in processes { seen.add(threads, input) }
    self = seen.look
  }

  /// How often the worker and its descendants have run, as far as is known.
  public static func timesRun(_ pid: CInt) -> UInt64? {
    let processes = [pid] + ProcessTable.descendants(of: pid, limit: mostDescendants)
    return processes.compactMap { ProcessTable.timesRun($0) }.reduce(nil) { ($0 ?? 0) &+ $1 }
  }

  /// What single threads do.
  private struct Parts {
    var reads = false
    var runs = false
    var sleeps = false
    var waits = false
    var isElsewhere = false
    var isHidden = false

    /// The first thread of a process stands for its program; others may have nothing to do with its jobs: those of a
    /// compiler or a heartbeat run and sleep for ever.
    mutating func add(_ threads: [ThreadWait], _ input: String) {
      let readsInput = threads.contains(.reads(input))
      reads = reads || readsInput
      isHidden = isHidden || threads.contains(.hidden)
      for (number, thread) in threads.enumerated() {
        let isFirst = number == 0
        switch thread {
        case .runs: runs = runs || isFirst || !readsInput
        case .sleeps: sleeps = sleeps || isFirst
        case .other: isElsewhere = isElsewhere || isFirst
        case .reads(let file): waits = waits || !file.hasPrefix("/")
        case .polls, .awaitsMessage: waits = true
        case .awaitsChild, .awaitsThread, .hidden: break
        }
      }
    }

    var look: StartLook {
      if reads { return runs || sleeps || isElsewhere ? .readsAndWorks : .readsInput }
      if isHidden { return .hidden }
      if runs { return .runs }
      if sleeps { return .sleeps }
      return waits && !isElsewhere ? .waitsForEvents : .unclear
    }
  }
}
