import Glibc
import Testing
import WorkerPoolDriver

/// A program that embeds the pool: `import WorkerPoolDriver` is all that it needs. Signals concern the whole process, so each
/// test has one of its own.
@Suite("A pool in somebody else's program") struct EmbeddedPoolTests {
  @Test("a worker that no longer reads its stdin does not end the program by SIGPIPE")
  func closedInput() async {
    await #expect(processExitsWith: .success) {
      alarm(300)
      signal(SIGPIPE, SIG_DFL)
      var host = try Host("trap 'exec <&-; sleep 100' USR1; read -r job; sleep 100")
      guard case .ready(let worker) = try host.next({ if case .ready = $0 { true } else { false } }),
        let pid = host.pool.pid(of: worker)
      else { return }
      kill(pid, SIGUSR1)
      // Not one event is taken meanwhile: the pool learns of it by its write alone.
      usleep(300_000)
      host.pool.setDemand(1, &host.loop)
      let loss = try host.nextAfterSending { if case .leaseLost = $0 { true } else { false } }
      guard case .leaseLost(_, .neverStarted, _) = loss else {
        Issue.record("\(loss)")
        return
      }
      try host.end()
    }
  }

  @Test("a program that handles SIGPIPE, or ignores it, goes on doing so")
  func ownHandler() async {
    await #expect(processExitsWith: .success) {
      alarm(300)
      let handler: @convention(c) (CInt) -> Void = { _ in }
      signal(SIGPIPE, handler)
      var host = try Host("exec cat")
      try host.end()
      var action = sigaction()
      sigaction(SIGPIPE, nil, &action)
      let current = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      #expect(current == unsafeBitCast(handler, to: Int.self))
    }
  }

  @Test("a worker whose protocol begins with a handshake gets its first job after that")
  func handshake() async {
    await #expect(processExitsWith: .success) {
      alarm(300)
      var host = try Host(server, protocol: MCPProtocol(tool: "t", argument: "x"))
      host.pool.setDemand(1, &host.loop)
      guard case .replied(let worker) = try host.nextAfterSending({ if case .replied = $0 { true } else { false } })
      else { return }
      #expect(host.pool.withReply(of: worker) { String(decoding: $0, as: UTF8.self) } == "done")
      host.pool.finishReply(of: worker, &host.loop)
      try host.end()
    }
  }

  @Test("SIGCHLD ignored by the program is reported; jobs and deaths are as ever", arguments: [true, false])
  func ignoredChildren(isIgnored: Bool) async {
    await #expect(processExitsWith: .success) { [isIgnored] in
      alarm(300)
      signal(SIGCHLD, isIgnored ? SIG_IGN : SIG_DFL)
      var host = try Host("read job; echo \"<$job>\"; read job; exit 3")
      let isTold = host.pool.events.contains {
        if case .notEnforced(let text) = $0 { text.contains("SIGCHLD") } else { false }
      }
      #expect(isTold == isIgnored)
      host.pool.setDemand(1, &host.loop)
      guard case .replied(let worker) = try host.nextAfterSending({ if case .replied = $0 { true } else { false } })
      else { return }
      #expect(host.pool.withReply(of: worker) { String(decoding: $0, as: UTF8.self) } == "<job>")
      host.pool.finishReply(of: worker, &host.loop)
      host.pool.setDemand(1, &host.loop)
      let loss = try host.nextAfterSending { if case .leaseLost = $0 { true } else { false } }
      guard case .leaseLost(_, .died(let report), _) = loss else {
        Issue.record("\(loss)")
        return
      }
      #expect(report.status == (isIgnored ? .unknown : .exited(code: 3)))
      try host.end()
    }
  }
}

/// A server of MCP, and of nothing else, in a few lines of sh. It reads what it is sent in this order only.
private let server = """
  read -r discover; echo '{"id":1,"error":{"code":-32601,"message":"no"}}'
  read -r initialize; echo '{"id":2,"result":{"protocolVersion":"2025-11-25"}}'
  read -r initialized; read -r list; echo '{"id":3,"result":{"tools":[{"name":"t"}]}}'
  read -r call; case $call in *tools/call*) echo '{"id":1001,"result":{"content":[{"type":"text","text":"done"}]}}';; esac
  exec cat >/dev/null
  """

/// A loop and a pool of one shell worker.
struct Host: ~Copyable {
  var loop: EventLoop
  var pool: WorkerPoolDriver

  init(_ script: String, protocol workerProtocol: any WorkerProtocol = Framing.lines) throws {
    loop = try EventLoop()
    pool = WorkerPoolDriver(
      WorkerPoolConfiguration(
        command: WorkerCommand(["sh", "-c", script]), protocol: workerProtocol, maximumReplySize: 1000,
        pool: PoolConfiguration(minimum: 1, maximum: 1)), seed: 1)
    pool.start(&loop)
  }

  /// The next event of this kind; others are dropped.
  mutating func next(_ isWanted: (WorkerPoolEvent) -> Bool) throws -> WorkerPoolEvent {
    while true {
      while !pool.events.isEmpty {
        let event = pool.events.removeFirst()
        if isWanted(event) { return event }
      }
      try turn()
    }
  }

  /// The same, with a job for the worker that is leased before.
  mutating func nextAfterSending(_ isWanted: (WorkerPoolEvent) -> Bool) throws -> WorkerPoolEvent {
    let granted = try next { if case .offered = $0 { true } else { false } }
    guard case .offered(let worker) = granted else { return granted }
    Array("job".utf8).withUnsafeBytes { _ = pool.send($0, SentJob(tag: 0, number: 1), to: worker, &loop) }
    return try next(isWanted)
  }

  /// Stops the workers and waits for their end.
  mutating func end() throws {
    pool.stop(.immediate, &loop)
    _ = try next { if case .closed = $0 { true } else { false } }
  }

  private mutating func turn() throws {
    try loop.setAlarm(at: pool.nextDeadline)
    var events: [LoopEvent] = []
    try loop.wait(into: &events)
    for event in events {
      switch event {
      case .ready(let token, _, _, let hangup): _ = pool.handle(token: token, hangup: hangup, &loop)
      case .alarm: pool.fireTimers(&loop)
      case .signal, .terminal: break
      }
    }
  }
}
