/// Wakes a thread that waits for a descriptor, from any thread.
public struct Wakeup: ~Copyable, Sendable {
  private let pipe: Pipe

  /// Not rung yet. Fails if there are no descriptors left (EMFILE, ENFILE).
  public init() throws(SystemError) {
    let pipe = try Pipe()
    try makeNonBlocking(pipe.readEnd)
    try makeNonBlocking(pipe.writeEnd)
    self.pipe = pipe
  }

  /// To be watched for reading: readable from `ring` to `clear`.
  public var descriptor: CInt { pipe.readEnd }

  /// Wakes the thread. A full pipe wakes it as well.
  public func ring() {
    withUnsafeBytes(of: UInt8(0)) { _ = writeOnce(pipe.writeEnd, $0) }
  }

  /// To be called before looking for what has come: what comes later rings again.
  public func clear() {
    withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { room in
      while case .bytes = readOnce(pipe.readEnd, room) {}
    }
  }
}
