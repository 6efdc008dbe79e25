import Time

/// Random JSON, and random damage to it.
package struct RandomJSON {
  package var generator: SplitMix64

  package init(seed: UInt64) { generator = SplitMix64(state: seed) }

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

  private mutating func one<T>(of choices: [T]) -> T { choices.randomElement(using: &generator)! }

  private mutating func space() -> [UInt8] { chance(80) ? [] : Array(one(of: [" ", "\t", "  ", "\r\n"]).utf8) }

  package mutating func value(depth: Int) -> [UInt8] {
    let kind = Int.random(in: depth > 5 ? 2...6 : 0...6, using: &generator)
    let body: [UInt8] =
      switch kind {
      case 0: list(depth, "{", "}") { $0.string() + $0.space() + Array(":".utf8) + $0.value(depth: depth + 1) }
      case 1: list(depth, "[", "]") { $0.value(depth: depth + 1) }
      case 2, 3: string()
      case 4: number()
      case 5: Array(one(of: ["true", "false", "null"]).utf8)
      default: number()
      }
    return space() + body + space()
  }

  private mutating func list(_ depth: Int, _ open: String, _ close: String, _ item: (inout RandomJSON) -> [UInt8])
    -> [UInt8]
  {
    let items = (0..<Int.random(in: 0...4, using: &generator)).map { _ in space() + item(&self) + space() }
    return Array(open.utf8) + space() + Array(items.joined(separator: Array(",".utf8))) + Array(close.utf8)
  }

  package mutating func string() -> [UInt8] {
    let pieces = [
      "a", "job", "plain text of some length", "é", "€", "😀", "\u{7F}", "\u{FFFF}", "\\n", "\\\"", "\\\\", "\\/",
      "\\u0000", "\\u00E9",
      "\\ud83d\\ude00", "\\uFFFF", "[", "}", ",", ":", "\u{2028}",
    ]
    let chosen = (0..<Int.random(in: 0...5, using: &generator)).map { _ in one(of: pieces) }
    return Array("\"\(chosen.joined())\"".utf8)
  }

  package mutating func number() -> [UInt8] {
    let whole = one(of: ["0", "1", "7", "42", "1000000", "123456789"])
    let fraction = chance(70) ? "" : one(of: [".0", ".5", ".25", ".000"])
    let exponent = chance(80) ? "" : one(of: ["e0", "E+1", "e-1", "e2", "E00"])
    return Array(((chance(30) ? "-" : "") + whole + fraction + exponent).utf8)
  }

  /// An object with some of a record's fields, mostly with what they must hold, in any order.
  package mutating func record() -> [UInt8] {
    var members = ["\"job\":".utf8 + value(depth: 3)]
    if chance(50) { members.append("\"id\":".utf8 + value(depth: 4)) }
    if chance(50) { members.append("\"key\":".utf8 + (chance(80) ? string() : value(depth: 4))) }
    for name in ["timeout", "retries", "priority"] where chance(30) {
      members.append("\"\(name)\":".utf8 + (chance(90) ? number() : value(depth: 5)))
    }
    if chance(30) { members.append(string() + ":".utf8 + value(depth: 3)) }
    if chance(3) { members.append("\"i\\u0064\":".utf8 + number()) }
    members.shuffle(using: &generator)
    return Array("{".utf8) + Array(members.joined(separator: Array(",".utf8))) + Array("}".utf8)
  }

  package mutating func damage(_ text: inout [UInt8]) {
    guard !text.isEmpty else { return }
    let place = Int.random(in: 0..<text.count, using: &generator)
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: text[place] = UInt8.random(in: 0...255, using: &generator)
    case 1: text.remove(at: place)
    case 2: text.insert(one(of: Array("{}[],:\"\\ \t0e-.tu".utf8)), at: place)
    case 3: text.swapAt(place, Int.random(in: 0..<text.count, using: &generator))
    case 4: text.insert(contentsOf: text[place..<min(text.count, place + 4)], at: place)
    default: text[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    }
  }
}

private func + (left: String.UTF8View, right: [UInt8]) -> [UInt8] { Array(left) + right }
