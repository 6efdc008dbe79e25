import ObjectPool
import TestSupport
import Testing

/// What the recipes pool: it is expensive to make, has a state, and can break. Not Sendable, as only one has it at a
/// time.
final class Parser {
  var isOpen = true
  var document: [String] = []

  init() throws {}
  func parse(_ text: String) -> Int {
    document += text.split(separator: " ").map(String.init)
    return document.count
  }
  func clear() { document = [] }
  func close() { isOpen = false }
}

/// One line for the whole process.
let sharedParsers = ObjectPool(.init(maximum: 8)) { try Parser() }

struct ParserFactory: ObjectFactory {
  func make() async throws -> Parser { try Parser() }
  func validate(_ parser: Parser) async throws -> Bool { parser.isOpen }
  func reset(_ parser: Parser) async throws { parser.clear() }
  func dispose(_ parser: Parser) async throws { parser.close() }
}

/// The recipes of the README: compiled, run, and compared with it word for word.
@Suite("Recipes") struct RecipeTests {
  let text = "to be or not to be"

  @Test("the first lines")
  func first() async throws {
    let parsers = ObjectPool(.init(size: 4)) { try Parser() }
    let words = try await parsers.withObject { parser in parser.parse(text) }
    #expect(words == 6)
  }

  @Test("without a configuration, and values")
  func values() async throws {
    let buffers = ObjectPool { [UInt8](repeating: 0, count: 65536) }
    try await buffers.withObject { buffer in buffer[0] = 1 }
    #expect(try await buffers.withObject { $0[0] } == 1)
  }

  @Test("prepared before each lease")
  func prepared() async throws {
    let parsers = ObjectPool(make: { try Parser() }, prepare: { parser in parser.clear() })
    for _ in 0..<3 { #expect(try await parsers.withObject { $0.parse(text) } == 6) }
  }

  @Test("by hand")
  func byHand() async throws {
    let parsers = ObjectPool(.init(size: 4)) { try Parser() }
    let lease = try await parsers.acquire(timeout: .seconds(60))
    let words = lease.object.parse(text)
    try parsers.release(lease)  // or parsers.dispose(lease), when it is broken
    #expect(words == 6)
  }

  @Test("dynamic, and idle-limit-only")
  func sizes() async throws {
    let dynamic = ObjectPool(
      .init(minimum: 2, maximum: 16).with { $0.idleTimeout = .seconds(60) },
      make: { try Parser() }, dispose: { $0.close() })
    let unlimited = ObjectPool(.unlimited(maximumIdle: 4)) { try Parser() }
    #expect(try await dynamic.withObject { $0.parse(text) } + unlimited.withObject { $0.parse(text) } == 12)
  }

  @Test("checked, clean and recycled")
  func careful() async throws {
    let parsers = ObjectPool(
      .init(maximum: 8).with {
        $0.validatesOnAcquire = .unlessUsedWithin(.milliseconds(500))
        $0.resets = .onRelease
        $0.maximumUses = 10_000
        $0.maximumAge = .seconds(3600)
      }, factory: ParserFactory())
    for _ in 0..<3 { #expect(try await parsers.withObject { $0.parse(text) } == 6) }
  }

  @Test("prefilled")
  func prefilled() async throws {
    let parsers = ObjectPool(.init(maximum: 8)) { try Parser() }
    try await parsers.prefill()
    #expect(parsers.statistics.idle == 8)
  }

  @Test("when all are leased")
  func exhausted() async throws {
    let parsers = ObjectPool(.init(size: 1).with { $0.whenExhausted = .fail }) { try Parser() }
    let lease = try await parsers.acquire()
    if let another = try await parsers.tryAcquire() {
      try parsers.release(another)
    } else {
      print("all are leased")  // acquire() would throw ObjectPoolError.exhausted
    }
    #expect(parsers.statistics.leased == 1)
    try parsers.release(lease)
  }

  @Test("leaks are told")
  func leaks() async throws {
    let parsers = ObjectPool(
      .init(size: 4).with {
        $0.leaseReportTime = .seconds(60)
        // a lease taken at App/Search.swift:41 is held for more than 60 s
        $0.onNotice = { notice in print(notice) }
      }
    ) { try Parser() }
    #expect(try await parsers.withObject { $0.parse(text) } == 6)
  }

  @Test("on threads")
  func threads() throws {
    let parsers = BlockingObjectPool(.init(size: 4)) { try Parser() }
    let words = try parsers.withObject { parser in parser.parse(text) }
    parsers.close()
    #expect(words == 6)
  }

  @Test("the end")
  func end() async throws {
    let parsers = ObjectPool(.init(size: 4), factory: ParserFactory())
    await parsers.close(within: .seconds(10))
    await #expect(throws: ObjectPoolError.self) { try await parsers.acquire() }
  }

  @Test("one for all")
  func shared() async throws {
    let words = try await sharedParsers.withObject { parser in parser.parse(text) }
    #expect(words == 6)
  }

  @Test("each recipe of the README stands here, word for word")
  func readme() {
    let blocks = recipes(under: "### ObjectPool")
    #expect(blocks.count >= 9)
    let here = source(of: "Tests/ObjectPoolTests/RecipeTests.swift")
    for block in blocks { #expect(here.contains(block), "\(block)") }
  }
}
