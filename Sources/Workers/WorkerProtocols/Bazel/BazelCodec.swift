import JSON

/// Work requests and work responses of one worker.
struct BazelCodec: WorkerCodec {
  private let terms: BazelProtocol
  private let maximumReplySize: Int
  private var cutter = JSONCutter()
  private var message: [UInt8] = []

  /// Bytes of a response besides its output.
  private static let envelope = 4096

  init(_ terms: BazelProtocol, maximumReplySize: Int) {
    self.terms = terms
    self.maximumReplySize = maximumReplySize
  }

  private var isMultiplex: Bool { terms.mostJobs > 1 }

  // MARK: To the worker

  mutating func encode(_ job: UnsafeRawBufferPointer, id: UInt64, to write: (UnsafeRawBufferPointer) -> Void) {
    // It was looked at before (`defect`).
    guard let request = try? WorkRequest(job.bytes) else { return }
    send(request, id: isMultiplex ? id : 0, cancels: false, to: write)
  }

  mutating func encode(_ request: WorkerRequest, to write: (UnsafeRawBufferPointer) -> Void) -> Bool {
    switch request {
    case .cancel(let id):
      send(nil, id: isMultiplex ? id : 0, cancels: true, to: write)
      return true
    case .check, .stop: return false
    }
  }

  private mutating func send(
    _ request: WorkRequest?, id: UInt64, cancels: Bool, to write: (UnsafeRawBufferPointer) -> Void
  ) {
    message.removeAll(keepingCapacity: true)
    switch terms.form {
    case .json:
      message += Self.json(request, id: id, cancels: cancels)
      message.append(0x0A)
    case .proto:
      let body = Self.proto(request, id: id, cancels: cancels)
      message.appendVarint(UInt64(body.count))
      message += body
    }
    message.withUnsafeBytes(write)
  }

  private static func json(_ request: WorkRequest?, id: UInt64, cancels: Bool) -> [UInt8] {
    JSONWriter.object { writer in
      if let request {
        writer.member("arguments", request.arguments) { $0.element($1) }
        if !request.inputs.isEmpty {
          writer.member("inputs", request.inputs) { writer, input in
            writer.element(object: {
              $0.member("path", input.path)
              $0.member("digest", input.digest)
            })
          }
        }
        writer.member("verbosity", request.verbosity == 0 ? nil : request.verbosity)
        writer.member("sandboxDir", request.sandbox)
      }
      writer.member("requestId", id == 0 ? nil : id)
      writer.member("cancel", cancels ? true : nil)
    }
  }

  private static func proto(_ request: WorkRequest?, id: UInt64, cancels: Bool) -> [UInt8] {
    var body: [UInt8] = []
    if let request {
      for argument in request.arguments { body.appendField(1, Array(argument.utf8)) }
      for input in request.inputs {
        var field: [UInt8] = []
        field.appendField(1, Array(input.path.utf8))
        if let digest = input.digest { field.appendField(2, Array(digest.utf8)) }
        body.appendField(2, field)
      }
    }
    if id != 0 { body.appendField(3, id) }
    if cancels { body.appendField(4, 1) }
    if let request {
      if request.verbosity != 0 { body.appendField(5, UInt64(bitPattern: Int64(request.verbosity))) }
      if let sandbox = request.sandbox { body.appendField(6, Array(sandbox.utf8)) }
    }
    return body
  }

  // MARK: From the worker

  mutating func decode(_ bytes: RawSpan) -> WorkerMessage {
    switch terms.form {
    case .json: decodeJSON(bytes)
    case .proto: decodeProto(bytes)
    }
  }

  private mutating func decodeJSON(_ bytes: RawSpan) -> WorkerMessage {
    switch cutter.next(in: bytes) {
    case .needMore(let consumed):
      return bytes.byteCount - consumed > maximumReplySize + Self.envelope ? .oversize : .needMore(consumed: consumed)
    case .violation(let reason): return .violation(reason)
    case .object(let place):
      do throws(JSONObjectError) {
        let object = try JSONObject(bytes, place)
        let id: UInt64 = try object.numberIfAny("requestId") ?? 0
        let response = WorkResponse(
          code: Int(try object.numberIfAny("exitCode") as Int32? ?? 0),
          output: Array((try object.textIfAny("output") ?? "").utf8), id: id,
          wasCancelled: try object.flagIfAny("wasCancelled") ?? false)
        return answer(response, consumed: place.upperBound)
      } catch {
        return .violation("no work response: \(error)")
      }
    }
  }

  private func decodeProto(_ bytes: RawSpan) -> WorkerMessage {
    var reader = ProtoReader()
    guard let length = reader.varint(in: bytes) else {
      return bytes.byteCount >= ProtoReader.longestVarint ? .violation("no length") : .needMore(consumed: 0)
    }
    guard length <= UInt64(maximumReplySize) + UInt64(Self.envelope) else { return .oversize }
    let end = reader.offset + Int(length)
    guard bytes.byteCount >= end else { return .needMore(consumed: 0) }
    guard let response = WorkResponse(bytes.extracting(reader.offset..<end)) else {
      return .violation("no WorkResponse")
    }
    return answer(response, consumed: end)
  }

  private func answer(_ response: WorkResponse, consumed: Int) -> WorkerMessage {
    // A worker that mixes requests with and without ids is out of step.
    let id = isMultiplex || response.id != 0 ? response.id : nil
    if response.wasCancelled { return .answer(id: id, .cancelled, consumed: consumed) }
    guard response.code == 0 else {
      let message = String(decoding: response.output, as: UTF8.self)
      return .answer(id: id, .failed(ReplyFailure(message: message, code: response.code)), consumed: consumed)
    }
    return .answer(id: id, .decoded(response.output), consumed: consumed)
  }
}

/// What a worker answers.
struct WorkResponse {
  var code = 0
  var output: [UInt8] = []
  var id: UInt64 = 0
  var wasCancelled = false

  init(code: Int, output: [UInt8], id: UInt64, wasCancelled: Bool) {
    (self.code, self.output, self.id, self.wasCancelled) = (code, output, id, wasCancelled)
  }

  /// Reads a WorkResponse; nil if it is none. Fields that are not known are skipped.
  init?(_ bytes: RawSpan) {
    var reader = ProtoReader()
    while reader.offset < bytes.byteCount {
      guard let field = reader.field(in: bytes) else { return nil }
      switch field {
      case .varint(1, let value): code = Int(Int32(truncatingIfNeeded: value))
      case .bytes(2, let place):
        output = []
        output.append(bytes.extracting(place))
      case .varint(3, let value): id = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
      case .varint(4, let value): wasCancelled = value != 0
      case .varint, .bytes, .other: break
      }
    }
  }
}
