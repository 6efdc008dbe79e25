import TestSupport
import Testing
import Time

@testable import Records

/// Random records, and the same with random damage: we say yes exactly when the reference does, and never fall over.
@Suite struct RandomRecordTests {
  @Test("random records, whole and damaged, say the same to us as to the reference", arguments: 10..<18)
  func sameRecord(seed: UInt64) {
    var random = RandomJSON(seed: seed)
    var (accepted, refused) = (0, 0)
    for _ in 0..<1000 {
      var line = random.record()
      for _ in 0..<Int.random(in: 0...2, using: &random.generator) { random.damage(&line) }
      let expected = ReferenceRecord(line)
      let reading = try? Reading(line)
      let text = String(decoding: line, as: UTF8.self)
      #expect((reading == nil) == (expected == nil), "\(text)")
      if let reading, let expected {
        accepted += 1
        #expect(JSONTree.parse(reading.line[reading.record.id ?? 0..<0]) == expected.id, "\(text)")
        #expect(JSONTree.parse((reading.rawJob ?? "").utf8) == expected.job, "\(text)")
        if let job = expected.job?.text { #expect(reading.job == Array(job.utf8), "\(text)") }
        if let key = expected.key?.text { #expect(reading.key == Array(key.utf8), "\(text)") }
        #expect((reading.key == nil) == (expected.key == nil), "\(text)")
        #expect(reading.record.retries.map(Double.init) == expected.retries, "\(text)")
        #expect(Double(reading.record.priority) == expected.priority ?? 0, "\(text)")
      } else {
        refused += 1
      }
    }
    #expect(accepted > 200 && refused > 100, "both sides were tried")
  }
}

/// The rules of a record once more, said of a tree. Numbers go through floating point here, exact enough for those that
/// are made.
private struct ReferenceRecord {
  var id, job, key: JSONTree?
  var timeout, retries, priority: Double?

  init?(_ line: [UInt8]) {
    guard let tree = JSONTree.parse(line), case .object = tree else { return nil }
    let known = tree.names.filter { ["id", "job", "job_base64", "key", "timeout", "retries", "priority"].contains($0) }
    guard Set(known).count == known.count, known.contains("job"), !known.contains("job_base64") else { return nil }
    (id, job) = (tree["id"], tree["job"])
    key = tree["key"] == .word("null") ? nil : tree["key"]
    do {
      timeout = try Self.number(tree["timeout"]) { $0 >= 1e-9 && $0 <= 9_223_372_036 }
      retries = try Self.number(tree["retries"]) { $0.rounded() == $0 && (0...1_000_000).contains($0) }
      priority = try Self.number(tree["priority"]) { $0.rounded() == $0 && abs($0) <= 2_147_483_647 }
    } catch { return nil }
  }

  private struct Refused: Error {}

  private static func number(_ tree: JSONTree?, _ isGood: (Double) -> Bool) throws -> Double? {
    if tree == nil || tree == .word("null") { return nil }
    guard case .number(let text)? = tree, let number = Double(text), isGood(number) else { throw Refused() }
    return number
  }
}
