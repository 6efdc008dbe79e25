import Glibc
import LinuxIO
import PoolCore
import TestSupport
import Testing
import Time

@testable import JobEngine

/// The only writer of stderr, on the terminal of a person who looks at it.
@Suite struct ReporterTests {
  private func reporter(on pipe: borrowing Pipe, _ verbosity: Verbosity = .normal) -> Reporter {
    Reporter(InheritedOutput(pipe.writeEnd), log: nil, verbosity: verbosity)
  }

  private func take(from pipe: borrowing Pipe) -> String {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    let count = unreadBytes(ofPipe: pipe.readEnd) == 0 ? 0 : read(pipe.readEnd, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  @Test("messages come above the status, in one piece with it")
  func messages() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe)
    reporter.setStatus("42%")
    reporter.flush()
    #expect(take(from: pipe) == "\r\u{1B}[?7l42%\u{1B}[K\u{1B}[?7h\r")
    reporter.note("first")
    reporter.note("second")
    reporter.setStatus("43%")
    reporter.flush()
    #expect(take(from: pipe) == "\r\u{1B}[Jprefork: first\nprefork: second\n\r\u{1B}[?7l43%\u{1B}[K\u{1B}[?7h\r")
    reporter.flush()
    #expect(take(from: pipe) == "")
  }

