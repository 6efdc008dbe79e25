import TestSupport

/// The requests of a scripted worker that speaks JSON-RPC, and what it answers.
struct Requests {
  /// In which order it answers.
  var order = SplitMix64(state: 0)
  /// Jobs that it answered with an error, by number: how often.
  private(set) var failures: [Int: Int] = [:]
  private(set) var batches = 0
  private var idOfJob: [Int: UInt64] = [:]
  /// The batch of each job, and of each batch the responses that it has made and how many more belong to it.
  private var batchOfJob: [Int: Int] = [:]
  private var arrays: [Int: (responses: [[UInt8]], left: Int)] = [:]
  private var strays: UInt64 = 1 << 40

  /// One request, a batch of them, or a notification.
  mutating func read(_ bytes: UnsafeRawBufferPointer) -> [ScriptedWorker.Message] {
    switch JSONTree.parse(Array(bytes)) {
    case .array(let requests)?:
      batches += 1
      arrays[batches] = ([], requests.count)
      return requests.map { read($0, inBatch: batches) }
    case let request?: return [read(request, inBatch: nil)]
    case nil: return [.broken]
    }
  }

  private mutating func read(_ request: JSONTree, inBatch batch: Int?) -> ScriptedWorker.Message {
    guard let method = request["method"]?.text else { return .broken }
    if method != "job" { return request["id"] == nil ? .notification : .broken }
    guard let job = request["params"]?["job"]?.text, case .number(let id)? = request["id"], let id = UInt64(id),
      let number = Array(job.utf8).withUnsafeBytes({ Payload.readJob($0) })
    else { return .broken }
    idOfJob[number] = id
    batchOfJob[number] = batch
    return .job(number)
  }

  /// The number of the first job in the beginning of a message; nil if that is not there yet.
  static func nameOfFirst(in bytes: [UInt8]) -> Int? {
    guard let place = String(decoding: bytes, as: UTF8.self).firstRange(of: #""job":"j"#) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    return Array(text[text.index(before: place.upperBound)...].utf8).withUnsafeBytes { Payload.readName($0) }
  }

  /// What it answers to the job; to 0, which is no job, what nobody has asked for. Now and then the job has failed.
  mutating func response(to number: Int, result: [UInt8]) -> [UInt8] {
    strays += 1
    let id = idOfJob[number] ?? strays
    var response = Array(#"{"jsonrpc":"2.0","id":\#(id),"#.utf8)
    if number > 0, order.oneIn(16) {
      failures[number, default: 0] += 1
      response += #""error":{"code":1,"message":"no"}}"#.utf8
    } else {
      response += #""result":""#.utf8 + result + Array(#""}"#.utf8)
    }
    return response
  }

  /// A response that waits for those to the other jobs of its batch: all of them, if it is the last.
  mutating func collect(_ response: [UInt8], to number: Int) -> [UInt8]? {
    guard let batch = batchOfJob[number] else { return response }
    arrays[batch]?.responses.append(response)
    return complete(batch)
  }

  /// The job is not answered. Returns the array of its batch, if it was the last that this waited for.
  mutating func leaveOut(_ number: Int) -> [UInt8]? {
    batchOfJob[number].flatMap { complete($0) }
  }

  private mutating func complete(_ batch: Int) -> [UInt8]? {
    arrays[batch]?.left -= 1
    guard let array = arrays[batch], array.left <= 0, !array.responses.isEmpty else { return nil }
    arrays[batch] = nil
    return Array("[".utf8) + array.responses.joined(separator: ",".utf8) + Array("]".utf8)
  }

  mutating func notification(about jobs: [Int]) -> [UInt8] {
    switch order.below(jobs.isEmpty ? 3 : 5) {
    case 0: return Array(#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":"a line"}}"#.utf8)
    case 1: return Array(#"{"jsonrpc":"2.0","method":"unknown"}"#.utf8)
    case 2: return Array(#"{"jsonrpc":"2.0","method":"retire"}"#.utf8)
    default:
      let id = idOfJob[order.pick(jobs)] ?? 0
      return Array(#"{"jsonrpc":"2.0","method":"progress","params":{"id":\#(id),"done":1,"total":4}}"#.utf8)
    }
  }
}
