import WorkerPoolDriver

// Ten jobs through two workers that run `cat`, and their replies in the order in which they come.

/// A loop, a pool, and the jobs that are not done yet.
struct Demo: ~Copyable {
  var loop: EventLoop
  var pool: WorkerPoolDriver
  var jobs = (1...10).map { "job \($0)" }
  var replies: [String] = []
  var isClosed = false

  init() throws(SystemError) {
    loop = try EventLoop()
    let configuration = WorkerPoolConfiguration(
      command: WorkerCommand(["cat"]), protocol: Framing.lines, maximumReplySize: 1 << 20,
      pool: PoolConfiguration(minimum: 2, maximum: 2))
    pool = WorkerPoolDriver(configuration, seed: 1)
  }

  /// Runs until every job has its reply and no worker is left.
  mutating func run() throws(SystemError) {
    pool.start(&loop)
    pool.setDemand(jobs.count, &loop)
    while !isClosed {
      takeEvents()
      if isClosed { break }
      try loop.setAlarm(at: pool.nextDeadline)
      var events: [LoopEvent] = []
      try loop.wait(into: &events)
      for event in events {
        switch event {
        case .ready(let token, _, _, let hangup): _ = pool.handle(token: token, hangup: hangup, &loop)
        case .alarm: pool.fireTimers(&loop)
        case .signal, .terminal: break  // Only with SystemEvents, which this program does not use.
        }
      }
    }
  }

  /// What happened in the pool. Taking it leads to more, so this goes on until there is nothing.
  private mutating func takeEvents() {
    while !pool.events.isEmpty {
      let events = pool.events
      pool.events.removeAll()
      for event in events { take(event) }
    }
  }

  private mutating func take(_ event: WorkerPoolEvent) {
    switch event {
    case .offered(let worker):
      let text = Array(jobs.removeFirst().utf8)
      let job = SentJob(tag: 0, number: 10 - UInt64(jobs.count))
      // The worker may have died since; that is reported by `leaseLost`.
      _ = text.withUnsafeBytes { pool.send($0, job, to: worker, &loop) }
    case .replied(let worker):
      replies.append(pool.withReply(of: worker) { String(decoding: $0, as: UTF8.self) })
      pool.finishReply(of: worker, &loop)
      if replies.count == 10 { pool.stop(.graceful, &loop) }
    case .leaseLost(let worker, let loss, _): print("worker \(worker) lost its job: \(loss)")
    case .cannotStart(let error): print(error)
    case .closed: isClosed = true
    default: break
    }
  }
}

var demo = try Demo()
try demo.run()
for reply in demo.replies.sorted() { print(reply) }