  @Test("before the last words the status goes, and it does not come back")
  func cleared() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe)
    reporter.setStatus("99%")
    reporter.flush()
    reporter.clearStatus()
    reporter.note("10 jobs")
    reporter.flush()
    #expect(take(from: pipe) == "\r\u{1B}[?7l99%\u{1B}[K\u{1B}[?7h\r\r\u{1B}[Jprefork: 10 jobs\n")
  }

  @Test("for a slow reader the status is left out, and comes up to date when there is room")
  func slow() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe)
    reporter.note(String(repeating: "x", count: 200_000))
    reporter.flush()
    let isBlocked = reporter.isBlocked
    #expect(isBlocked)
    for percent in 1...50 {
      reporter.setStatus("\(percent)%")
      reporter.flush()
    }
    var text = ""
    while case let more = take(from: pipe), !more.isEmpty {
      text += more
      reporter.flush()
    }
    #expect(text.hasSuffix("x\n\r\u{1B}[?7l50%\u{1B}[K\u{1B}[?7h\r"))
    #expect(text.split(separator: "%", omittingEmptySubsequences: false).count == 2, "drawn once")
  }

  @Test("what a worker said last is not said again while it stands a few lines above, and is when it does not")
  func evidence() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe, .verbose)
    let (worker, other) = (WorkerID(slot: SlotID(0), serial: 1), WorkerID(slot: SlotID(0), serial: 2))
    reporter.workerLine(worker, pid: 812, Array("ouch".utf8))
    reporter.repeated(.death, cause: "", about: Reporter.Subject(worker, pid: 812), "it died", evidence: ["ouch"])
    // Another worker in the same slot has said nothing here.
    reporter.repeated(.death, cause: "", about: Reporter.Subject(other, pid: 813), "that too", evidence: ["ah"])
    reporter.flush()
    #expect(
      take(from: pipe) == "worker 0: ouch\nprefork: it died\nprefork: that too\nprefork:   last stderr: \"ah\"\n")
    for number in 0..<30 { reporter.note("\(number)") }
    reporter.flush()
    _ = take(from: pipe)
    reporter.repeated(.death, cause: "", about: Reporter.Subject(worker, pid: 812), "it died", evidence: ["ouch"])
    reporter.flush()
    #expect(take(from: pipe) == "prefork: it died\nprefork:   last stderr: \"ouch\"\n", "it has scrolled away")
  }

  @Test("a status that is gone is erased even for a slow reader")
  func slowEnd() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe)
    reporter.setStatus("99%")
    reporter.flush()
    reporter.note(String(repeating: "x", count: 200_000))
    reporter.flush()
    reporter.clearStatus()
    var text = ""
    while case let more = take(from: pipe), !more.isEmpty {
      text += more
      reporter.flush()
    }
    #expect(text.hasPrefix("\r\u{1B}[?7l99%\u{1B}[K\u{1B}[?7h\r\r\u{1B}[Jprefork: x") && text.hasSuffix("\r\u{1B}[J"))
  }

  // MARK: A log that is not read

  /// Lines of a worker until the reporter holds more than it wants to.
  private func flood(_ reporter: inout Reporter, lines: Int = 600) {
    for _ in 0..<lines {
      reporter.workerLine(WorkerID(slot: SlotID(0), serial: 1), pid: 7, [UInt8](repeating: 120, count: 1000))
    }
    reporter.flush()
  }

  @Test("a reader that falls behind holds the workers for a second, then their lines are dropped and counted")
  func droppedLines() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe)
    flood(&reporter)
    var held: [Bool] = []
    for milliseconds in [0, 400, 999] as [UInt64] {
      held.append(reporter.holdsWorkers(at: .origin + second + .milliseconds(milliseconds)))
    }
    #expect(held == [true, true, true])
    let deadline = reporter.nextDeadline
    #expect(deadline == .origin + 2 * second)
    let isHeldAtTheEnd = reporter.holdsWorkers(at: .origin + 2 * second)
    #expect(!isHeldAtTheEnd)
    let later = reporter.nextDeadline
    #expect(later == nil, "or the loop would never rest again")
    let before = reporter.waitingBytes
    flood(&reporter, lines: 1234)
    let after = reporter.waitingBytes
    #expect(after == before)
    let isHeldLater = reporter.holdsWorkers(at: .origin + 9 * second)
    #expect(!isHeldLater)
    let text = drain(pipe, &reporter)
    #expect(text.contains("prefork: 1234 lines of workers' logs were dropped because stderr is not read\n"))
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("worker 0: xxx") }.count == 600)
    let isHeldAgain = reporter.holdsWorkers(at: .origin + 10 * second)
    #expect(!isHeldAgain)
    reporter.workerLine(WorkerID(slot: SlotID(0), serial: 1), pid: 7, Array("again".utf8))
    let again = drain(pipe, &reporter)
    #expect(again == "worker 0: again\n")
  }

  @Test("a reader that is slow but reads is waited for anew each time: nothing is dropped")
  func slowReader() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe)
    var text = ""
    for turn in 0..<20 as Range<UInt64> {
      flood(&reporter, lines: 400)
      let isHeld = reporter.holdsWorkers(at: .origin + (turn * 2 + 1) * second)
      text += drain(pipe, &reporter)
      let isHeldStill = reporter.holdsWorkers(at: .origin + (turn * 2 + 1) * second + second / 2)
      #expect(isHeld && !isHeldStill)
    }
    #expect(text.split(separator: "\n").count == 20 * 400)
  }

  @Test("messages of our own are bounded, too, but for errors")
  func droppedMessages() throws {
    let pipe = try Pipe()
    var reporter = reporter(on: pipe)
    for _ in 0..<3000 { reporter.note(String(repeating: "y", count: 1000)) }
    reporter.fatal("the end is near")
    let waiting = reporter.waitingBytes
    #expect(waiting < 1_200_000)
    reporter.flush()
    _ = reporter.holdsWorkers(at: .origin + second)
    var text = drain(pipe, &reporter)
    _ = reporter.holdsWorkers(at: .origin + second)
    text += drain(pipe, &reporter)
    let kept = text.split(separator: "\n").filter { $0.hasSuffix("yyy") }.count
    #expect(kept > 1000 && kept < 1100)
    #expect(text.contains("prefork: the end is near\n"))
    #expect(text.contains("prefork: \(3000 - kept) messages were dropped because stderr is not read\n"))
  }

  private let second: Nanoseconds = 1_000_000_000

  /// Reads until the reporter has no more.
  private func drain(_ pipe: borrowing Pipe, _ reporter: inout Reporter) -> String {
    var text = ""
    repeat {
      text += take(from: pipe)
      reporter.flush()
      if reporter.waitingBytes == 0 { _ = reporter.holdsWorkers(at: .origin + 10 * second) }
    } while unreadBytes(ofPipe: pipe.readEnd) > 0
    return text
  }
}
