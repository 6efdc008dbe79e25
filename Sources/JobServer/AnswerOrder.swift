import LinuxIO
import WireFormats

/// The answers of one connection, put into the order of its jobs: what is finished early waits for those before it.
struct AnswerOrder {
  /// Finished answers by place, as a ring: place p stands at p & (count - 1). An empty place is not finished.
  private var ring: [[UInt8]?] = []
  /// The place of the first job whose answer is not out.
  private(set) var first: UInt64 = 0
  /// The place of the next job.
  private(set) var next: UInt64 = 0
  /// Bytes that wait.
  private(set) var heldBytes = 0

  /// Jobs whose answers are not out, finished or not.
  var pending: Int { Int(next - first) }

  /// A job came in: the place that its answer will have.
  mutating func take() -> UInt64 {
    next += 1
    return next - 1
  }

  /// The answer for a place is there. It goes out if it is its turn, with all that waited for it; else it is kept.
  mutating func answer(
    _ place: UInt64, _ payload: UnsafeRawBufferPointer, as framing: Framing, to output: inout ByteQueue
  ) {
    guard place == first else { return keep(Array(payload), at: place) }
    output.append(payload, as: framing)
    first += 1
    while !ring.isEmpty, first < next, let waiting = ring[index(of: first)] {
      waiting.withUnsafeBytes { output.append($0, as: framing) }
      heldBytes -= waiting.count
      ring[index(of: first)] = nil
      first += 1
    }
    if first == next, ring.count > 1024 { ring = [] }
  }

  /// The answer for a place is empty after all; false if it is out already, or not there.
  mutating func withdraw(_ place: UInt64) -> Bool {
    guard place > first, place < next, !ring.isEmpty, let waiting = ring[index(of: place)] else { return false }
    heldBytes -= waiting.count
    ring[index(of: place)] = []
    return true
  }

  private func index(of place: UInt64) -> Int { Int(place & UInt64(ring.count - 1)) }

  private mutating func keep(_ answer: [UInt8], at place: UInt64) {
    if ring.count < pending { grow() }
    heldBytes += answer.count
    ring[index(of: place)] = answer
  }

  private mutating func grow() {
    var size = max(16, ring.count)
    while size < pending { size *= 2 }
    var larger = [[UInt8]?](repeating: nil, count: size)
    if !ring.isEmpty {
      for place in first..<min(next, first + UInt64(ring.count)) {
        larger[Int(place & UInt64(size - 1))] = ring[index(of: place)]
      }
    }
    ring = larger
  }
}

extension ByteQueue {
  /// Adds a message with its framing.
  mutating func append(_ payload: UnsafeRawBufferPointer, as framing: Framing) {
    framing.appendHeader(count: payload.count) { append($0) }
    append(payload)
    framing.appendTrailer { append($0) }
  }
}
