import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Whether a fresh worker waits for its first job: what is seen of it, and what is made of that.
@Suite struct StartWatchTests {
  private static let input = "pipe:[7]"

  /// What is seen of processes whose threads wait like this.
  private func look(_ processes: [ThreadWait]...) -> StartLook { StartLook(at: processes, input: Self.input) }

  /// What is made of sights that follow each other by `pause`, up to the first verdict; nil if there is none.
  private func verdict(
    _ sights: [StartWatch.Sight], pause: Nanoseconds = .milliseconds(5)
  ) -> (StartWatch.Verdict, after: Int)? {
    var watch = StartWatch()
    for (number, sight) in sights.enumerated() {
      let verdict = watch.judge(sight, at: Instant(nanoseconds: 0) + UInt64(number + 1) * pause)
      if verdict != .loads { return (verdict, after: number + 1) }
    }
    return nil
  }

  private static let reads = ThreadWait.reads(input)

  // MARK: Looks

  @Test("whichever thread or process reads the worker's stdin")
  func reading() {
    #expect(look([Self.reads]) == .readsInput)
    #expect(look([.awaitsThread, .awaitsThread, Self.reads]) == .readsInput, "as in Java")
    #expect(look([.awaitsChild], [Self.reads]) == .readsInput, "as below a shell")
    #expect(look([.reads("pipe:[8]")], [Self.reads]) == .readsInput, "as behind tee")
    #expect(look([.polls, Self.reads]) == .readsInput)
  }

  @Test("a first thread that is at work may be loading, another one runs for ever")
  func working() {
    #expect(look([.runs, Self.reads]) == .readsAndWorks)
    #expect(look([.sleeps, Self.reads]) == .readsAndWorks)
    #expect(look([Self.reads, .runs]) == .readsInput)
    #expect(look([Self.reads, .sleeps]) == .readsInput)
    #expect(look([Self.reads], [.runs]) == .readsAndWorks, "the other end of a pipeline loads")
    #expect(look([.awaitsThread, .runs]) == .runs, "a thread of its own loads")
    #expect(look([.awaitsChild], [.runs]) == .runs)
    #expect(look([.awaitsChild], [.sleeps]) == .sleeps)
  }

  @Test("what may be waiting for input, and what is not known")
  func waiting() {
    #expect(look([.polls]) == .waitsForEvents)
    #expect(look([.polls, .sleeps]) == .waitsForEvents, "an event loop beside a heartbeat")
    #expect(look([.awaitsMessage]) == .waitsForEvents)
    #expect(look([.reads("socket:[9]")]) == .waitsForEvents)
    #expect(look([.reads("/models/large.bin")]) == .unclear)
    #expect(look([.other]) == .unclear)
    #expect(look([.other], [.sleeps]) == .unclear, "a signal has stopped it, and a helper sleeps")
    #expect(look([.awaitsThread]) == .unclear)
    #expect(look([]) == .unclear)
    #expect(look([.hidden]) == .hidden)
    #expect(look([.awaitsChild], [.hidden]) == .hidden, "as below sudo")
  }

  @Test("real workers are seen as what they do")
  func realWorkers() throws {
    try expect("read -r job", .readsInput)
    try expect("read -r job </dev/null; cat", .readsInput)
    try expect("sleep 60", .sleeps)
    try expect("while :; do :; done", .runs)
    try expect("exec python3 -c 'import select; select.select([0], [], [])'", .waitsForEvents)
    try expect("exec 3<&0; sleep 0.1; read -r job <&3", .readsInput)
  }

  private func expect(_ script: String, _ wanted: StartLook, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var process = try start(script)
    defer {
      process.signalGroup(Signal.kill)
      _ = end(of: &process)
    }
    let input = try #require(ProcessTable.nameOfPipe(process.input))
    var seen = StartLook.unclear
    for _ in 0..<12_000 {
      seen = StartWatch.Sight(of: process.pid, input: input, age: .zero).look
      if seen == wanted { return }
      poll(nil, 0, 5)
    }
    Issue.record("\(script): seen was \(seen)", sourceLocation: sourceLocation)
  }

