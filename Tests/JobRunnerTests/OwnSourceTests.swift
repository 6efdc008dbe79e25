import Chronicle
import EventLoop
import Glibc
import JobCore
import JobEngine
import JobRunner
import JobSources
import LinuxIO
import PoolCore
import Records
import TestSupport
import Testing
import Time
import WorkerPoolDriver

/// A source that prefork does not know: jobs from a list, acknowledged as a queue would. All of it stands in this file.
///
/// Signals concern the whole process, so each test has one of its own.
@Suite("A source of one's own") struct OwnSourceTests {
  @Test("its jobs run on real workers, over pauses, and each is acknowledged once its result is written")
  func acknowledged() async {
    await #expect(processExitsWith: .success) {
      alarm(300)
      let output = try redirectOutput()
      let journal = Journal()
      var list = try MessageList(["one", "two", "three", "much too long", "five"], journal)
      list.pauses = [1: .time, 3: .descriptor]
      let end = try run(
        configuration(), from: list, on: workers("exec cat"), workerErrors: .prefixed, stderrWasClosed: false)
      #expect(end == .someNotOK, "\(end)")
      #expect(
        journal.settled == [
          "one: ok", "two: ok", "three: ok", "4: the job is over 9 bytes (--max-job-size)",
          "five: ok",
        ], "\(journal.settled)")
      #expect(journal.acknowledged == ["one", "two", "three", "4", "five"], "\(journal.acknowledged)")
      #expect(journal.unwritten == 0, "acknowledged before it was written")
      #expect(text(of: output) == "one\ntwo\nthree\n\nfive\n", "\(text(of: output))")
      #expect(
        journal.calls.isSuperset(of: ["beginTurn", "resume", "pause", "fireTimers", "progress", "end"]),
        "\(journal.calls)")
    }
  }

  @Test("its records are read as those of stdin are, and messages name their place in it")
  func records() async {
    await #expect(processExitsWith: .success) {
      alarm(300)
      let output = try redirectOutput()
      let journal = Journal()
      var list = try MessageList([#"{"id":7,"job":"one"}"#, "", #"{"job":"#], journal)
      list.form = .record
      var configuration = configuration()
      configuration.output = .records
      let end = try run(
        configuration, from: list, on: workers("exec cat"), workerErrors: .prefixed, stderrWasClosed: false)
      #expect(end == .badInput)
      #expect(journal.settled.first == #"{"id":7,"job":"one"}: ok"#)
      #expect(journal.settled.last?.contains("(message 3 of the list)") == true, "\(journal.settled)")
      #expect(journal.skipped == [""], "an empty message is none")
      let lines = text(of: output).split(separator: "\n")
      #expect(lines.count == 2 && lines[0].hasPrefix(#"{"id":7,"seq":1,"#), "\(lines)")
    }
  }

  @Test("a run that ends early gives back what it has not done, and takes nothing more")
  func givenBack() async {
    await #expect(processExitsWith: .success) {
      alarm(300)
      _ = try redirectOutput()
      let journal = Journal()
      let list = try MessageList(["one", "die", "three", "four", "five", "six"], journal)
      var configuration = configuration()
      configuration.ledger.queueLimit = 2
      configuration.ledger.halt = HaltRule(.soon, .count(1))
      let worker = #"while read job; do [ "$job" != die ] || exit 3; echo "$job"; done"#
      let end = try run(
        configuration, from: list, on: workers(worker), workerErrors: .prefixed, stderrWasClosed: false)
      #expect(end == .halted)
      #expect(journal.settled.prefix(2).map { $0.split(separator: " ").first } == ["one:", "die:"])
      #expect(journal.settled.dropFirst(2).allSatisfy { $0.hasSuffix("the run was given up (--halt)") })
      #expect(journal.acknowledged == ["one", "die"])
      let kept = journal.givenBack + journal.unread
      #expect(kept == ["three", "four", "five", "six"], "\(kept)")
    }
  }

  @Test("one that cannot go on ends the run, which finishes what it has")
  func failed() async {
    await #expect(processExitsWith: .success) {
      alarm(300)
      _ = try redirectOutput()
      let journal = Journal()
      var list = try MessageList(["one", "two", "three"], journal)
      list.failsAfter = 2
      let end = try run(
        configuration(), from: list, on: workers("exec cat"), workerErrors: .prefixed, stderrWasClosed: false)
      #expect(end == .inputUnreadable)
      #expect(journal.acknowledged == ["one", "two"] && journal.unread == ["three"], "\(journal.unread)")
    }
  }
}

/// What a list has seen of its run.
private final class Journal {
  var calls: Set<String> = []
  /// Outcomes, in the order in which they came.
  var settled: [String] = []
  var acknowledged: [String] = []
  /// Those that were acknowledged while the output was too short for their results.
  var unwritten = 0
  /// Those that were cancelled.
  var givenBack: [String] = []
  var skipped: [String] = []
  /// Those that were never taken.
  var unread: [String] = []
}

/// Jobs from a list.
private struct MessageList: ~Copyable, JobSource {
  enum Pause {
    case time
    case descriptor
  }

  static let isAcknowledged = true

