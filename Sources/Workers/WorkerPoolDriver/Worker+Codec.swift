import LinuxIO
import Time
import WorkerProtocols

/// What a worker is sent, and what it has written, in the language of its protocol.
extension Worker {
  /// Decodes the message at the front of its output.
  mutating func decode() -> WorkerMessage { inbound.withUnsafeBytes { codec.decode($0.bytes) } }

  /// Decodes the message behind the replies that are collected.
  mutating func decodeBehindCollected() -> WorkerMessage {
    inbound.withUnsafeBytes { codec.decode(UnsafeRawBufferPointer(rebasing: $0[collected.size...]).bytes) }
  }

  /// Starts decoding anew: its output so far was dropped, and no part of a message. It must not have answered yet.
  mutating func decodeAnew(_ workerProtocol: any WorkerProtocol) {
    codec = workerProtocol.makeCodec(maximumReplySize: terms.maximumReplySize, seed: seed)
  }

  /// Appends a message to what is to be written to it. Returns how many bytes that is.
  mutating func encode(_ message: UnsafeRawBufferPointer, id: UInt64 = 0) -> Int {
    let before = outbound.count
    codec.encode(message, id: id) { outbound.append($0) }
    return outbound.count - before
  }

  /// Appends a message with this many jobs, each of which `append` appends with `encode`.
  mutating func encodeBatch(of count: Int, _ append: (inout Worker) -> Void) {
    codec.beginBatch(of: count) { outbound.append($0) }
    append(&self)
    codec.endBatch { outbound.append($0) }
  }

  /// The same for a large message, which is not copied, if nothing else is to be written.
  mutating func encode(sharing message: SharedBytes, id: UInt64) {
    guard outbound.isEmpty else {
      _ = message.withUnsafeBytes { encode($0, id: id) }
      return
    }
    message.withUnsafeBytes { bytes in
      codec.encode(bytes, id: id) { piece in
        if piece.baseAddress == bytes.baseAddress, piece.count == bytes.count {
          outbound.share(message)
        } else {
          outbound.append(piece)
        }
      }
    }
  }

  /// Appends what it is sent before anything else.
  mutating func greet() { codec.greet { outbound.append($0) } }

  /// Appends what it is sent as long as it is not ready; returns how long to wait for more.
  mutating func continueGreeting(at now: Instant) -> Nanoseconds? {
    codec.continueGreeting(atAge: now - startedAt) { outbound.append($0) }
  }

  /// Appends an initial message.
  mutating func encode(initial message: [UInt8]) {
    message.withUnsafeBytes { bytes in
      if !codec.encode(initial: bytes, to: { outbound.append($0) }) { _ = encode(bytes) }
    }
  }

  /// Appends a message that is no job. False if the protocol has no such message.
  mutating func encode(_ request: WorkerRequest) -> Bool {
    return codec.encode(request) { outbound.append($0) }
  }

  /// Appends the answer of the protocol itself to something that it has sent.
  mutating func respond(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { outbound.append($0) }
  }
}
