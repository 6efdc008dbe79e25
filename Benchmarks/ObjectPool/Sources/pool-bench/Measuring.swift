import Glibc

/// What a holder does with the thing before giving it back.
enum Hold: String, CaseIterable {
  /// Counts the use.
  case none
  /// Computes for about a microsecond.
  case work
  /// Lets others run, so that more than one per CPU hold a thing.
  case yield

  /// Each step needs the one before, and nothing shortens them.
  @inline(never)
  private static func work(_ thing: Thing) {
    var state = UInt64(truncatingIfNeeded: thing.uses)
    for _ in 0..<600 { state = (state ^ state >> 31) &* 0x9e37_79b9_7f4a_7c15 }
    thing.scratch = state
  }

  @inline(__always)
  func use(_ thing: Thing) {
    thing.uses += 1
    switch self {
    case .none: break
    case .work: Hold.work(thing)
    case .yield: sched_yield()
    }
  }

  @inline(__always)
  nonisolated(nonsending) func useInTask(_ thing: Thing) async {
    thing.uses += 1
    switch self {
    case .none: break
    case .work: Hold.work(thing)
    case .yield: await Task.yield()
    }
  }
}

/// Seconds that `count` threads take, from when all are made to when all are done.
func timeThreads(_ count: Int, _ body: @escaping @Sendable () -> Void) -> Double {
  final class Start: Sendable {
    let body: @Sendable () -> Void
    nonisolated(unsafe) let line: UnsafeMutablePointer<pthread_barrier_t>
    init(_ body: @escaping @Sendable () -> Void, _ line: UnsafeMutablePointer<pthread_barrier_t>) {
      self.body = body
      self.line = line
    }
  }
  let line = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)
  pthread_barrier_init(line, nil, UInt32(count + 1))
  defer {
    pthread_barrier_destroy(line)
    line.deallocate()
  }
  let threads = (0..<count).map { _ in
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(body, line)).toOpaque()
    let status = pthread_create(
      &thread, nil,
      { argument in
        let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
        pthread_barrier_wait(start.line)
        start.body()
        return nil
      }, start)
    guard status == 0 else { fail("no thread: error \(status)") }
    return thread
  }
  // The threads are made, though some may be on their way to the line: what comes after it, this thread sees too late.
  let clock = ContinuousClock()
  let start = clock.now
  pthread_barrier_wait(line)
  for thread in threads { pthread_join(thread, nil) }
  return (clock.now - start) / .seconds(1)
}

/// Seconds that `count` tasks take, with their making.
func timeTasks(_ count: Int, _ body: @escaping @Sendable () async -> Void) async -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  await withTaskGroup { group in
    for _ in 0..<count { group.addTask(operation: body) }
  }
  return (clock.now - start) / .seconds(1)
}