  var form = JobForm.plain(nil)
  /// What happens after so many messages.
  var pauses: [Int: Pause] = [:]
  var failsAfter = Int.max
  private let messages: [String]
  private let journal: Journal
  private var count = 0
  private var hasGreeted = false
  private var jobsLeftInTurn = 1
  private var names: [JobID: String] = [:]
  private var repliedBytes = 0
  private var pipe: Pipe
  private var pausedUntil: Instant?
  private var waitsForDescriptor = false
  private var isWatched = false

  init(_ messages: [String], _ journal: Journal) throws {
    self.messages = messages
    self.journal = journal
    pipe = try Pipe()
  }

  mutating func next() -> SourceStep {
    if !hasGreeted {
      hasGreeted = true
      return .notice("\(messages.count) messages")
    }
    if pausedUntil != nil || waitsForDescriptor { return .notYet }
    if let pause = pauses.removeValue(forKey: count) { return begin(pause) }
    if count == failsAfter { return .failed("the list is torn") }
    guard count < messages.count else { return .end }
    guard jobsLeftInTurn > 0 else { return .nextTurn }
    jobsLeftInTurn -= 1
    return form != .record && messages[count].utf8.count > 9 ? .oversize(limit: 9) : .job
  }

  private mutating func begin(_ pause: Pause) -> SourceStep {
    switch pause {
    case .time: pausedUntil = .origin
    case .descriptor: waitsForDescriptor = true
    }
    return .notYet
  }

  func withJob(_ body: (UnsafeRawBufferPointer) -> Void) { Array(messages[count].utf8).withUnsafeBytes(body) }

  var position: String { "message \(count + 1) of the list" }

  mutating func consume(as job: JobID?) {
    if let job {
      names[job] = form != .record && messages[count].utf8.count > 9 ? "\(count + 1)" : messages[count]
    } else {
      journal.skipped.append(messages[count])
    }
    count += 1
  }

  mutating func beginTurn() {
    journal.calls.insert("beginTurn")
    jobsLeftInTurn = 1
  }

  mutating func resume(_ loop: inout EventLoop, token: UInt64) -> String? {
    journal.calls.insert("resume")
    if pausedUntil == .origin { pausedUntil = loop.now() + .milliseconds(600) }
    guard waitsForDescriptor, !isWatched else { return nil }
    isWatched = true
    do throws(SystemError) {
      try loop.add(pipe.readEnd, token: token, readable: true, writable: false)
    } catch {
      return "\(error)"
    }
    _ = write(pipe.writeEnd, "x", 1)
    return nil
  }

  mutating func pause(_ loop: inout EventLoop, token: UInt64) {
    journal.calls.insert("pause")
    guard isWatched else { return }
    loop.remove(pipe.readEnd)
    (waitsForDescriptor, isWatched) = (false, false)
  }

  var nextDeadline: Instant? { pausedUntil }

  mutating func fireTimers(at now: Instant) {
    journal.calls.insert("fireTimers")
    if let due = pausedUntil, due <= now { pausedUntil = nil }
  }

  mutating func end(_ loop: inout EventLoop, token: UInt64) {
    journal.calls.insert("end")
    journal.unread = Array(messages[count...])
  }

  var progress: (consumed: UInt64, all: UInt64)? {
    journal.calls.insert("progress")
    return (UInt64(count), UInt64(messages.count))
  }

  mutating func settled(_ job: JobID, _ outcome: Outcome, reply: UnsafeRawBufferPointer, failure: Failure?) {
    let name = names[job] ?? "?"
    journal.settled.append("\(name): " + (failure?.message ?? "\(outcome)"))
    if outcome == .ok, form != .record { #expect(reply.elementsEqual(name.utf8)) }
    if outcome == .cancelled { journal.givenBack.append(name) }
  }

  mutating func acknowledge(_ job: JobID) {
    let name = names[job] ?? "?"
    journal.acknowledged.append(name)
    repliedBytes += 1 + (name == "4" || name == "die" ? 0 : name.utf8.count)
    var status = stat()
    fstat(1, &status)
    if form != .record, Int(status.st_size) < repliedBytes { journal.unwritten += 1 }
  }
}

private func configuration() -> RunConfiguration {
  var configuration = RunConfiguration(
    ledger: JobLedger.Configuration(), output: .framed(.lines), seed: 1, verbosity: .normal)
  configuration.progress = TerminalStyle(hasColor: false, hasUnicode: false)
  return configuration
}

private func workers(_ script: String) -> WorkerPoolConfiguration {
  WorkerPoolConfiguration(
    command: WorkerCommand(["sh", "-c", script]), protocol: Framing.lines, maximumReplySize: 1000,
    pool: PoolConfiguration(minimum: 1, maximum: 1))
}

/// Has this process, which is the test's own, write its results to a file; returns the file.
private func redirectOutput() throws -> CInt {
  let (file, path) = makeTemporaryFile()
  unlink(path)
  try #require(file >= 0 && dup2(file, 1) == 1)
  return file
}

private func text(of file: CInt) -> String {
  var bytes = [UInt8](repeating: 0, count: 4096)
  let count = pread(file, &bytes, bytes.count, 0)
  return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}
