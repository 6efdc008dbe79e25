/// `text` in single quotes, in which a POSIX shell treats no character as special: `'it'\''s'`.
public func shellQuoted(_ text: String) -> String {
  "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// A word as it can be typed in a POSIX shell: bare if that is safe, else `shellQuoted`: `worker.py`, `'two words'`,
/// `''`.
public func shellWord(_ word: String) -> String {
  let isPlain = word.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "="): true
    default: false
    }
  }
  return isPlain && !word.isEmpty ? word : shellQuoted(word)
}
