import JSON
import TestSupport
import Time

/// One line of a trace, as a viewer reads it. Numbers as they stand, so that nothing is rounded on the way.
struct TraceLine {
  var members: [String: String] = [:]
  var arguments: [String: String] = [:]

  subscript(name: String) -> String? { members[name] }

  /// Nanoseconds, from microseconds with exactly three decimals.
  func nanoseconds(_ name: String) -> UInt64? {
    guard let text = members[name], let point = text.firstIndex(of: "."), text[point...].count == 4 else { return nil }
    return UInt64(text.filter { $0 != "." })
  }

  init(_ line: [UInt8]) throws {
    var scanner = JSONScanner()
    guard scanner.enterObject(in: line.span.bytes) else { throw NotAnObject(line: line) }
    while let member = try scanner.nextMember(in: line.span.bytes) {
      let name = Self.text(member.name, of: line)
      if member.value.kind == .object {
        let object = try TraceLine(Array(line[member.value.range]))
        arguments = object.members
      } else {
        members[name] = Self.text(member.value, of: line)
      }
    }
    try scanner.finish(in: line.span.bytes)
  }

  private static func text(_ value: JSONValue, of line: [UInt8]) -> String {
    var text: [UInt8] = []
    value.appendText(of: line.span.bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  struct NotAnObject: Error { let line: [UInt8] }
}

/// The events of a trace, finished or not. Throws unless each line is an object.
func lines(of trace: [UInt8]) throws -> [TraceLine] {
  try trace.split(separator: UInt8(ascii: "\n")).filter { $0.first == UInt8(ascii: "{") }.map {
    try TraceLine(Array($0.last == UInt8(ascii: ",") ? $0.dropLast() : $0))
  }
}

/// A span of a row.
struct Span: Hashable {
  let row: String
  let start: UInt64
  let end: UInt64

  init(row: String, start: UInt64, end: UInt64) { (self.row, self.start, self.end) = (row, start, end) }

  init?(_ line: TraceLine) {
    guard line["ph"] == "X", let start = line.nanoseconds("ts"), let length = line.nanoseconds("dur") else {
      return nil
    }
    self.init(row: line["tid"]!, start: start, end: start + length)
  }
}

/// The first span that overlaps another of its row without lying in it: what the viewers cannot show.
func misnested(_ spans: [Span]) -> (Span, Span)? {
  for (_, row) in Dictionary(grouping: spans, by: \.row) {
    var open: [Span] = []
    for span in row.sorted(by: { ($0.start, $1.end) < ($1.start, $0.end) }) {
      while let last = open.last, last.end <= span.start { open.removeLast() }
      if let last = open.last, last.end < span.end { return (last, span) }
      open.append(span)
    }
  }
  return nil
}
