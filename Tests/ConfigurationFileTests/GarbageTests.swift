import CommandLineKit
import Glibc
import TestSupport
import Testing
import Time

@testable import ConfigurationFile

/// Files that no person would write. Crashing and hanging are what shows; the seeds are fixed, so that it shows every
/// time.
@Suite struct GarbageTests {
  @Test(
    "a file with anything changed in it is read, or refused with a place in it", arguments: [1, 2, 3, 4] as [UInt64])
  func mutations(seed: UInt64) throws {
    var generator = SplitMix64(state: seed)
    let good = Array(MeaningTests.several.utf8)
    var (accepted, refused) = (0, 0)
    for _ in 0..<1500 {
      var text = good
      for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.mutate(&text, &generator) }
      let said = try Sample.mistakes(text)
      if said.isEmpty { accepted += 1 } else { refused += 1 }
      let lines = text.count { $0 == 0x0A || $0 == 0x0D } + 1
      for sentence in said {
        let parts = sentence.split(separator: ":", maxSplits: 4)
        let line = try #require(parts.count == 5 ? Int(parts[2]) : nil, "\(sentence)")
        #expect((1...lines + 1).contains(line), "\(sentence)")
        #expect(sentence.utf8.count < 400, "\(sentence)")
      }
    }
    #expect(accepted > 100)
    #expect(refused > 100)
  }

  static let pieces: [String] = [
    "\t", "\n", "\r", " ", "  ", ":", ": ", "- ", "? ", "[", "]", "{", "}", ",", "#", " #", "&a ", "*a", "!", "!!str ",
    "<<: ", "|", ">-\n", "'", "\"", "\\", "%YAML 1.1\n", "---\n", "...\n", "\0", "\u{85}", "\u{2028}", "\u{FEFF}", "é",
    "@", "`",
    "\n  ", "workers: ", "pools:\n", "\"\\xff\"",
  ]

  static func mutate(_ text: inout [UInt8], _ generator: inout SplitMix64) {
    let place = Int.random(in: 0...text.count, using: &generator)
    let end = min(text.count, place + Int.random(in: 0...8, using: &generator))
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: text.removeSubrange(place..<end)
    case 1: text.insert(UInt8.random(in: 0...255, using: &generator), at: place)
    case 2: text.insert(contentsOf: text[place..<end], at: Int.random(in: 0...text.count, using: &generator))
    default: text.insert(contentsOf: pieces.randomElement(using: &generator)!.utf8, at: place)
    }
  }

  /// Each a text that is hard on some part of a reader, when it is repeated up to the largest file.
  static let hostile: [(begin: String, again: String)] = [
    ("", "["), ("", "{"), ("", "[" + "\n"), ("", "- "), ("", "? "), ("", "{a: "), ("", "a:\n"), ("[", "a,"),
    ("[", "[],"),
    ("a: ", "x "), ("a: \"", "\\x41"), ("a: |\n", " x\n"), ("", "&a "), ("", "!a"), ("", "#\n"), ("", "\n"),
    ("a: '", "\n"),
    ("", "---\n"), ("", "\r"), ("[", "'a' : b,"), ("", "a "), ("pools: {", "a: {b: {c: d}},"), ("", "%"),
    ("", "\u{85}"),
    ("command: [", "*a,"), ("a: >\n", "\n"), ("", "\t"), ("", "\"a\" "), ("", "'"), ("[", "{a},"), ("[", "? ,"),
  ]

  @Test("a large file of one thing again and again is refused in no time", .timeLimit(.minutes(10)), arguments: hostile)
  func repetition(begin: String, again: String) throws {
    let count = (largestConfiguration - begin.utf8.count) / again.utf8.count
    let start = Self.secondsOfThisThread
    #expect(try !Sample.mistakes(begin + String(repeating: again, count: count)).isEmpty)
    #expect(Self.secondsOfThisThread - start < 60)
  }

  /// The processor time that this thread has had: not what a busy machine, or one that stalls, has given to others.
  private static var secondsOfThisThread: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  @Test("very many different names that are all unknown cost no more than one")
  func unknownNames() throws {
    let text = (0..<60_000).map { "worker\($0): 1\n" }.joined() + "command: cat"
    let said = try Sample.mistakes(text)
    #expect(said.count == 21)
    #expect(said.last == "prefork: pool.yaml: and 59980 more of the kind")
  }
}
