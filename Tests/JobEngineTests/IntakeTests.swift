import JobCore
import JobLog
import JobSources
import Testing
import Time
import WireFormats

@testable import JobEngine

/// How the bytes of a source become a job.
@Suite struct IntakeTests {
  /// A table, and what it has reported.
  private struct Table {
    var jobs: JobTable
    var rules: IntakeRules

    init(to destination: JobDestination = .workers(Framing.lines), queueLimit: Int = 10, keepsJobs: Bool = false) {
      var ledger = JobLedger.Configuration()
      ledger.queueLimit = queueLimit
      jobs = JobTable(ledger, to: destination, keepsDetails: true, keepsJobs: keepsJobs)
      rules = IntakeRules()
    }

    mutating func take(_ text: String, as form: JobForm, isDone: (JobKey) -> Bool = { _ in false }) -> Intake {
      Array(text.utf8).withUnsafeBytes {
        jobs.take($0, as: form, rules, at: .origin, position: "line 3 of the input", isDone: isDone)
      }
    }

    /// Each outcome of a job that came out, in order.
    mutating func outcomes() -> [Outcome] {
      var outcomes: [Outcome] = []
      while let step = jobs.next(at: .origin) {
        if case .output(.emit(_, let outcome)) = step { outcomes.append(outcome) }
      }
      return outcomes
    }

    func payload(of job: JobID?) -> String? {
      job.map { String(decoding: jobs.store.bytes(of: $0, atMost: .max), as: UTF8.self) }
    }

    /// Why the job failed.
    func reason(_ job: JobID?) -> String? { job.flatMap { jobs.facts[$0].failure?.message } }
  }

  @Test("plain bytes are the job; without a joblog nothing is kept of them")
  func plain() throws {
    var table = Table()
    let intake = table.take("one", as: .plain(.lines))
    let job = try #require(intake.job)
    #expect(table.payload(of: job) == "one" && table.jobs.ledger.demand == 1)
    #expect(table.jobs.facts[job].key == nil && table.jobs.facts[job].command == [])
  }

  @Test("a record gives the job, its id and its terms")
  func record() throws {
    var table = Table(keepsJobs: true)
    let line = #"{"id":7,"job_base64":"b25l","priority":3,"timeout":2}"#
    let job = try #require(table.take(line, as: .record).job)
    #expect(table.payload(of: job) == "one" && table.jobs.ledger.hasOwnRunLimit(job))
    #expect(table.jobs.facts[job].id == Array("7".utf8))
    #expect(table.jobs.facts[job].record == Array(line.utf8), "for a dead letter")
  }

  @Test("a pool that is served elsewhere sees to limits itself, and takes every job")
  func servedPool() throws {
    var table = Table(to: .servedPool)
    let job = try #require(table.take(#"{"job":"a\nb","timeout":2}"#, as: .record).job)
    #expect(table.payload(of: job) == "a\nb" && !table.jobs.ledger.hasOwnRunLimit(job))
    #expect(table.jobs.facts[job].record == nil, "no dead letter wants it")
  }

  @Test("what is no record fails alone, named by its place; an empty line is nothing")
  func malformed() throws {
    var table = Table()
    guard case .nothing = table.take("", as: .record) else {
      Issue.record("an empty line is a job")
      return
    }
    guard case .rejected(let job, let reason, isMalformed: true) = table.take(#"{"id":7}"#, as: .record) else {
      Issue.record("a record without a job is one")
      return
    }
    #expect(reason.hasPrefix("is a bad record: ") && reason.hasSuffix("(line 3 of the input)"), "\(reason)")
    #expect(table.reason(job) == "the job \(reason)")
    #expect(job.flatMap { table.jobs.facts[$0].id } == Array("7".utf8))
    #expect(table.outcomes() == [.failed])
  }

  @Test("what the workers' framing cannot carry fails alone, and is a job all the same")
  func unfit() throws {
    var table = Table()
    table.rules.advice = "; try another"
    guard case .rejected(let job, let reason, isMalformed: false) = table.take("a\nb", as: .plain(.nul)) else {
      Issue.record("a line feed fits into a line")
      return
    }
    #expect(reason.hasPrefix("cannot be sent with --protocol lines: ") && reason.hasSuffix("; try another"))
    #expect(job.flatMap { table.jobs.facts[$0].rejected } == nil)
    #expect(table.outcomes() == [.failed])
    _ = table.jobs.takeOversize(limit: 5, table.rules, at: .origin)
    #expect(table.outcomes() == [.failed])
  }

  @Test("with a joblog a job has a key, and one that is done is skipped but counted")
  func logged() throws {
    var table = Table()
    table.rules.isLogged = true
    guard case .skipped = table.take(#"{"job":"one","key":"k"}"#, as: .record, isDone: { $0 == key("k") }) else {
      Issue.record("it was done")
      return
    }
    let job = try #require(table.take("two", as: .plain(.lines)).job)
    #expect(table.jobs.facts[job].key == JobKey(ofJob: Array("two".utf8).span.bytes))
    #expect(table.jobs.facts[job].command == Array("two".utf8))
    #expect(table.jobs.ledger.sequence(of: job) == 2)
  }

  private func key(_ name: String) -> JobKey { JobKey(name: Array(name.utf8).span.bytes) }

  @Test("when the queue is full a job is refused at once, whatever is wrong with it")
  func refused() throws {
    var table = Table(queueLimit: 1)
    table.rules.refusesWhenFull = true
    _ = table.take("one", as: .plain(.lines))
    for (text, form) in [("two", .plain(.lines)), ("a\nb", .plain(nil)), ("{", .record)] as [(String, JobForm)] {
      guard case .refused(let job) = table.take(text, as: form) else {
        Issue.record("\(text) was taken in")
        continue
      }
      #expect(table.reason(job) == "busy: 1 job waiting already (--queue)")
    }
    #expect(table.jobs.ledger.counts[.expired] == 3 && table.jobs.ledger.counts.queued == 1)
  }
}
