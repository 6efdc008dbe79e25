import TestSupport
import Testing

@testable import WorkerProtocols

/// Programs at a prompt: what they are sent, and where a reply ends.
@Suite struct REPLTests {
  /// One side of a conversation with a program.
  private struct Conversation {
    var codec: any WorkerCodec
    var pending: [UInt8] = []

    init(_ dialect: REPLDialect, seed: UInt64 = 1, maximumReplySize: Int = 1000) {
      codec = REPLProtocol(dialect).makeCodec(maximumReplySize: maximumReplySize, seed: seed)
    }

    mutating func greeting() -> String {
      var bytes: [UInt8] = []
      codec.greet { bytes += $0 }
      return String(decoding: bytes, as: UTF8.self)
    }

    /// What is sent for a job.
    mutating func sent(_ job: String) -> String {
      var bytes: [UInt8] = []
      Array(job.utf8).withUnsafeBytes { codec.encode($0, id: 7) { bytes += $0 } }
      return String(decoding: bytes, as: UTF8.self)
    }

    /// A job is sent: the nonces of its begin mark and of its end mark.
    mutating func asked() -> (begin: String, end: String) {
      let nonces = REPLTests.nonces(in: sent("x"))
      return (nonces.first ?? "", nonces.last ?? "")
    }

    /// What output means; the reply as text. The next call goes on behind it.
    mutating func received(_ text: String) -> (message: WorkerMessage, reply: String?) {
      pending += text.utf8
      let bytes = pending
      let message = codec.decode(bytes.span.bytes)
      var reply: String?
      if case .reply(let payload, _) = message { reply = String(decoding: pending[payload], as: UTF8.self) }
      switch message {
      case .reply(_, let consumed), .failure(_, let consumed), .answer(_, _, let consumed), .notice(_, let consumed),
        .response(_, let consumed), .needMore(let consumed):
        pending.removeFirst(consumed)
      case .oversize, .violation, .unfit: break
      }
      return (message, reply)
    }

    /// The program is ready.
    mutating func begin(banner: String = "") {
      let nonce = REPLTests.nonce(in: greeting())
      _ = received(banner + nonce + "\n")
    }
  }

