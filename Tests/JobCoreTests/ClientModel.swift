import TestSupport
import Time

@testable import JobCore

/// Whose jobs they are, and whose turn it is: by asking all, where the ledger has heaps.
extension JobModel {
  struct Client {
    var generation: UInt32 = 0
    /// False where nobody is, or who was has left.
    var hasJoined = true
    /// In the order in which they go.
    var queue: [Int] = []
    var leased = 0
    var delayed = 0
    var lastServed = 0
    var isPaused = false
    /// How often each other one was served while this one waited with nothing leased, since it was last served itself.
    var passedBy = [Int](repeating: 0, count: 12)

    var unsettled: Int { queue.count + leased + delayed }
  }

  func clientID(_ client: Int) -> ClientID {
    ClientID(index: UInt32(client), generation: clients[client].generation)
  }

  func isFree(_ client: Int) -> Bool { !clients[client].hasJoined && clients[client].unsettled == 0 }

  /// Whether a job that comes back from its worker is not tried again.
  func isGivenUp(_ index: Int) -> Bool { isDraining || !clients[jobs[index].client].hasJoined }

  mutating func enqueue(_ index: Int, atFront: Bool) {
    let priority = jobs[index].priority
    let queue = clients[jobs[index].client].queue
    let place = queue.firstIndex { atFront ? jobs[$0].priority <= priority : jobs[$0].priority < priority }
    clients[jobs[index].client].queue.insert(index, at: place ?? queue.count)
  }

  /// Jobs that came back from one worker stand before all others of their client and priority, as they stood before.
  func checkFront(_ returned: [Int]) throws {
    for index in returned {
      func isLike(_ other: Int) -> Bool {
        jobs[other].client == jobs[index].client && jobs[other].priority == jobs[index].priority
      }
      let likes = returned.filter(isLike)
      let front = clients[jobs[index].client].queue.filter(isLike).prefix(likes.count)
      try require(Array(front) == likes, "\(likes) came back as \(front)")
    }
  }

  /// The lease goes to the right job: the highest priority anywhere, then the fewest leased for the weight, then in
  /// turn.
  mutating func checkChoice(of index: Int) throws {
    let chosen = jobs[index].client
    let priority = jobs[index].priority
    try require(!clients[chosen].isPaused, "client \(chosen) is served though it is paused")
    try require(clients[chosen].queue.first == index, "job \(jobs[index].sequence) is not the first of its client")
    for (other, client) in clients.enumerated() where other != chosen && !client.queue.isEmpty && !client.isPaused {
      let head = jobs[client.queue[0]].priority
      try require(head <= priority, "priority \(priority) served while \(head) waits")
      guard head == priority else { continue }
      contested += 1
      let (load, least) = (clients[chosen].leased, client.leased)
      try require(load <= least, "served with \(clients[chosen].leased) leased, another waits with \(client.leased)")
      try require(load < least || clients[chosen].lastServed < client.lastServed, "served out of turn")
      guard client.leased == 0 else { continue }
      clients[other].passedBy[chosen] += 1
      try require(clients[other].passedBy[chosen] <= 1, "client \(other) starves of client \(chosen)")
    }
  }

  /// No ordered job of its client that came before it is still to come out.
  func checkTurn(of index: Int) throws {
    let isNext = !jobs.contains {
      $0.client == jobs[index].client && $0.isOrdered && $0.sequence < jobs[index].sequence && $0.phase != .free
        && !($0.phase == .settled && $0.outcome == nil)
    }
    try require(isNext, "job \(jobs[index].sequence) emitted before an earlier one of its client")
  }

  mutating func serve(_ index: Int) throws {
    turns += 1
    clients[jobs[index].client].lastServed = turns
    clients[jobs[index].client].passedBy = [Int](repeating: 0, count: 12)
  }

  func checkClients(_ ledger: JobLedger) throws {
    for (index, client) in clients.enumerated() {
      let id = clientID(index)
      let counts = ledger.counts(of: id)
      let isSame = counts == ClientCounts(queued: client.queue.count, delayed: client.delayed, leased: client.leased)
      try require(isSame, "\(counts) of \(client)")
      try require(ledger.knows(id) == !isFree(index), "\(client) is known: \(ledger.knows(id))")
      let bytes = jobs.reduce(0) { $1.client == index && $1.phase == .held ? $0 + $1.resultBytes : $0 }
      let isOrdered = configuration.ordersEachClient
      try require(ledger.heldBytes(of: id) == (isOrdered ? bytes : 0), "\(bytes) bytes held of \(client)")
      let mayCome = client.hasJoined && client.unsettled < configuration.clientLimit ?? .max
      try require(ledger.canAccept(from: id) == (mayCome && !isOver && !isDraining), "canAccept of \(client)")
    }
    var listed = 0
    ledger.forEachUnsettled { job in
      let known = jobs[Int(job.id.index)]
      if job.client == clientID(known.client), job.attempts == known.attempts, job.sequence == known.sequence {
        listed += 1
      }
    }
    try require(listed == queued + running.count + delayed, "\(listed) jobs listed")
  }
}
