import Messages
import LinuxIO
import PoolCore
import Synchronization
import TestSupport
import Testing
import Time

@testable import JobEngine
@testable import ServiceManager
@testable import WorkerPoolDriver

/// Messages for a stderr that is the journal: with what they are about in fields, and how bad they are.
@Suite struct JournalTests {
  /// What came to the journal.
  private final class Journal: Sendable {
    let entries = Mutex<[JournalEntry]>([])
  }

  /// What is logged by `body`.
  private func entries(
    _ verbosity: Verbosity = .normal, _ body: (inout Reporter) -> Void
  ) throws -> [JournalEntry] {
    let journal = Journal()
    let messenger = try ServiceMessenger(
      ServiceMessenger.Channels(notify: nil, write: { entry in journal.entries.withLock { $0.append(entry) } }))
    let pipe = try Pipe()
    var reporter = Reporter(InheritedOutput(pipe.writeEnd), log: nil, verbosity: verbosity, journal: messenger)
    body(&reporter)
    reporter.flush()
    #expect(messenger.flush(atMost: .seconds(60)))
    #expect(unreadBytes(ofPipe: pipe.readEnd) == 0, "nothing is on stderr as well")
    return journal.entries.withLock { $0 }
  }

  private let worker = WorkerID(slot: SlotID(3), serial: 7)

  private func account(inJob job: UInt64?) -> WorkerAccount {
    WorkerAccount(
      worker: worker, pid: 812, jobs: 5, age: 1, currentJob: job.map { ($0, 1) }, statusText: "", lastErrorLines: [])
  }

  @Test("a death is a warning with its slot, process and job, findable by its kind; its last words come along")
  func death() throws {
    let about = Reporter.Subject(account(inJob: 17))
    let entries = try entries { reporter in
      reporter.pool = "b"
      reporter.repeated(.death, cause: "c", about: about, "worker 3 died", evidence: ["oh"])
    }
    var death = JournalEntry(.warning, "b: worker 3 died", kind: .workerDeath)
    (death.pool, death.slot, death.workerPID, death.job) = ("b", 3, 812, "17")
    var words = death
    words.kind = nil
    words.message = "b:   last stderr: \"oh\""
    #expect(entries == [death, words])
  }

  @Test("who looks for the deaths of a slot finds each; what clients do wrong is counted as on stderr")
  func all() throws {
    let about = Reporter.Subject(account(inJob: nil))
    let entries = try entries { reporter in
      for _ in 0..<20 { reporter.repeated(.death, cause: "c", about: about, "death") }
      for _ in 0..<20 { reporter.repeated(.refusedClient, cause: "c", "refused") }
    }
    #expect(entries.filter { $0.kind == .workerDeath }.count == 20)
    #expect(entries.filter { $0.message.hasSuffix("refused") && $0.kind == nil }.count == 4)
  }

  @Test("each kind of message has its priority")
  func priorities() throws {
    let entries = try entries(.verbose) { reporter in
      reporter.fatal("no worker could be started", kind: .breakerOpen)
      reporter.hint("try it")
      reporter.note("listening")
      reporter.answer("serving")
      reporter.detail("started")
    }
    #expect(
      entries == [
        JournalEntry(.error, "no worker could be started", kind: .breakerOpen), JournalEntry(.notice, "hint: try it"),
        JournalEntry(.notice, "listening"), JournalEntry(.info, "serving"), JournalEntry(.info, "started"),
      ])
  }

  @Test("that a worker is recycled is for the journal, and for the curious")
  func recycling() throws {
    let about = Reporter.Subject(worker, pid: 812)
    let told = try entries { $0.recycling("worker 3 retires: age", about: about) }
    var entry = JournalEntry(.info, "worker 3 retires: age", kind: .workerRecycled)
    (entry.slot, entry.workerPID) = (3, 812)
    #expect(told == [entry])
    #expect(try entries(.quiet) { $0.recycling("worker 3 retires: age", about: about) } == [])

    let pipe = try Pipe()
    var reporter = Reporter(InheritedOutput(pipe.writeEnd), log: nil, verbosity: .normal)
    reporter.recycling("worker 3 retires: age", about: about)
    reporter.flush()
    #expect(unreadBytes(ofPipe: pipe.readEnd) == 0)
  }

  @Test("a line of a worker stands under its name, with its slot and process")
  func workerLine() throws {
    let told = try entries(.quiet) { $0.workerLine(worker, pid: 812, Array("loading".utf8)) }
    var entry = JournalEntry(.info, "worker 3: loading")
    (entry.slot, entry.workerPID) = (3, 812)
    #expect(told == [entry])
  }
}
