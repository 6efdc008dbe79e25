import EventLoop
import JobCore
import JobEngine
import JobSources
import LinuxIO
import Metrics
import Slabs
import Time
import WireFormats

/// One client's connection: jobs in, answers out, each as far as the other side and the pool keep up.
///
/// It is a source of jobs that reads nothing by itself: when its buffer has no whole job, the pool decides whether to
/// read more.
struct Connection: ~Copyable, JobSource {
  /// While more than this waits for a slow reader, no job is taken from it and none of its jobs is started, in bytes.
  static let outputLimit = 256 * 1024
  /// With many connections it is less, so that all together take no more than this,
  static let allOutputLimit = 256 * 1024 * 1024
  /// but not less than this.
  static let leastOutputLimit = 16 * 1024
  /// The same while this many of its answers are missing, if they have an order.
  static let mostPending = 4096

  /// Names it, and its jobs in the ledger.
  let id: ClientID
  /// Its number, from 1, in the order in which they came.
  let number: UInt64
  let socket: StreamSocket
  let peer: Peer
  let openedAt: Instant
  /// How jobs and answers stand in it; it may ask for records with its first bytes.
  private(set) var input: StreamFormat
  private(set) var output: StreamFormat

  /// What was read and not taken yet. Small at first: there may be thousands of silent ones.
  private var buffer: FrameBuffer
  /// What was answered and not sent yet.
  var unsent = ByteQueue(capacity: 256)

  /// Whether its first bytes have shown what it wants.
  private(set) var hasGreeted = false
  /// It sends no more.
  var inputIsOver = false
  /// It waits in the line of the connections that have something to be taken.
  var isInLine = false
  /// It could go on if its answers were read or its jobs settled.
  var isHeldBack = false
  private(set) var isWatchedForInput = true
  private(set) var isWatchedForOutput = false
  /// Its answers are to be sent at the end of the turn.
  var isTouched = false
  /// Answers since bytes were last sent, and when that was.
  var gathered = 0
  var sentAt: Instant = .origin
  /// The ledger starts none of its jobs.
  var isPaused = false
  /// No more jobs are accepted from it: we end it, for this reason.
  var endedFor: ConnectionEnd?
  /// When its end stops waiting for workers that may be about to write more; nil while answers are missing.
  var workersAreAwaitedUntil: Instant?
  /// All its jobs are settled, and its answers are on their way.
  var delivery: Delivery?
  /// Jobs taken from it.
  var jobs: UInt64 = 0
  /// Its jobs that are answered, or would be if it were still connected.
  var settled = 0
  /// Those of them that are ok.
  var settledOK = 0
  /// Bytes that the system took for it.
  private(set) var sentBytes: UInt64 = 0
  /// When a byte last moved.
  var movedAt: Instant

  init(
    _ id: ClientID, number: UInt64, _ socket: consuming StreamSocket, _ peer: Peer, of pool: ServedPool, at now: Instant
  ) {
    self.id = id
    self.number = number
    self.socket = socket
    self.peer = peer
    openedAt = now
    movedAt = now
    input = pool.input
    output = pool.output
    buffer = FrameBuffer(pool.input.framing, maximumSize: pool.maximumJobSize, capacity: 256)
  }

  /// Bytes that were read and not consumed yet.
  var unreadBytes: Int { buffer.bytes.count }

  /// Finds the next job in what was read. At the end of the input its rest is a job, too.
  mutating func next() -> SourceStep {
    if !hasGreeted, !looksLikeClient() { return inputIsOver ? .end : .notYet }
    return switch buffer.next(isOver: inputIsOver) {
    case .frame: .job
    case .oversize: .oversize(limit: buffer.maximumSize)
    // Lines, nul and records have no violations: every sequence of bytes is valid.
    case .violation(let error): .failed("\(error)")
    case .needMore: .notYet
    case .end: .end
    }
  }

  /// Looks at the first bytes; false if they do not, or not yet, show a client of ours.
  private mutating func looksLikeClient() -> Bool {
    switch Greeting.look(at: buffer.bytes, isOver: inputIsOver, isTCP: peer.isHost) {
    case .incomplete: return false
    case .control: speaksControl = true
    case .foreign(let other): foreignProtocol = other
    case .plain: hasGreeted = true
    case .records:
      hasGreeted = true
      buffer.bytes.removeFirst(Greeting.wanted.count)
      (input, output) = (.records, .records)
      buffer.goOn(as: .lines, maximumSize: buffer.maximumSize)
      asksForRecords = true
      isSubmitter = true
    }
    return hasGreeted
  }

  var form: JobForm { input.form }

  func withJob(_ body: (UnsafeRawBufferPointer) -> Void) { buffer.withFrame(body) }

  mutating func shareJob() -> SharedBytes? { buffer.shareFrame() }

  var position: String { "record \(jobs + 1) of its connection" }

  mutating func consume(as job: JobID?) { buffer.consume() }

  mutating func resume(_ loop: inout EventLoop, token: UInt64) -> String? {
    watch(input: true, output: isWatchedForOutput, &loop, token: token)
    return nil
  }

  mutating func pause(_ loop: inout EventLoop, token: UInt64) {
    watch(input: false, output: isWatchedForOutput, &loop, token: token)
  }

