import CYaml
import CommandLineKit
import Text

/// One step through a YAML text.
struct YamlEvent {
  enum Kind {
    case streamStart, streamEnd, documentStart, documentEnd
    case text(String)
    case alias(String)
    case listStart, listEnd, sectionStart, sectionEnd
  }

  let kind: Kind
  let place: FilePlace
  /// What stands before the value after `&` or as `!tag`; nil almost always.
  let decoration: String?
}

/// Pulls the events of a text out of libyaml. It scans no further than it must, so that a caller that stops early has
/// spent no time on the rest of a hostile text.
struct YamlEvents: ~Copyable {
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  /// On the heap: libyaml keeps its address.
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// For a text in UTF-8. A byte order mark at its begin is no part of it.
  init(_ text: [UInt8]) {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = text.starts(with: mark) ? text[3...] : text[...]
    bytes = .allocate(capacity: text.count)
    _ = bytes.initialize(from: text)
    parser = .allocate(capacity: 1)
    // It fails only for want of memory.
    guard yaml_parser_initialize(parser) == 1 else { preconditionFailure("no memory for a YAML parser") }
    // Or it would guess, and take UTF-16 for granted.
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    bytes.deallocate()
  }

  /// The next event. Not to be called again after the end of the stream or an error.
  func next() throws(SettingMistake) -> YamlEvent {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw mistake() }
    defer { yaml_event_delete(&event) }
    let data = event.data
    let (kind, decoration): (YamlEvent.Kind, String?) =
      switch event.type {
      case YAML_STREAM_START_EVENT: (.streamStart, nil)
      case YAML_DOCUMENT_START_EVENT: (.documentStart, nil)
      case YAML_DOCUMENT_END_EVENT: (.documentEnd, nil)
      case YAML_SCALAR_EVENT:
        (
          .text(text(data.scalar.value, length: data.scalar.length)),
          decoration(anchor: data.scalar.anchor, tag: data.scalar.tag)
        )
      case YAML_ALIAS_EVENT: (.alias(text(data.alias.anchor) ?? ""), nil)
      case YAML_SEQUENCE_START_EVENT:
        (.listStart, decoration(anchor: data.sequence_start.anchor, tag: data.sequence_start.tag))
      case YAML_SEQUENCE_END_EVENT: (.listEnd, nil)
      case YAML_MAPPING_START_EVENT:
        (.sectionStart, decoration(anchor: data.mapping_start.anchor, tag: data.mapping_start.tag))
      case YAML_MAPPING_END_EVENT: (.sectionEnd, nil)
      default: (.streamEnd, nil)
      }
    return YamlEvent(kind: kind, place: FilePlace(event.start_mark), decoration: decoration)
  }

  private func mistake() -> SettingMistake {
    let failure = parser.pointee
    if failure.error == YAML_READER_ERROR { return unreadable(text(failure.problem) ?? "", failure) }
    let trouble = YamlTrouble(
      problem: text(failure.problem) ?? "no memory", place: FilePlace(failure.problem_mark),
      context: text(failure.context) ?? "", contextPlace: FilePlace(failure.context_mark),
      byte: failure.problem_mark.index < bytes.count ? byte(atCharacter: failure.problem_mark.index) : nil)
    return trouble.mistake
  }

  /// About a byte that is no part of a text.
  private func unreadable(_ problem: String, _ failure: yaml_parser_t) -> SettingMistake {
    var offset = min(failure.problem_offset, bytes.count)
    if problem.hasPrefix("control characters") {
      let character = zeroPadded(failure.problem_value, to: 4, radix: 16).uppercased()
      return SettingMistake(
        at: FilePlace(behind: bytes[..<offset]), "U+\(character) stands here, a character that no text may hold"
      )
    }
    // libyaml reports the byte that does not continue a character; what is wrong is the one that began it.
    if problem.cut(at: "trailing") != nil { offset = bytes[..<offset].lastIndex { $0 >= 0xC0 } ?? offset }
    let byte = offset < bytes.count ? " (byte 0x\(String(bytes[offset], radix: 16)))" : ""
    return SettingMistake(
      at: FilePlace(behind: bytes[..<offset]), "this is no character\(byte); the file must be UTF-8")
  }

  /// libyaml counts characters.
  private func byte(atCharacter index: Int) -> UInt8? {
    var begins = -1
    return bytes.first { byte in
      if byte & 0xC0 != 0x80 { begins += 1 }
      return begins == index
    }
  }

  private func decoration(anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?)
    -> String?
  {
    text(anchor).map { "&\($0)" } ?? text(tag)
  }

  private func text(_ start: UnsafeMutablePointer<yaml_char_t>?) -> String? { start.map { String(cString: $0) } }

  private func text(_ start: UnsafePointer<CChar>?) -> String? { start.map { String(cString: $0) } }

  private func text(_ start: UnsafeMutablePointer<yaml_char_t>?, length: Int) -> String {
    String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self)
  }
}

extension FilePlace {
  fileprivate init(_ mark: yaml_mark_t) { self.init(line: mark.line + 1, column: mark.column + 1) }

  /// Behind these bytes, the last of which may be anything.
  init(behind bytes: some Sequence<UInt8>) {
    var (line, column, previous) = (1, 1, UInt8(0))
    for byte in bytes {
      switch byte {
      case 0x0A where previous == 0x0D: break
      case 0x0A, 0x0D: (line, column) = (line + 1, 1)
      case let byte where byte & 0xC0 == 0x80: break
      default: column += 1
      }
      previous = byte
    }
    self.init(line: line, column: column)
  }
}
