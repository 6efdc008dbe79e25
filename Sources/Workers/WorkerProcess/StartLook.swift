import LinuxIO
import Time

/// How close a fresh worker is to its first job, as one look at its processes shows.
public enum StartLook: Sendable, Equatable {
  /// It waits for a job: it sleeps in a read of its stdin, and none of its threads and processes is at work.
  case readsInput
  /// It sleeps in a read of its stdin, but another of its threads or processes is at work.
  case readsAndWorks
  /// It runs.
  case runs
  /// It sleeps for a time.
  case sleeps
  /// It waits for something that may or may not be its input: one of several files, a signal, a pipe.
  case waitsForEvents
  /// None of these.
  case unclear
  /// It cannot be looked at.
  case hidden

  /// The look at processes with threads that wait like this, the first thread of each process first.
  init(at processes: [[ThreadWait]], input: String) {
    var seen = Parts()
    for threads in processes { seen.add(threads, input) }
    self = seen.look
  }

  /// What single threads do.
  private struct Parts {
    var reads = false
    var runs = false
    var sleeps = false
    var waits = false
    var isElsewhere = false
    var isHidden = false

    /// The first thread of a process stands for its program. Other threads, such as those of a compiler or a heartbeat,
    /// may run and sleep for ever, and have nothing to do with jobs.
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
      if isElsewhere { return .unclear }
      return sleeps ? .sleeps : waits ? .waitsForEvents : .unclear
    }
  }
}

extension StartWatch.Sight {
  /// The most descendants of a worker that one look covers.
  private static let mostDescendants = 16
  /// The age from which a stdin that does not block counts: at its start, a worker may use one for a moment.
  private static let ageOfPollers: Nanoseconds = .seconds(1)

  /// Looks at a worker of this age and all its processes. `input`: the name of its stdin's pipe in /proc.
  public init(of pid: CInt, input: String, age: Nanoseconds) {
    var processes = [pid]
    // Most workers that load run, and most that are ready read: then one file of /proc is enough.
    switch ProcessTable.wait(of: pid, in: pid) {
    case .reads(input): self.init(.readsInput)
    case .runs: self.init(.runs)
    case .sleeps: self.init(.sleeps)
    case .hidden: self.init(.hidden)
    case .reads, .polls, .awaitsMessage, .awaitsChild, .awaitsThread, .other, nil:
      processes += ProcessTable.descendants(of: pid, limit: Self.mostDescendants)
      self.init(StartLook(at: processes.map { ProcessTable.waits(of: $0) }, input: input))
    }
    switch look {
    case .readsInput, .readsAndWorks, .hidden: return
    case .runs: break
    case .sleeps, .waitsForEvents, .unclear:
      timesRun = processes.compactMap { ProcessTable.timesRun($0) }.reduce(nil) { ($0 ?? 0) &+ $1 }
    }
    pollsInput = age > Self.ageOfPollers && ProcessTable.isNonBlocking(0, of: pid)
  }
}
