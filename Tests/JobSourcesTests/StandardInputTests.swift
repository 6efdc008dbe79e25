import EventLoop
import Glibc
import JobSources
import LinuxIO
import Testing
import WireFormats

/// The jobs of stdin, one at a time.
@Suite struct StandardInputTests {
  /// A pipe for stdin.
  private struct Input: ~Copyable {
    var pipe: Pipe
    var source: StandardInput

    init(_ framing: Framing = .lines, maximumJobSize: Int = 10, wasClosed: Bool = false) throws {
      pipe = try Pipe()
      source = StandardInput(
        InheritedInput(pipe.readEnd, wasClosed: wasClosed), framing: framing, form: .plain(framing),
        maximumJobSize: maximumJobSize)
    }

    func write(_ text: String) { _ = Glibc.write(pipe.writeEnd, text, text.utf8.count) }
    mutating func close() { _ = pipe.takeWriteEnd() }

    var job: String {
      var job = ""
      source.withJob { job = String(decoding: $0, as: UTF8.self) }
      return job
    }

    /// The next job, consumed; nil if there is none at the moment.
    mutating func take() -> String? {
      guard source.next() == .job else { return nil }
      defer { source.consume(as: nil) }
      return job
    }
  }

  @Test("a job is there when it is whole; the last one needs no delimiter")
  func whole() throws {
    var input = try Input()
    input.write("one\ntw")
    #expect(input.take() == "one")
    #expect(input.source.next() == .notYet)
    input.write("o\nthree")
    #expect(input.take() == "two")
    input.close()
    #expect(input.take() == "three")
    #expect(input.source.next() == .end)
  }

  @Test("one that is too long is skipped alone, and counts as a line")
  func oversize() throws {
    var input = try Input()
    input.write("0123456789A\nb\n")
    #expect(input.source.next() == .oversize(limit: 10))
    #expect(input.source.position == "line 1 of the input")
    input.source.consume(as: nil)
    #expect(input.source.next() == .job && input.job == "b")
    #expect(input.source.position == "line 2 of the input")
  }

  @Test("what is no message of its format ends it, also in its middle")
  func violation() throws {
    var input = try Input(.netstring)
    input.write("3:one,x")
    #expect(input.take() == "one")
    guard case .failed(let reason) = input.source.next() else {
      Issue.record("an x is no length")
      return
    }
    #expect(reason.hasPrefix("stdin is not in the format of --input: "))
    input = try Input(.netstring)
    input.write("3:on")
    #expect(input.source.next() == .notYet)
    input.close()
    guard case .failed(let end) = input.source.next() else {
      Issue.record("half a message is no end")
      return
    }
    #expect(end.hasPrefix("stdin ends in the middle of a job: "))
  }

  @Test("that it was closed is reported once, and then it is over")
  func closed() throws {
    var input = try Input(wasClosed: true)
    #expect(input.source.next() == .notice("stdin is closed: there are no jobs"))
    #expect(input.source.next() == .end)
  }

  @Test("bytes without end, and without a job, leave a turn to others")
  func turns() throws {
    let zeros = open("/dev/zero", O_RDONLY)
    defer { close(zeros) }
    var source = StandardInput(
      InheritedInput(zeros), framing: .lines, form: .plain(.lines), maximumJobSize: 1 << 30)
    #expect(source.next() == .nextTurn)
    #expect(source.next() == .nextTurn, "the turn is not over")
    source.beginTurn()
    #expect(source.next() == .nextTurn)
  }

  @Test("the loop reports it from resume to pause, however often each is called")
  func waiting() throws {
    var input = try Input()
    var loop = try EventLoop()
    for _ in 0..<2 {
      let failure = input.source.resume(&loop, token: 7)
      #expect(failure == nil)
    }
    input.write("one\n")
    #expect(try tokens(&loop) == [7])
    for _ in 0..<2 { input.source.pause(&loop, token: 7) }
    #expect(try tokens(&loop) == [])
    _ = input.source.resume(&loop, token: 7)
    #expect(try tokens(&loop) == [7])
    input.source.end(&loop, token: 7)
    #expect(try tokens(&loop) == [])
  }

  private func tokens(_ loop: inout EventLoop) throws -> [UInt64] {
    var events: [LoopEvent] = []
    try loop.wait(into: &events, atMost: .none)
    return events.compactMap { if case .ready(let token, _, _, _) = $0 { token } else { nil } }
  }

  @Test("of a file it is known how much was consumed of how much")
  func progress() throws {
    var template = Array("/tmp/prefork-test-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    defer { close(file) }
    unlink(template)
    write(file, "one\ntwo\n", 8)
    lseek(file, 0, SEEK_SET)
    var source = StandardInput(InheritedInput(file), framing: .lines, form: .plain(.lines), maximumJobSize: 10)
    #expect(source.next() == .job)
    source.consume(as: nil)
    let ofFile = source.progress
    #expect(ofFile?.consumed == 4 && ofFile?.all == 8)
    let input = try Input()
    let ofPipe = input.source.progress
    #expect(ofPipe == nil, "a pipe may go on for ever")
  }

  @Test("a large job can be shared, a small one cannot", arguments: Framing.allCases)
  func shared(framing: Framing) throws {
    var input = try Input(framing, maximumJobSize: 1 << 20)
    let large = String(repeating: "x", count: 0x5A5A)  // A length whose bytes are text, too.
    for job in ["a", large, "b"] {
      var frame: [UInt8] = []
      framing.appendHeader(count: job.utf8.count) { frame.append($0) }
      frame += Array(job.utf8)
      framing.appendTrailer { frame.append($0) }
      input.write(String(decoding: frame, as: UTF8.self))
    }
    for job in ["a", large, "b"] {
      #expect(input.source.next() == .job)
      let shared = input.source.shareJob()
      #expect((shared != nil) == (job == large))
      if let shared { #expect(shared.withUnsafeBytes { $0.elementsEqual(large.utf8) }) }
      #expect(input.job == job, "it is lent as well")
      input.source.consume(as: nil)
    }
    #expect(input.source.next() == .notYet)
  }
}
