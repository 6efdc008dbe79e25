import Glibc
import LinuxIO
import TestSupport
import Time
import WireFormats
import WorkerProcess

/// A worker that is no process: it holds the other ends of the pipes, and does with them what the script says.
final class ScriptedWorker: SimulatedProcess, @unchecked Sendable {
  /// What it is like from its start to its end.
  struct Habits {
    /// It goes on after the end of its stdin.
    var ignoresEnd = false
    /// SIGTERM does not stop it.
    var ignoresTerminate = false
    /// It does one job after the other, with one thread.
    var isSequential = true
    /// It writes a line before anything else.
    var greets = false
    /// It answers a batch of requests with one array, when it has answered all of them.
    var answersInArrays = false
  }

  /// What it speaks.
  enum Speech {
    /// Jobs and replies in frames.
    case framed
    /// The same, with the number of jobs before them.
    case counted
    /// JSON-RPC: it answers in any order.
    case requests
  }

  /// What it read.
  enum Message {
    case job(Int)
    case probe, reset
    /// The number of jobs that follow.
    case count(Int)
    /// What needs no answer.
    case notification
    /// Not what was sent.
    case broken
  }

  let slot: Int
  let serial: Int
  let pid: CInt
  let habits: Habits
  private let framing: Framing
  let speech: Speech
  private(set) var status: ExitStatus?

  private var input: CInt
  private var output: CInt
  private var errorOutput: CInt
  /// The pool's end of this pipe becomes readable when this one is closed.
  private let life: CInt

  private var decoder: FrameDecoder
  private var bytes: [UInt8] = []
  private var unsent: [UInt8] = []
  private var scratch: [UInt8] = []
  /// What it has read and not answered.
  private(set) var owed: [Message] = []
  /// Its requests and batches.
  var requests = Requests()
  /// How many jobs its last message announced, and how many of them are still to come.
  private var announced = (jobs: 0, left: 0)
  /// The job of which it has read only the beginning.
  private var begun: Int?
  private var hasGreeted = false
  private(set) var hasSeenEnd = false
  /// Replies to jobs that it has made, replies that nobody asked for, and jobs whose answers it has left out.
  private(set) var replies = 0
  private(set) var surplus = 0
  private(set) var omitted = 0
  /// The jobs whose answers it has written to the end, and those whose answers it has made.
  private(set) var answered: [Int] = []
  private var made: [Int] = []
  /// The first thing that it wrote unasked came while it had nothing to do.
  private(set) var spokeWhileFree = false
  /// It wrote something before it had read anything, which may be taken for a banner.
  private(set) var hasSpokenFirst = false
  /// It has ended because its stdin had.
  private(set) var hasEndedInOrder = false
  /// It did something that its protocol does not allow.
  private(set) var isBroken = false
  /// When the pool had seen that it closed a pipe.
  var closedPipeSeenAt: Instant?
  /// A breach of its was reported, of whatever kind: too many answers may look like one that is too large.
  var isAccused = false
  /// A breach of its was reported after which its answers may belong to other jobs.
  var isFoundOut = false

  init(slot: Int, serial: Int, habits: Habits, speech: Speech, framing: Framing, _ ends: Ends) {
    self.speech = speech
    requests.order = SplitMix64(state: UInt64(serial))
    self.slot = slot
    self.serial = serial
    self.habits = habits
    self.framing = framing
    // No process has a number over 2^22.
    pid = CInt(truncatingIfNeeded: 10_000_000 + serial)
    (input, output, errorOutput, life) = (ends.input, ends.output, ends.errorOutput, ends.life)
    decoder = FrameDecoder(framing, maximumSize: 1 << 24)
  }

  /// Its ends of the pipes; it closes them.
  struct Ends {
    var input: CInt
    var output: CInt
    /// -1 if its stderr is nobody's affair.
    var errorOutput: CInt
    var life: CInt
  }

  deinit { if status == nil { close() } }

  var isAlive: Bool { status == nil }
  var hasClosedPipe: Bool { input < 0 || output < 0 }
  /// Its answers may belong to other jobs than they seem to.
  var isOutOfStep: Bool { surplus > 0 || omitted > 0 }
  var waitsForInput: Bool { habits.isSequential && owed.isEmpty && unsent.isEmpty }
  /// It has more to write.
  var isWriting: Bool { !unsent.isEmpty }

