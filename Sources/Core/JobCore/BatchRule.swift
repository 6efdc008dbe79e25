import Time

/// Which jobs go to a worker together, in one message.
///
/// A batch takes what waits, up to its limits, in the order in which jobs would be sent one by one: it is filled before
/// another worker is given a job. A job that has been tried before goes alone, and so does one that was in a batch
/// which was lost: then it is known which of them is to blame.
///
/// By group, the first `mostLookedAt` jobs of the queue are looked at for a batch, which the clients share: it may be
/// smaller than it could be, or go before it is full, where its jobs stand farther behind.
public struct BatchRule: Sendable, Equatable {
  /// The most queued jobs that are looked at for one batch: so it takes no more time with a long queue.
  public static let mostLookedAt = 4096

  /// The most jobs in one batch, 1 or more.
  public var most: Int
  /// How long a job may wait for the others of its batch; zero: a batch is what is there. It does not wait when it is
  /// full, nor when no job can come in.
  public var wait: Nanoseconds
  /// The most bytes of all jobs in one batch, 1 or more; a job that is larger goes alone. Nil for any number.
  public var mostBytes: Int?
  /// Whether all jobs in one batch must be of the same `JobTerms.group`.
  public var isByGroup: Bool

  /// A rule.
  public init(most: Int, wait: Nanoseconds = .zero, mostBytes: Int? = nil, isByGroup: Bool = false) {
    self.most = most
    self.wait = wait
    self.mostBytes = mostBytes
    self.isByGroup = isByGroup
  }

  /// What is wrong with it, in words; nil if nothing is.
  var defect: String? {
    if most < 1 { return "a batch has at most \(most) jobs, it must be 1 or more" }
    if let mostBytes, mostBytes < 1 { return "a batch has at most \(mostBytes) bytes, it must be 1 or more" }
    return nil
  }
}

/// How many batches the jobs make that are queued and could be sent, kept up to date job by job.
@usableFromInline struct BatchCensus: Sendable {
  private struct Group {
    var jobs = 0
    var bytes = 0
    /// Jobs that wait no longer.
    var due = 0
  }

  private let rule: BatchRule
  /// All jobs that can be in a batch with others: in one group, or by `BatchTerms.group`.
  private var sole = Group()
  private var groups: [UInt64: Group] = [:]
  /// Jobs that go alone.
  private var alone = 0
  /// Batches of the groups that are full or wait no longer, and those that all jobs make.
  private var ripeOfGroups = 0
  private var allOfGroups = 0

  init(_ rule: BatchRule) { self.rule = rule }

  /// Batches that need not wait.
  var ripe: Int { alone + ripeOfGroups }
  /// Batches that all jobs make.
  var all: Int { alone + allOfGroups }

  /// Counts a job in or out.
  mutating func count(_ job: JobRecord, _ terms: BatchTerms, _ change: Int) {
    if job.goesAlone {
      alone += change
      return
    }
    var group = rule.isByGroup ? groups[terms.group] ?? Group() : sole
    ripeOfGroups -= ripe(group)
    allOfGroups -= all(group)
    group.jobs += change
    group.bytes += change * Int(terms.size)
    if job.isDue { group.due += change }
    ripeOfGroups += ripe(group)
    allOfGroups += all(group)
    if rule.isByGroup { groups[terms.group] = group.jobs == 0 ? nil : group } else { sole = group }
  }

  /// Whether the batch that begins with this job need not wait.
  func isRipe(_ job: JobRecord, _ terms: BatchTerms) -> Bool {
    job.goesAlone || ripe(rule.isByGroup ? groups[terms.group] ?? Group() : sole) > 0
  }

  private func ripe(_ group: Group) -> Int {
    if rule.wait == .zero { return all(group) }
    let full = max(group.jobs / rule.most, rule.mostBytes.map { group.bytes / $0 } ?? 0)
    return min(group.jobs, max(full, (group.due + rule.most - 1) / rule.most))
  }

  private func all(_ group: Group) -> Int {
    let byCount = (group.jobs + rule.most - 1) / rule.most
    return min(group.jobs, max(byCount, rule.mostBytes.map { (group.bytes + $0 - 1) / $0 } ?? 0))
  }
}

/// What counts for batches of a job: see `JobTerms`.
struct BatchTerms: Sendable {
  var size: UInt32 = 0
  var group: UInt64 = 0
}

extension JobRecord {
  /// It is in no batch with others.
  var goesAlone: Bool { isAlone || attempts > 0 }
}
