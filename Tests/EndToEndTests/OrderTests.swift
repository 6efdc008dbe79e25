import Glibc
import Testing

/// Whatever goes in comes out, once, and in its place.
@Suite struct OrderTests {
  @Test func lineNOfTheOutputAnswersLineNOfTheInput() throws {
    let result = try shell("seq -f 'line %.0f' 100000 | prefork run -w 4 -- workers/examples/upper.py")
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(firstDifference(result.lines) { "LINE \($0)" } == nil)
    #expect(result.lines.count == 100_000)
  }

  /// Large ones are passed on without being copied, also those that wait for an earlier one.
  @Test(arguments: ["", "--prefetch 1", "--retries 1 --dead-letter /dev/null"])
  func jobsOfAllSizesComeOutUnchanged(options: String) throws {
    let sizes = "[1, 1, 1, 300, 5000, 16383, 16384, 16385, 65535, 65536, 400000, 1100000]"
    let lines = "import random; r = random.Random(7); [print(str(i % 10) * r.choice(\(sizes))) for i in range(300)]"
    let result = try shell(
      "jobs=$(mktemp); python3 -c '\(lines)' > $jobs; prefork run -w 4 \(options) -- workers/examples/upper.py < $jobs "
        + "| cmp - $jobs; equal=$?; rm $jobs; exit $equal", seconds: 150)
    #expect(result.status == 0, "\(result.output) \(result.errors)")
    #expect(result.errors == "")
  }

  @Test func unorderedLosesAndDoublesNothing() throws {
    let result = try shell(
      "seq 30000 | prefork run -w 4 --unordered -- workers/examples/upper.py | sort -n")
    #expect(result.errors == "")
    #expect(firstDifference(result.lines) { "\($0)" } == nil)
    #expect(result.lines.count == 30_000)
  }

  @Test(arguments: ["", "--unordered"])
  func aWorkerThatKillsItselfOnEvery50thJobLosesNothingWithRetries(option: String) throws {
    // A job may by chance be the 50th of several workers in a row: more patience than that is not asked of chance.
    let result = try shell(
      "seq 1500 | prefork run \(option) -w 4 --retries 9 --quarantine-after 9 -- "
        + "workers/faulty/kills_itself_on_job.py 50 | sort -ns")
    #expect(firstDifference(result.lines) { "\($0)" } == nil)
    #expect(result.lines.count == 1500)
    #expect(result.errors.contains("was killed by SIGKILL"))
    #expect(!result.errors.contains("crashed"))
  }

  @Test func resultsWaitForAnEarlierSlowJobAndLoseNothing() throws {
    let worker = "while read -r job; do if [ $job = 1 ]; then sleep 0.4; fi; echo $job; done"
    let result = try shell("seq 400 | prefork run -w 2 -- sh -c '\(worker)'")
    #expect(result.lines.elementsEqual((1...400).map { "\($0)" }))
    try SignalTests.withGate { gate in
      let wait = "until [ -e \(gate.path) ]; do sleep 0.02; done"
      let gated = "while read -r job; do if [ $job = 1 ]; then \(wait); fi; echo $job; done"
      let session = try Session("exec prefork run -w 2 --unordered -- sh -c '\(gated)'")
      session.send((1...400).map { "\($0)\n" }.joined())
      #expect(Set((2...400).map { _ in session.nextLine() }) == Set((2...400).map { "\($0)" }))
      gate.open()
      #expect(session.nextLine() == "1")
      #expect(session.finish().lines.count == 400)
    }
  }

  @Test func aSmallOrderWindowStillGivesEveryResultInOrder() throws {
    let worker = "while read -r job; do if [ $job = 1 ]; then sleep 0.2; fi; echo $job; done"
    let result = try shell("seq 3000 | prefork run -w 3 --order-window 64 -- sh -c '\(worker)'")
    #expect(result.status == 0)
    #expect(firstDifference(result.lines) { "\($0)" } == nil)
    #expect(result.lines.count == 3000)
  }

