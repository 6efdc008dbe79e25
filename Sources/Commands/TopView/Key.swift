/// One key of the keyboard.
public enum Key: Equatable, Sendable {
  /// A printable ASCII character.
  case character(Unicode.Scalar)
  /// A letter with Ctrl, in lower case.
  case control(Unicode.Scalar)
  case up
  case down
  case pageUp
  case pageDown
  case home
  case end
  case tab
  case enter
  case escape
}

/// Makes keys of the bytes that a terminal sends for them, however they are cut.
///
/// What is pasted (between the marks of bracketed paste) is no key: a text may hold any letter.
public struct KeyReader: Sendable {
  private enum State: Equatable {
    case ground
    case escape
    /// After `ESC [` or `ESC O`.
    case sequence([UInt8])
  }

  private static let longestSequence = 16
  private var state = State.ground
  private var isPasting = false

  /// Nothing was pressed yet.
  public init() {}

  /// It may be in the middle of a sequence, or the Escape key: what comes within a moment decides. See `settle`.
  public var isUndecided: Bool { state != .ground }

  /// The keys that end with these bytes.
  public mutating func read(_ bytes: some Sequence<UInt8>) -> [Key] {
    var keys: [Key] = []
    for byte in bytes {
      guard let key = read(byte), !isPasting else { continue }
      keys.append(key)
    }
    return keys
  }

  /// Nothing more came: it was the Escape key after all, or a sequence that was never finished.
  public mutating func settle() -> Key? {
    defer { state = .ground }
    return state == .escape && !isPasting ? .escape : nil
  }

  private mutating func read(_ byte: UInt8) -> Key? {
    switch state {
    case .ground: return plain(byte)
    case .escape:
      if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") {
        state = .sequence([byte])
        return nil
      }
      // A key with Alt, which means nothing here; or Escape twice.
      state = byte == 0x1B ? .escape : .ground
      return byte == 0x1B ? .escape : nil
    case .sequence(let begun):
      // ECMA-48: parameters, then one final byte from @ to ~.
      if byte == 0x1B {
        state = .escape
        return nil
      }
      guard byte >= 0x40, byte <= 0x7E else {
        state = begun.count < Self.longestSequence && byte >= 0x20 && byte < 0x40 ? .sequence(begun + [byte]) : .ground
        return nil
      }
      state = .ground
      return finish(String(decoding: begun.dropFirst() + [byte], as: UTF8.self))
    }
  }

  private mutating func plain(_ byte: UInt8) -> Key? {
    switch byte {
    case 0x1B:
      state = .escape
      return nil
    case 0x09: return .tab
    case 0x0D, 0x0A: return .enter
    case 1...26: return .control(Unicode.Scalar(byte + 0x60))
    case 0x20..<0x7F: return .character(Unicode.Scalar(byte))
    default: return nil
    }
  }

  private mutating func finish(_ sequence: String) -> Key? {
    switch sequence {
    case "A": return .up
    case "B": return .down
    case "H", "1~", "7~": return .home
    case "F", "4~", "8~": return .end
    case "5~": return .pageUp
    case "6~": return .pageDown
    case "200~": isPasting = true
    case "201~": isPasting = false
    default: break
    }
    return nil
  }
}