  func receive(_ signal: CInt) {
    guard isAlive else { return }
    if signal == Signal.kill || signal == Signal.terminate && !habits.ignoresTerminate {
      die(.killed(signal: signal, coreDumped: false))
    }
  }

  // MARK: In

  /// One read of at most `limit` bytes. Calls `touch` with each job of which it has read the first bytes by that.
  /// Returns false if nothing was there.
  func read(atMost limit: Int, touch: (Int) -> Void) -> Bool {
    guard isAlive, input >= 0, readBytes(limit) else { return false }
    cut(touch)
    // What was begun must be known: it reads on until the name is there.
    while !bytes.isEmpty || announced.left > 0 && announced.left == announced.jobs, begun == nil, readBytes(1) {
      cut(touch)
    }
    return true
  }

  private func readBytes(_ limit: Int) -> Bool {
    let count = withUnsafeTemporaryAllocation(byteCount: min(limit, 65536), alignment: 1) { buffer in
      let count = Glibc.read(input, buffer.baseAddress, buffer.count)
      if count > 0 { bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
      return count
    }
    if count == 0 { hasSeenEnd = true }
    return count > 0
  }

  private func cut(_ touch: (Int) -> Void) {
    var start = 0
    loop: while start < bytes.count {
      switch bytes.withUnsafeBytes({ decoder.next(in: UnsafeRawBufferPointer(rebasing: $0[start...]).bytes) }) {
      case .frame(let place, let consumed):
        let found: [Message] = bytes.withUnsafeBytes {
          messages(in: UnsafeRawBufferPointer(rebasing: $0[(start + place.lowerBound)..<(start + place.upperBound)]))
        }
        for message in found { take(message, touch) }
        begun = nil
        start += consumed
      case .needMore: break loop
      case .oversize, .violation:
        owed.append(.broken)
        start = bytes.count
      }
    }
    bytes.removeFirst(start)
    guard begun == nil, let number = nameOfBegun() else { return }
    begun = number
    if number > 0 { touch(number) }
  }

  private func take(_ message: Message, _ touch: (Int) -> Void) {
    switch message {
    case .count(let count): announced = (count, count)
    case .notification: break
    case .job(let number):
      if begun != number { touch(number) }
      announced.left = max(0, announced.left - 1)
      owed.append(message)
    case .probe, .reset, .broken:
      announced.left = max(0, announced.left - 1)
      owed.append(message)
    }
  }

  private func messages(in bytes: UnsafeRawBufferPointer) -> [Message] {
    switch speech {
    case .framed: [Self.message(bytes)]
    case .counted where announced.left == 0:
      [Int(String(decoding: bytes, as: UTF8.self)).map { .count($0) } ?? .broken]
    case .counted: [Self.message(bytes)]
    case .requests: requests.read(bytes)
    }
  }

  static func message(_ bytes: UnsafeRawBufferPointer) -> Message {
    if let number = Payload.readJob(bytes) { return .job(number) }
    if bytes.elementsEqual(Payload.probe) { return .probe }
    return bytes.elementsEqual(Payload.reset) ? .reset : .broken
  }

  /// The number of the job that the bytes begin; 0 for another message; nil if that cannot be told yet.
  private func nameOfBegun() -> Int? {
    if speech == .counted, announced.left == 0 { return nil }
    if speech == .requests { return Requests.nameOfFirst(in: bytes) }
    return bytes.withUnsafeBytes { bytes in
      var start = 0
      switch framing {
      case .lines, .nul: break
      case .length4: start = 4
      case .netstring:
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        start = colon + 1
      }
      guard start < bytes.count else { return nil }
      if bytes[start] != UInt8(ascii: "j") { return 0 }
      return Payload.readName(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }
  }

  // MARK: Out

  /// What it has to say before it takes a job.
  func greet() {
    guard habits.greets, !hasGreeted else { return }
    hasGreeted = true
    append(Payload.greeting)
  }

  /// Makes the answer to the first message that it owes one; `size` is that of a reply to a job. Nil: it owes none.
  func answer(size: Int) -> Message? {
    guard isAlive, !owed.isEmpty else { return nil }
    let message = owed.remove(at: speech == .requests ? requests.order.below(owed.count) : 0)
    switch message {
    case .job(let number):
      replies += 1
      // What stands in an array is written when this is complete.
      if !habits.answersInArrays { made.append(number) }
      speak(of: number, size: size)
    case .probe: append(Payload.probeReply)
    case .reset: append(Payload.resetReply)
    case .broken, .count, .notification: break
    }
    return message
  }

  /// Leaves the answer to its first job out.
  func omit() -> Bool {
    guard isAlive, case .job? = owed.first else { return false }
    if case .job(let number) = owed.removeFirst(), let array = requests.leaveOut(number) { append(array) }
    omitted += 1
    isBroken = true
    return true
  }

  /// Makes a reply that nobody asked for. `isFree`: as far as the pool knows it has nothing to do.
  func speakUnasked(size: Int, isFree: Bool) {
    guard isAlive else { return }
    if surplus == 0, omitted == 0 { spokeWhileFree = isFree && owed.isEmpty && !isWriting && replies > 0 }
    if replies == 0, owed.isEmpty { hasSpokenFirst = true }
    surplus += 1
    isBroken = true
    speak(of: 0, size: size)
  }

  private func speak(of number: Int, size: Int) {
    scratch.removeAll(keepingCapacity: true)
    Payload.reply(number, by: serial, size: size, into: &scratch)
    guard speech == .requests else { return append(scratch) }
    let response = requests.response(to: number, result: scratch)
    if !habits.answersInArrays { return append(response) }
    if let array = requests.collect(response, to: number) { append(array) }
  }

  /// A notification, about one of its jobs or about nothing.
  func notify() {
    guard isAlive, speech == .requests else { return }
    append(requests.notification(about: owed.compactMap { if case .job(let number) = $0 { number } else { nil } }))
  }

  /// What it does next is not allowed.
  func markBroken() { isBroken = true }

  /// Bytes that are no frame, where there is such a thing: in lines they would be the beginning of the next reply.
  func garble() {
    guard isAlive, framing.delimiter == nil || speech == .requests else { return }
    if replies == 0, owed.isEmpty { hasSpokenFirst = true }
    isBroken = true
    surplus += 1
    unsent += Array((speech == .requests ? "{\n" : "x:").utf8)
  }

  private func append(_ payload: [UInt8]) {
    framing.appendHeader(count: payload.count) { unsent.append($0) }
    unsent += payload
    framing.appendTrailer { unsent.append($0) }
  }

  /// Writes what it has to say, at most `limit` bytes of it.
  func flush(atMost limit: Int = .max) {
    guard isAlive, !unsent.isEmpty else { return }
    guard output >= 0 else { return unsent.removeAll() }
    let count = unsent.withUnsafeBytes { Glibc.write(output, $0.baseAddress, min(limit, $0.count)) }
    if count > 0 { unsent.removeFirst(count) }
    if unsent.isEmpty {
      answered += made
      made.removeAll(keepingCapacity: true)
    }
  }

  /// A line on its stderr.
  func log(_ text: String) {
    guard isAlive, errorOutput >= 0 else { return }
    var line = text
    _ = line.withUTF8 { Glibc.write(errorOutput, $0.baseAddress, $0.count) }
  }

  // MARK: The end

  func closeInput() {
    if input >= 0 { Glibc.close(input) }
    input = -1
    isBroken = true
  }

  func closeOutput() {
    if output >= 0 { Glibc.close(output) }
    output = -1
    isBroken = true
  }

  /// Its stdin has ended, and it has nothing left to do.
  func leave() {
    hasEndedInOrder = output >= 0
    die(.exited(code: 0))
  }

  func die(_ status: ExitStatus) {
    guard isAlive else { return }
    self.status = status
    close()
    (bytes, unsent, scratch) = ([], [], [])
  }

  private func close() {
    for end in [input, output, errorOutput, life] where end >= 0 { Glibc.close(end) }
    (input, output, errorOutput) = (-1, -1, -1)
  }
}
