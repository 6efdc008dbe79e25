import TestSupport
import Testing
import Time

@testable import JobLog

@Suite struct JobKeyTests {
  private func column(_ key: JobKey) -> [UInt8] {
    var bytes: [UInt8] = []
    key.append(to: &bytes)
    return bytes
  }

  @Test("a job without a key is known by the hash that b2sum -l 128 prints of its bytes")
  func hashOfJob() {
    #expect(text(column(keyOfJob(bytes("abc")))) == "hash:cf4ab791c62b8d2b2109c90275287816")
    #expect(text(column(keyOfJob([]))) == "hash:cae66941d9efbd404e4d88758ea67670")
  }

  @Test("a key that was given stands in the joblog as itself, and can be read by a person")
  func nameIsReadable() {
    #expect(text(column(keyNamed(bytes("invoice 7/ü")))) == "key:invoice 7/ü")
    #expect(text(column(keyNamed(bytes("a\tb\nc\\d\0")))) == "key:a\\tb\\nc\\\\d\\x00")
  }

  @Test("whatever bytes a key has, it is read back as the same key", arguments: nastyTexts)
  func columnsRoundTrip(name: [UInt8]) {
    for key in [keyNamed(name), keyOfJob(name)] {
      let column = column(key)
      #expect(column.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
      #expect(JobKey(column: column.span.bytes) == key)
    }
  }

  @Test("random keys are read back, and no two of them are taken for one")
  func randomKeys() {
    var random = SplitMix64(state: 71)
    var seen: [JobKey: [UInt8]] = [:]
    for _ in 0..<2000 {
      let name = (0..<Int.random(in: 0...12, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let key = keyNamed(name)
      #expect(JobKey(column: column(key).span.bytes) == key)
      #expect(seen.updateValue(name, forKey: key) ?? name == name)
    }
  }

  @Test("a key never stands for a job without one, even if it is spelled like that job or like its hash")
  func namesAndHashesAreApart() {
    let job = bytes("abc")
    let hash = keyOfJob(job)
    #expect(keyNamed(job) != hash)
    #expect(keyNamed(column(hash)) != hash)
    #expect(keyNamed(Array(column(hash).dropFirst(5))) != hash)
  }

  @Test("a key of a megabyte is known by its hash, so that its line stays short")
  func longName() {
    let million = [UInt8](repeating: 0, count: 1 << 20)
    #expect(column(keyNamed(million)).count == 37)
    #expect(keyNamed(million) != keyNamed(Array(million.dropLast())))
    #expect(keyNamed(million) != keyOfJob(million))
    let longest = [UInt8](repeating: 0, count: JobKey.longestName)
    #expect(keyNamed(longest).name == longest)
    #expect(keyNamed(longest + [0]).name == nil)
    #expect(JobKey(column: column(keyNamed(million)).span.bytes) == keyNamed(million))
  }

  @Test(
    "what no key is spelled like is no key",
    arguments: [
      "", "key", "hash:", "hash:cf4ab791c62b8d2b2109c9027528781", "hash:cf4ab791c62b8d2b2109c902752878160",
      "hash:CF4AB791C62B8D2B2109C90275287816", "hash:zf4ab791c62b8d2b2109c90275287816",
      "cf4ab791c62b8d2b2109c90275287816",
      "key:a\\", "key:a\\q", "key:\\x1", "key:\\x1G", "key:\\x", "key:cut\\...", "Key:a", "key:" + "x".padding(1025),
    ])
  func notAKey(column: String) {
    #expect(JobKey(column: bytes(column).span.bytes) == nil)
  }
}