  @Test func aReaderThatHasEnoughEndsItAtOnceAndQuietly() throws {
    let result = try shell("yes | { prefork run -w 2 -- workers/examples/upper.py; echo status $? >&2; } | head -n 5")
    #expect(result == ShellResult(output: "Y\nY\nY\nY\nY\n", status: 0, errors: "status 0\n"))
  }

  @Test func aReaderThatGoesAwayWhileNothingIsToBeWrittenEndsIt() throws {
    let session = try Session("exec prefork run -w 1 -- cat")
    session.send("a\n")
    #expect(session.nextLine() == "a")
    session.closeOutput()
    session.wait(for: "the end, with stdin still open") { session.hasEnded() }
    #expect(session.finish().status == 0)
    #expect(session.errorText == "")
  }

  @Test func anEndlessSlowStreamIsAnsweredLineByLine() throws {
    let session = try Session("exec prefork run -w 3 -- workers/examples/upper.py")
    for number in 1...20 {
      session.send("line \(number)\n")
      #expect(session.nextLine() == "LINE \(number)")
    }
    #expect(session.finish().status == 0)
  }

  @Test func aJobWithoutItsEndWaitsForTheRest() throws {
    let session = try Session("exec prefork run -w 1 -- cat")
    session.send("first\nsec")
    #expect(session.nextLine() == "first")
    session.send("ond\n")
    #expect(session.nextLine() == "second")
    #expect(session.finish().status == 0)
  }

  @Test func memoryStaysFlatOver150000Jobs() throws {
    // What waits for a worker that gets no CPU is kept in the order window.
    let session = try Session("exec prefork run -w 2 --order-window 64K -- cat")
    session.send((1...150_000).map { "\($0)\n" }.joined())
    let size = (1...150_000).reduce(0) { $0 + "\($1)\n".utf8.count }
    let most = session.mostMemory(untilOutputHas: size)
    #expect(most > 0 && most < 8_000_000, "\(most) bytes")
    let result = session.finish()
    #expect(result.status == 0)
    #expect(firstDifference(result.lines) { "\($0)" } == nil)
  }

  @Test func aSlowReaderHoldsTheInputBackAndMemoryDown() throws {
    let session = try Session("exec prefork run -w 2 --order-window 1M -- cat")
    session.send(String(repeating: "some job or other that is not all that short\n", count: 1_000_000))
    var (last, since) = (session.unsentCount, monotonicTime())
    var most = 0
    session.wait(for: "prefork to stop reading", whileReading: false) {
      most = max(most, memory("RssAnon", of: session.pid))
      if session.unsentCount != last { (last, since) = (session.unsentCount, monotonicTime()) }
      return monotonicTime() - since > 400_000_000
    }
    #expect(45_000_000 - session.unsentCount < 4_000_000)
    #expect(most > 0 && most < 8_000_000, "\(most) bytes")
    session.closeOutput()
    session.wait(for: "the end") { session.hasEnded() }
    #expect(session.finish().status == 0)
  }
}

/// The first line that is not what it should be, by its number from 1.
func firstDifference(_ lines: [Substring], _ expected: (Int) -> String) -> String? {
  for (index, line) in lines.enumerated() where line != expected(index + 1) {
    return "line \(index + 1) is \"\(line)\", not \"\(expected(index + 1))\""
  }
  return nil
}

extension Session {
  /// Waits for this many bytes of output. Returns the most memory of its own that the process was seen to have
  /// meanwhile, in bytes: without its code, much of which is unmapped when it has started.
  func mostMemory(untilOutputHas size: Int) -> Int {
    var most = 0
    wait(for: "\(size) bytes of output") {
      most = max(most, memory("RssAnon", of: self.pid))
      return self.outputBytes.count >= size
    }
    return most
  }
}
