import EventLoop
import JobCore
import LinuxIO
import PoolCore
import Testing
import Time
import WireFormats
import WorkerPoolDriver
import WorkerProtocols

@testable import JobEngine

/// A protocol of one's own is a type with `WorkerProtocol` and one with `WorkerCodec`; nothing else knows it. This one is
/// like `lines`, but a reply that begins with `!` says that the job has failed.
private struct BangProtocol: WorkerProtocol {
  let name = "bang"
  let framing: Framing? = .lines
  func defect(of job: RawSpan) -> String? { Framing.lines.defect(of: job) }
  func makeCodec(maximumReplySize: Int) -> any WorkerCodec {
    BangCodec(lines: FramedCodec(.lines, maximumReplySize: maximumReplySize))
  }
  let advice = Framing.lines.advice
}

private struct BangCodec: WorkerCodec {
  var lines: FramedCodec

  mutating func encode(_ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void) {
    lines.encode(job, id: id, to: write)
  }

  mutating func decode(_ bytes: RawSpan) -> WorkerMessage {
    let message = lines.decode(bytes)
    guard case .reply(let payload, let consumed) = message, !payload.isEmpty else { return message }
    let text = bytes.withUnsafeBytes { $0[payload] }
    guard text.first == UInt8(ascii: "!") else { return message }
    return .failure(ReplyFailure(message: String(decoding: text.dropFirst(), as: UTF8.self)), consumed: consumed)
  }
}

/// The engine with a protocol of which it has never heard.
@Suite struct OwnProtocolTests {
  /// The outcomes of these jobs in their order, with replies or the reasons of failures.
  private func outcomes(of jobs: [String], worker: String, retries: Int = 0) throws -> [String] {
    var pool = WorkerPoolConfiguration(
      command: WorkerCommand(["sh", "-c", worker]), protocol: BangProtocol(), maximumReplySize: 1000,
      pool: PoolConfiguration(minimum: 1, maximum: 1))
    pool.mostSeats = 4
    pool.parksInOrderOnly = false
    var ledger = JobLedger.Configuration()
    ledger.retries = retries
    var configuration = JobEngineConfiguration(pool: pool, ledger: ledger, seed: 1)
    configuration.keepsDetails = true
    var engine = JobEngine(configuration)
    var loop = try EventLoop()
    let null = try FileDescriptor.open("/dev/null", flags: 1)
    var reporter = Reporter(InheritedOutput(null.rawValue), log: nil, verbosity: .normal)
    var found: [String] = []
    var isClosed = false
    engine.pool.start(&loop)
    var waiting = jobs[...]
    var events: [LoopEvent] = []
    while !isClosed {
      while let job = waiting.first, engine.jobs.ledger.canAccept {
        waiting = waiting.dropFirst()
        _ = job.utf8.withContiguousStorageIfAvailable {
          engine.jobs.accept(UnsafeRawBufferPointer($0), .usual, answer: .lines, at: loop.now())
        }
        if waiting.isEmpty { engine.jobs.handle(.inputEnded) }
      }
      while let output = engine.advance(&loop, &reporter) {
        switch output {
        case .job(.emit(let job, let outcome)):
          let reply =
            outcome == .ok
            ? engine.withResult(of: job) { String(decoding: $0, as: UTF8.self) }
            : engine.jobs.facts[job].failure?.message ?? ""
          found.append("\(outcome) \(reply)")
        case .job(.idle): engine.stopPool(.graceful, &loop)
        case .closed: isClosed = true
        case .job, .attemptStarted, .attemptEnded, .firstReply, .workerGivenUp, .worker: break
        }
      }
      if isClosed { break }
      try loop.setAlarm(at: engine.nextDeadline)
      events.removeAll(keepingCapacity: true)
      try loop.wait(into: &events)
      for event in events {
        switch event {
        case .ready(let token, _, _, let hangup): _ = engine.pool.handle(token: token, hangup: hangup, &loop)
        case .alarm: engine.fireTimers(&loop, &reporter)
        case .signal, .terminal: break
        }
      }
    }
    return found
  }

  private static let worker = """
    while read -r job; do case $job in bad*) echo "!cannot do $job";; none) echo '!';; *) echo "did $job";; esac; done
    """

  @Test("a worker can answer that a job has failed, lives on, and the others are untouched")
  func failures() throws {
    let found = try outcomes(of: ["a", "bad 1", "b", "none", "c"], worker: Self.worker)
    #expect(
      found == [
        "ok did a", "failed cannot do bad 1", "ok did b", "failed the worker gave no reason", "ok did c",
      ])
  }

  @Test("so can one at which many jobs are parked")
  func parkedFailures() throws {
    let jobs = (1...2000).map { $0 % 7 == 0 ? "bad \($0)" : "\($0)" }
    let found = try outcomes(of: jobs, worker: Self.worker)
    #expect(found == jobs.map { $0.hasPrefix("bad") ? "failed cannot do \($0)" : "ok did \($0)" })
  }

  @Test("a job that has failed so is tried again, by the same worker")
  func retries() throws {
    let worker = "n=0; while read -r job; do n=$((n+1)); [ $n = 1 ] && echo '!not yet' || echo \"$n $$\"; done"
    let found = try outcomes(of: ["a"], worker: worker, retries: 2)
    #expect(found.count == 1 && found[0].hasPrefix("ok 2 "))
  }
}
