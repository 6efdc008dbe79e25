import Glibc
import Synchronization

@testable import ObjectPool

/// An object that knows whether it is used as it should be.
final class Thing: Sendable {
  let number: Int
  private let users = Atomic<Int>(0)
  private let marks = Atomic<Int>(0)
  private let gone = Atomic<Bool>(false)
  private let sick = Atomic<Bool>(false)

  init(_ number: Int) { self.number = number }

  /// Somebody uses it now; false if somebody else does, too, or it is disposed of.
  func enter() -> Bool { users.add(1, ordering: .sequentiallyConsistent).newValue == 1 && !isGone }
  func leave() { users.subtract(1, ordering: .sequentiallyConsistent) }
  var isUsed: Bool { users.load(ordering: .sequentiallyConsistent) > 0 }

  /// Leaves a trace of its use.
  func mark() { marks.add(1, ordering: .sequentiallyConsistent) }
  func wipe() { marks.store(0, ordering: .sequentiallyConsistent) }
  var isMarked: Bool { marks.load(ordering: .sequentiallyConsistent) > 0 }

  func getSick() { sick.store(true, ordering: .sequentiallyConsistent) }
  var isSick: Bool { sick.load(ordering: .sequentiallyConsistent) }

  var isGone: Bool { gone.load(ordering: .sequentiallyConsistent) }
  func end() { gone.store(true, ordering: .sequentiallyConsistent) }
}

struct Broken: Error, Equatable {
  var what = "broken"
}

/// Where things come from and go to; it counts them and can be told to misbehave.
final class Workshop: ObjectFactory, BlockingObjectFactory {
  struct State {
    var made: [Thing] = []
    var ended = 0
    var validated = 0
    var wiped = 0
    var failsToMake = false
    var failsToWipe = false
    var failsToEnd = false
    var validationThrows = false
  }

  /// A lock of pthreads: the thread sanitizer does not see that a `Mutex` is one.
  private let state = Locked(State())
  /// Calls wait here while it is closed, until they are cancelled.
  let makeGate = Gate()
  let validateGate = Gate()
  let wipeGate = Gate()
  let endGate = Gate()

  var things: [Thing] { state.withLock { $0.made } }
  var made: Int { state.withLock { $0.made.count } }
  var ended: Int { state.withLock { $0.ended } }
  var validated: Int { state.withLock { $0.validated } }
  var wiped: Int { state.withLock { $0.wiped } }
  var alive: Int { state.withLock { $0.made.count - $0.ended } }
  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

  private func makeNow() throws -> Thing {
    try state.withLock {
      if $0.failsToMake { throw Broken(what: "no thing today") }
      let thing = Thing($0.made.count)
      $0.made.append(thing)
      return thing
    }
  }

  private func validateNow(_ thing: Thing) throws -> Bool {
    try state.withLock {
      $0.validated += 1
      if $0.validationThrows { throw Broken(what: "who knows") }
      return !thing.isSick
    }
  }

  private func wipeNow(_ thing: Thing) throws {
    try state.withLock {
      $0.wiped += 1
      if $0.failsToWipe { throw Broken(what: "stains") }
      thing.wipe()
    }
  }

  private func endNow(_ thing: Thing) throws {
    try state.withLock {
      $0.ended += 1
      thing.end()
      if $0.failsToEnd { throw Broken(what: "clings to life") }
    }
  }

  func make() async throws -> Thing {
    try await makeGate.pass()
    return try makeNow()
  }

  func validate(_ thing: Thing) async throws -> Bool {
    try await validateGate.pass()
    return try validateNow(thing)
  }

  func reset(_ thing: Thing) async throws {
    try await wipeGate.pass()
    try wipeNow(thing)
  }

  func dispose(_ thing: Thing) async throws {
    try await endGate.pass()
    try endNow(thing)
  }

  func make() throws -> Thing {
    makeGate.passOnThread()
    return try makeNow()
  }

  func validate(_ thing: Thing) throws -> Bool {
    validateGate.passOnThread()
    return try validateNow(thing)
  }

  func reset(_ thing: Thing) throws {
    wipeGate.passOnThread()
    try wipeNow(thing)
  }

  func dispose(_ thing: Thing) throws {
    endGate.passOnThread()
    try endNow(thing)
  }
}

/// A gate that calls wait at while it is closed.
final class Gate: Sendable {
  enum Lock: Sendable { case open, closed, closedForGood }
  private let lock = Locked(Lock.open)
  private let waiting = Atomic<Int>(0)

  func set(_ new: Lock) { lock.withLock { $0 = new } }
  /// Calls that wait.
  var count: Int { waiting.load(ordering: .sequentiallyConsistent) }

  /// A cancelled task passes with an error, unless the gate is closed for good.
  func pass() async throws {
    waiting.add(1, ordering: .sequentiallyConsistent)
    defer { waiting.subtract(1, ordering: .sequentiallyConsistent) }
    while true {
      switch lock.withLock({ $0 }) {
      case .open: return
      case .closed: try await Task.sleep(for: .milliseconds(1))
      case .closedForGood: await Task { try? await Task.sleep(for: .milliseconds(1)) }.value
      }
    }
  }

  func passOnThread() {
    waiting.add(1, ordering: .sequentiallyConsistent)
    defer { waiting.subtract(1, ordering: .sequentiallyConsistent) }
    while lock.withLock({ $0 }) != .open { usleep(1000) }
  }
}

extension ObjectPoolConfiguration {
  /// For objects that nothing must happen to but what the test does: the limits that a pool has by default are longer
  /// than any machine stalls. The limit that a test is about is set by the test.
  var unhurried: ObjectPoolConfiguration {
    with {
      $0.whenExhausted = .waitUpTo(.seconds(3600))
      ($0.creationTimeout, $0.validationTimeout) = (.seconds(3600), .seconds(3600))
      ($0.resetTimeout, $0.disposalTimeout) = (.seconds(3600), .seconds(3600))
    }
  }

  static func unhurried(size: Int) -> ObjectPoolConfiguration { ObjectPoolConfiguration(size: size).unhurried }

  static func unhurried(minimum: Int = 0, maximum: Int = 8) -> ObjectPoolConfiguration {
    ObjectPoolConfiguration(minimum: minimum, maximum: maximum).unhurried
  }
}

/// True as soon as the condition is; false when it has not become true within 60 s.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<60_000 {
    if condition() { return true }
    usleep(1000)
  }
  return condition()
}

func eventually(_ condition: @Sendable () -> Bool) async -> Bool {
  for _ in 0..<60_000 {
    if condition() { return true }
    try? await Task.sleep(for: .milliseconds(1))
  }
  return condition()
}

func eventually(_ condition: @Sendable () async -> Bool) async -> Bool {
  for _ in 0..<60_000 {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(1))
  }
  return await condition()
}

/// Notices, in order.
final class Notices: Sendable {
  private let list = Locked<[String]>([])
  var all: [String] { list.withLock { $0 } }
  var handler: @Sendable (ObjectPoolNotice) -> Void {
    { notice in self.list.withLock { $0.append(notice.description) } }
  }
}
