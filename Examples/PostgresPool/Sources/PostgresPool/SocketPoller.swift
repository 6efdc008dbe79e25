import Glibc
import Synchronization

/// One thread that waits for sockets, with poll(2), for any number of tasks.
///
/// A pool has tens of connections, not thousands: poll(2) looks at all of them faster than a statement takes.
final class SocketPoller: Sendable {
  /// Lives as long as the process: all connections share it.
  static let shared = SocketPoller()

  private struct Wait {
    let descriptor: CInt
    let events: Int16
    let deadline: ContinuousClock.Instant?
    let continuation: CheckedContinuation<Bool, any Error>
  }

  private struct Waits {
    var pending: [UInt64: Wait] = [:]
    var nextID: UInt64 = 0
  }

  private let waits = Mutex(Waits())
  /// A byte written here makes poll(2) return, to look at a new list.
  private let bell: (reader: CInt, writer: CInt)

  private init() {
    var ends: [CInt] = [-1, -1]
    precondition(pipe(&ends) == 0, "no pipe for the poller: errno \(errno)")
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    bell = (ends[0], ends[1])
    startThread { [self] in
      while true { turn() }
    }
  }

  /// Waits until `descriptor` has one of the poll(2) `events`, an error or a hang-up.
  /// - Returns: false if the deadline came first.
  /// - Throws: `CancellationError`, at once, when the task is cancelled.
  func wait(for events: Int16, on descriptor: CInt, until deadline: ContinuousClock.Instant?) async throws -> Bool {
    let id = waits.withLock { waits in
      waits.nextID += 1
      return waits.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isCancelled = waits.withLock { waits in
          // The handler may have run before there was anything to cancel; the task is marked before the handler runs.
          if Task.isCancelled { return true }
          waits.pending[id] = Wait(
            descriptor: descriptor, events: events, deadline: deadline, continuation: continuation)
          return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) } else { ring() }
      }
    } onCancel: {
      waits.withLock { $0.pending.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
      ring()
    }
  }

  private func ring() {
    var byte: UInt8 = 0
    // A full pipe is as good: the bell rings already.
    _ = write(bell.writer, &byte, 1)
  }

  private func turn() {
    let list = waits.withLock { Array($0.pending) }
    var descriptors = [pollfd(fd: bell.reader, events: Int16(POLLIN), revents: 0)]
    descriptors += list.map { pollfd(fd: $0.value.descriptor, events: $0.value.events, revents: 0) }
    let next = list.compactMap(\.value.deadline).min()
    _ = poll(&descriptors, nfds_t(descriptors.count), Self.milliseconds(until: next))
    if descriptors[0].revents != 0 { silenceBell() }
    let now = ContinuousClock.now
    for (item, answer) in zip(list, descriptors.dropFirst()) {
      let isReady = answer.revents != 0
      guard isReady || item.value.deadline.map({ $0 <= now }) == true else { continue }
      // Found by its number, never by its descriptor: a cancelled wait's descriptor may be another socket's by now.
      waits.withLock { $0.pending.removeValue(forKey: item.key) }?.continuation.resume(returning: isReady)
    }
  }

  private func silenceBell() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(bell.reader, &bytes, bytes.count) > 0 {}
  }

  /// For poll(2): rounded up, so that it does not return just before the deadline, again and again.
  private static func milliseconds(until deadline: ContinuousClock.Instant?) -> CInt {
    guard let deadline else { return -1 }
    let (seconds, attoseconds) = max(.zero, deadline - .now).components
    return CInt(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}

/// Runs `body` on a new thread that nobody joins.
func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let error = pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  precondition(error == 0, "no thread: errno \(error)")
  pthread_detach(thread)
}
