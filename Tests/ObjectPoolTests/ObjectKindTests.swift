import ObjectPool
import Synchronization
import Testing

/// Not for two tasks at once; the compiler knows.
private final class Notebook {
  var lines: [String] = []
}

/// A number of the system, as descriptors are.
private struct Descriptor: Equatable {
  let number: Int
}

private let lastDescriptor = Atomic<Int>(0)
private let descriptors = ObjectPool(.unhurried(size: 2)) {
  Descriptor(number: lastDescriptor.add(1, ordering: .relaxed).newValue)
}

private enum Notebooks {
  static let shared = BlockingObjectPool(.unhurried(size: 2)) { Notebook() }
}

private struct Binder: ObjectFactory {
  func make() async throws -> Notebook { Notebook() }
  func validate(_ notebook: Notebook) async throws -> Bool { notebook.lines.count < 3 }
  func reset(_ notebook: Notebook) async throws {
    if notebook.lines.last == "secret" { notebook.lines.removeLast() }
  }
  func dispose(_ notebook: Notebook) async throws { notebook.lines.removeAll() }
}

@Suite("A pool takes objects of any kind") struct ObjectKindTests {
  @Test("a class that is not Sendable, by a closure")
  func plainClass() async throws {
    let pool = ObjectPool(.unhurried(size: 1)) { Notebook() }
    try await pool.withObject { $0.lines.append("one") }
    let lines = try await pool.withObject { notebook -> [String] in
      notebook.lines.append("two")
      return notebook.lines
    }
    #expect(lines == ["one", "two"])
  }

  @Test("a class that is not Sendable, by a factory type")
  func plainClassOfFactory() async throws {
    let pool = ObjectPool(.unhurried(size: 1), factory: Binder())
    for line in ["one", "secret", "two"] { try await pool.withObject { $0.lines.append(line) } }
    #expect(try await pool.withObject { $0.lines } == ["one", "two"])
    try await pool.withObject { $0.lines.append("three") }
    #expect(try await pool.withObject { $0.lines } == [], "three lines are too many: a new one")
  }

  @Test("a class that is not Sendable, on threads, with all closures")
  func plainClassOnThreads() throws {
    let ended = Atomic<Int>(0)
    let pool = BlockingObjectPool(
      .unhurried(size: 1), make: { Notebook() }, validate: { $0.lines.count < 2 },
      reset: { $0.lines = $0.lines.filter { $0 != "secret" } },
      dispose: { _ in ended.add(1, ordering: .relaxed) })
    for line in ["one", "secret", "two"] { try pool.withObject { $0.lines.append(line) } }
    #expect(try pool.withObject { $0.lines } == [])
    pool.close()
    #expect(ended.load(ordering: .relaxed) == 2)
  }

  @Test("a value, in a pool for the whole process made by one line")
  func value() async throws {
    let first = try await descriptors.acquire()
    let second = try await descriptors.acquire()
    #expect(Set([first.object.number, second.object.number]) == [1, 2])
    try descriptors.release(second)
    let third = try await descriptors.acquire()
    #expect(third.object == second.object)
    try descriptors.release(first)
    try descriptors.release(third)
  }

  @Test("a pool for the whole process, as a static property")
  func shared() throws {
    try Notebooks.shared.withObject { $0.lines.append("here") }
    #expect(try Notebooks.shared.withObject { $0.lines } == ["here"])
  }

  @Test("without closures for it nothing is validated, reset, or disposed of")
  func onlyMade() async throws {
    let pool = ObjectPool(.unhurried(size: 1)) { Thing(0) }
    try await pool.withObject { thing in
      thing.getSick()
      thing.mark()
    }
    try await pool.withObject { #expect($0.isSick && $0.isMarked) }
    await pool.close()
    #expect(pool.statistics.disposed == 1)
  }

  @Test("a lease of a Sendable object goes to another task, and is released there")
  func leaseTravels() async throws {
    let pool = ObjectPool(.unhurried(size: 1), factory: Workshop())
    let lease = try await pool.acquire()
    try await Task.detached { try pool.release(lease) }.value
    let again = try await pool.acquire()
    try await onThread { try pool.release(again) }
    #expect(try await pool.withObject { $0.number } == 0)
  }
}