  // MARK: Verdicts

  @Test("one that reads is ready at once, one that is hidden is given up at once")
  func atOnce() throws {
    #expect(try #require(verdict([.init(.runs), .init(.readsInput)])) == (.reads, 2))
    #expect(try #require(verdict([.init(.hidden)])) == (.cannotBeSeen, 1))
  }

  @Test("one that runs or sleeps may be loading for as long as it takes")
  func loading() {
    #expect(verdict(Array(repeating: .init(.runs), count: 10_000)) == nil)
    #expect(verdict(Array(repeating: .init(.sleeps, timesRun: 3), count: 10_000)) == nil)
  }

  @Test("one that waits for events is given up when it has not run for 10 ms")
  func events() throws {
    let idle = Array(repeating: StartWatch.Sight(.waitsForEvents, timesRun: 3), count: 100)
    #expect(try #require(verdict(idle)) == (.waitsOtherwise, 3))
    let busy = (1...100).map { StartWatch.Sight(.waitsForEvents, timesRun: $0) }
    #expect(verdict(busy) == nil, "it loads over a network")
    #expect(try #require(verdict(busy + idle)).after == 103)
    let endless = (1...300).map { StartWatch.Sight(.waitsForEvents, timesRun: $0) }
    #expect(try #require(verdict(endless)) == (.waitsOtherwise, 201), "a heartbeat is no loading")
  }

  @Test("one that reads while it works is taken to be ready after a second")
  func readsAndWorks() throws {
    let busy = Array(repeating: StartWatch.Sight(.readsAndWorks), count: 300)
    #expect(try #require(verdict(busy)) == (.reads, 201))
    #expect(verdict(Array(busy.prefix(200)) + [.init(.runs)] + Array(busy.prefix(200))) == nil)
  }

  @Test("one that looks at its stdin from time to time, or without ever waiting, does not load for ever")
  func polling() throws {
    let naps = (1...100).map { StartWatch.Sight(.sleeps, timesRun: $0) }
    #expect(try #require(verdict(naps)) == (.waitsOtherwise, 51))
    let spins = Array(repeating: StartWatch.Sight(.runs, pollsInput: true), count: 300)
    #expect(try #require(verdict(spins)) == (.waitsOtherwise, 201))
    let sleepsAndRuns = (1...300).map { StartWatch.Sight($0 % 2 == 0 ? .sleeps : .runs, timesRun: $0) }
    #expect(verdict(sleepsAndRuns) == nil)
  }

  @Test("what is not clear is given up when it has lasted for a second without running")
  func unclear() throws {
    let stuck = Array(repeating: StartWatch.Sight(.unclear, timesRun: 5), count: 300)
    #expect(try #require(verdict(stuck)) == (.waitsOtherwise, 202))
    #expect(verdict((1...300).map { StartWatch.Sight(.unclear, timesRun: $0) }) == nil)
  }

  @Test("one that writes is at work")
  func writing() {
    var watch = StartWatch()
    for number in 1...1000 {
      let sight = StartWatch.Sight(.waitsForEvents, timesRun: 3)
      #expect(watch.judge(sight, at: Instant(nanoseconds: 0) + UInt64(number) * .milliseconds(8)) == .loads)
      watch.hasWritten()
    }
  }

  @Test("the pauses grow with the age of the worker")
  func pauses() {
    #expect(StartWatch.pause(atAge: .zero) == .microseconds(250))
    #expect(StartWatch.pause(atAge: .milliseconds(80)) == .milliseconds(5))
    #expect(StartWatch.pause(atAge: .seconds(1)) == .milliseconds(25))
    #expect(StartWatch.pause(atAge: .seconds(10)) == .milliseconds(200))
  }
}