  /// All 32 hexadecimal digits in a text: of the begin mark, and of the end mark.
  fileprivate static func nonces(in text: String) -> [String] {
    text.matches(of: #/[0-9a-f]{32}/#).map { String($0.output) }
  }

  /// Those of the end mark.
  fileprivate static func nonce(in text: String) -> String { nonces(in: text).last ?? "" }

  private let bc = REPLPreset.bc.dialect

  @Test("a job goes out as it is, with an end command behind it, and a nonce that no other has")
  func encoding() {
    var one = Conversation(bc)
    let first = one.sent("1+1")
    let nonces = Self.nonces(in: first)
    let nonce = nonces[1]
    #expect(nonces[0] != nonce)
    #expect(first == "print \"\(nonces[0])\\n\"\n1+1\nprint \"\(nonce)\\n\"\n")
    #expect(Self.nonce(in: one.sent("1+1")) != nonce)
    var other = Conversation(bc, seed: 2)
    #expect(Self.nonce(in: other.sent("1+1")) != nonce, "another worker has others")
    var again = Conversation(bc)
    #expect(again.sent("1+1") == first, "the same seed gives the same")
  }

  @Test("a large job is not copied where it goes out as it is")
  func sharing() {
    var codec = REPLProtocol(bc).makeCodec(maximumReplySize: 10, seed: 1)
    [UInt8](repeating: 1, count: 100).withUnsafeBytes { job in
      var places: [UnsafeRawPointer?] = []
      codec.encode(job, id: 1) { places.append($0.baseAddress) }
      #expect(places.contains(job.baseAddress))
    }
  }

  @Test("the banner before the first mark is thrown away as it comes, and then the worker is ready")
  func banner() {
    var worker = Conversation(bc, maximumReplySize: 10)
    let nonce = Self.nonce(in: worker.greeting())
    let banner = worker.received(String(repeating: "Welcome to bc! ", count: 100)).message
    guard case .needMore(let dropped) = banner else {
      Issue.record("a banner is no message: \(banner)")
      return
    }
    #expect(dropped > 1400)
    #expect(worker.received("\n> " + nonce.prefix(20)).message != .notice(.ready, consumed: 0))
    guard case .notice(.ready, _) = worker.received(nonce.dropFirst(20) + "\n").message else {
      Issue.record("ready after the mark")
      return
    }
    #expect(worker.pending.isEmpty)
  }

  @Test("a reply is all that came before the mark, in pieces of any size, without the newline before the mark")
  func pieces() {
    for (output, expected) in [
      ("2\n", "2"), ("a\nb\n\n", "a\nb\n"), ("", ""), ("\n", ""), ("no newline", "no newline"),
    ] {
      var worker = Conversation(bc)
      worker.begin()
      let nonce = worker.asked()
      var found: String?
      for byte in "\(nonce.begin)\n\(output)\(nonce.end)\n".utf8 {
        #expect(found == nil)
        found = worker.received(String(decoding: [byte], as: UTF8.self)).reply
      }
      #expect(found == expected)
      #expect(worker.pending.isEmpty)
    }
  }

  @Test("the mark of an earlier job, half a mark, or a mark within a line are part of the reply")
  func forgedMarks() {
    var worker = Conversation(bc)
    worker.begin()
    let old = worker.asked()
    #expect(worker.received("\(old.begin)\n\(old.end)\n").reply == "")
    let nonce = worker.asked()
    let forged = "\(old.end)\n\(nonce.begin)\n\(nonce.end.prefix(31))\necho \(nonce.end), \(nonce.end)."
    #expect(worker.received("\(nonce.begin)\n\(forged)\n\(nonce.end)\n").reply == forged)
  }

  @Test("a reply over the limit is known before its mark has come, and one of just the limit is none")
  func oversize() {
    var worker = Conversation(bc, maximumReplySize: 10)
    worker.begin()
    let nonce = worker.asked()
    #expect(worker.received("\(nonce.begin)\n0123456789\n\(nonce.end)\n").reply == "0123456789")
    let begin = worker.asked().begin
    #expect(worker.received(begin + "\n" + String(repeating: "a", count: 100)).message == .oversize)
    var other = Conversation(bc, maximumReplySize: 10)
    other.begin()
    let whole = other.asked()
    #expect(other.received("\(whole.begin)\n0123456789a\n\(whole.end)\n").message == .oversize)
  }

  @Test("what comes without a job breaks the protocol")
  func idle() {
    var worker = Conversation(bc)
    worker.begin()
    #expect(worker.received("> ").message == .violation("output after the mark"))
  }

  @Test("output that comes between two jobs is no part of a reply, and is reported")
  func strayOutput() {
    var worker = Conversation(bc)
    worker.begin()
    let nonce = worker.asked()
    #expect(worker.received("late").message == .needMore(consumed: 0))
    guard case .notice(.log(.warning, let text), _) = worker.received("\n\(nonce.begin)\n2\n").message else {
      Issue.record("not reported")
      return
    }
    #expect(text.contains("\"late\\n\""), "\(text)")
    #expect(worker.received("\(nonce.end)\n").reply == "2")
    _ = worker.sent("x")
    guard case .notice(.log, let consumed) = worker.received(String(repeating: "x", count: 5000)).message else {
      Issue.record("a flood is dropped as it comes")
      return
    }
    #expect(consumed > 4900)
  }

  @Test("where the program can run a text it is given the job as one, and the mark tells how that went")
  func texts() {
    var worker = Conversation(REPLPreset.python.dialect)
    let nonce = Self.nonce(in: worker.sent("a = \"é\"\nb\\"))
    #expect(worker.sent("a = \"é\"\nb\\").hasSuffix(#", b"a = \"\303\251\"\012b\\")"# + "\n"))
    #expect(!nonce.isEmpty)
    var shell = Conversation(REPLPreset.sh.dialect)
    #expect(shell.sent("echo 'a b'").contains(#"; (eval 'echo '\''a b'\''') </dev/null; "#))
  }

  @Test(
    "a failure is told by the mark",
    arguments: [
      (REPLPreset.python, "1 Traceback:\nx\nValueError: no", ReplyFailure(message: "Traceback:\nx\nValueError: no")),
      (.sh, "3", ReplyFailure(message: "exit status 3", code: 3)),
      (.psql, "42P01 no such table", ReplyFailure(message: "no such table (SQLSTATE 42P01)")),
      (.gnuplot, "  1   undefined variable  ", ReplyFailure(message: "undefined variable")),
    ])
  func failures(preset: REPLPreset, status: String, failure: ReplyFailure) {
    var worker = Conversation(preset.dialect)
    let (begin, nonce) = worker.asked()
    let mark = "\(begin)\nout\n\(nonce) \(status) \(nonce)\n"
    for count in 0..<mark.utf8.count - 1 {
      #expect(worker.received(String(Array(mark)[count])).message == .needMore(consumed: 0))
    }
    guard case .failure(let found, _) = worker.received("\n").message else {
      Issue.record("not a failure")
      return
    }
    #expect(found == failure)
    let next = worker.asked()
    let success = preset == .psql ? "00000" : "0"
    #expect(worker.received("\(next.begin)\nout\n\(next.end) \(success)  \(next.end)\n").reply == "out")
  }

  @Test("a dialect of one's own needs its nonce in both texts, and only {nonce} has a meaning there")
  func ownDialect() throws {
    #expect(throws: REPLDialect.Defect.withoutNonce) { try REPLDialect(end: "echo x", reply: "{nonce}") }
    #expect(throws: REPLDialect.Defect.withoutNonce) { try REPLDialect(end: "echo {nonce}", reply: "x") }
    var worker = Conversation(try REPLDialect(end: "echo {job} {nonce}", reply: "{job} {nonce}"))
    let sent = worker.sent("x")
    let nonces = Self.nonces(in: sent)
    #expect(sent == "echo {job} \(nonces[0])\nx\necho {job} \(nonces[1])\n")
    #expect(worker.received("{job} \(nonces[0])\n1\n{job} \(nonces[1])\n").reply == "1")
  }

  @Test("a prompt, and the value of the end command, are found out between two marks and are no part of a reply")
  func prompts() throws {
    for tail in ["> ", "undefined\n> ", "\n> "] {
      var worker = Conversation(try REPLDialect(end: "print({nonce})", reply: "{nonce}"))
      let sent = worker.greeting().split(separator: "\n")
      try #require(sent.count == 2)
      let marks = sent.map { Self.nonce(in: String($0)) }
      var message = WorkerMessage.needMore(consumed: 0)
      for byte in "Welcome\n> \(marks[0])\n\(tail)\(marks[1])\n\(tail)".utf8 {
        #expect(message != .notice(.ready, consumed: 0))
        message = worker.received(String(decoding: [byte], as: UTF8.self)).message
      }
      guard case .notice(.ready, _) = message else {
        Issue.record("ready after the second prompt: \(message)")
        return
      }
      for (output, reply) in [("2\n", "2"), ("", ""), ("a> b", "a> b"), ("> \n", "> ")] {
        let nonce = worker.asked()
        let text = "\(nonce.begin)\n\(tail)\(output)> \(nonce.end)\n\(tail.prefix(1))"
        #expect(worker.received(text).reply == nil)
        #expect(worker.received(String(tail.dropFirst())).reply == reply, "\(tail)")
        #expect(worker.pending.isEmpty)
      }
    }
  }

  @Test("a job with a NUL byte is refused, one with newlines is not", arguments: REPLPreset.allCases)
  func defects(preset: REPLPreset) {
    let terms = REPLProtocol(preset.dialect)
    #expect(terms.defect(of: Array("a\0b".utf8).span.bytes)?.contains("NUL byte at offset 1") == true)
    #expect(terms.defect(of: Array("a\nb".utf8).span.bytes) == nil)
  }
}