  /// Accepts no more of its jobs. A client that writes all its jobs before it reads an answer must be able to go on
  /// writing.
  mutating func end(_ loop: inout EventLoop, token: UInt64) {
    buffer.bytes.removeAll()
    watch(input: !inputIsOver, output: isWatchedForOutput, &loop, token: token)
  }

  /// Updates which events the loop reports.
  mutating func watch(input: Bool, output: Bool, _ loop: inout EventLoop, token: UInt64) {
    guard (input, output) != (isWatchedForInput, isWatchedForOutput) else { return }
    (isWatchedForInput, isWatchedForOutput) = (input, output)
    try? loop.modify(socket.descriptor, token: token, readable: input, writable: output)
  }

  /// It is a client of the control socket, at the wrong door.
  private(set) var speaksControl = false

  /// What it speaks instead of ours.
  private(set) var foreignProtocol: ForeignProtocol?
  /// It asked for records (`prefork submit`): it understands every message that we send in them.
  private(set) var isSubmitter = false

  /// It has just asked for records, and is to be greeted.
  var asksForRecords = false

  /// Longest job in bytes, as it was when the client came.
  var maximumJobSize: Int { buffer.maximumSize }

  /// What an answer must fit into.
  var answerFraming: Framing? {
    switch output {
    case .framed(let framing): framing
    case .records: nil
    }
  }

  /// Its name in messages.
  var name: String { "connection \(number) (\(peer))" }

  mutating func readOnce(atMost size: Int) -> ReadResult { socket.read(into: &buffer.bytes, atMost: size) }

  mutating func writeOnce() -> WriteResult {
    let result = socket.write(from: &unsent)
    if case .bytes(let count) = result { sentBytes &+= UInt64(count) }
    return result
  }

  /// Reads what nobody will look at.
  mutating func discardInput() -> ReadResult {
    defer { buffer.bytes.removeAll() }
    return socket.read(into: &buffer.bytes)
  }

  /// Bytes of answers that the client has not got: those that are not sent, and those that the system has not
  /// delivered. Of a unix socket the system counts what they take in memory.
  var undeliveredBytes: Int {
    let end = peer.isHost && delivery?.isShut == true ? 1 : 0
    return unsent.count + min(max(0, socket.undeliveredBytes - end), Int(clamping: sentBytes))
  }

  /// About how many answers to jobs that are ok they are, judged by the mean length of those; never more than there
  /// were. The empty ones to jobs that were given up hardly weigh anything.
  var undeliveredAnswers: Int {
    let bytes = undeliveredBytes
    guard bytes > 0 else { return 0 }
    let mean = (Double(sentBytes) + Double(unsent.count)) / Double(max(1, settledOK))
    return min(settledOK, max(1, Int((Double(bytes) / max(1, mean)).rounded())))
  }

  /// The answer of its next job.
  mutating func answer(_ payload: UnsafeRawBufferPointer, as framing: Framing) {
    framing.appendHeader(count: payload.count) { unsent.append($0) }
    unsent.append(payload)
    framing.appendTrailer { unsent.append($0) }
  }

  /// Whether its answers come in the order of its jobs: in records each names its job.
  var isOrdered: Bool { answerFraming != nil }

  /// Whether no further job is accepted, because too much output waits for it: `limit` bytes, or `mostPending` jobs.
  /// `heldBytes`: the bytes of answers that wait for earlier ones.
  func isFull(_ limit: Int, heldBytes: Int) -> Bool {
    unsent.count + heldBytes >= limit || (isOrdered && Int(jobs) - settled >= Self.mostPending)
  }
}

/// The last part of a connection's life: its answers are delivered, and then it is closed.
struct Delivery {
  /// When we close whatever is delivered.
  var until: Instant
  /// Our sending side is shut down: the client reads to the end.
  var isShut = false
  /// Everything is delivered; until then we wait for the client to close.
  var closesAt: Instant?
}

/// The connections of a pool by the index of their `ClientID`. An index is used again only when the ledger has
/// forgotten its client.
struct ConnectionTable: ~Copyable {
  private var connections = Slab<Connection>()
  private var generations: [UInt32] = []
  private var free: [UInt32] = []
  /// Those that came so far.
  private(set) var accepted: UInt64 = 0

  var count: Int { connections.count }
  var indices: Range<Int> { connections.indices }

  func holds(_ index: Int) -> Bool { connections.holds(index) }
  func holds(_ id: ClientID) -> Bool {
    connections.holds(Int(id.index)) && connections[Int(id.index)].id == id
  }

  subscript(index: Int) -> Connection {
    _read { yield connections[index] }
    _modify { yield &connections[index] }
  }

  /// The name for the next connection.
  mutating func makeID() -> ClientID {
    accepted += 1
    if let index = free.popLast() {
      generations[Int(index)] &+= 1
      if generations[Int(index)] == 0 { generations[Int(index)] = 1 }
      return ClientID(index: index, generation: generations[Int(index)])
    }
    generations.append(1)
    return ClientID(index: UInt32(generations.count - 1), generation: 1)
  }

  mutating func insert(_ connection: consuming Connection) {
    connections.insert(connection, at: Int(connection.id.index))
  }

  mutating func remove(_ index: Int) { connections.remove(index) }

  /// The ledger knows nothing of it any more.
  mutating func reuse(_ id: ClientID) { free.append(id.index) }
}
