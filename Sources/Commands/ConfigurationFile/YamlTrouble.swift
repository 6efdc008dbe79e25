import CommandLineKit

/// What libyaml reports when a text is no YAML, in words for people who write configuration files and do not know the
/// terms of the YAML specification.
struct YamlTrouble {
  /// What libyaml finds wrong, such as `did not find expected key`.
  let problem: String
  let place: FilePlace
  /// What it was at, such as `while parsing a block mapping`; empty if it does not report that.
  let context: String
  /// Where that begins.
  let contextPlace: FilePlace
  /// What stands at `place`; nil at the end of the text.
  let byte: UInt8?

  /// Messages of libyaml that are not here (there are about fifty, most of them about things that we refuse anyway,
  /// such as tags) are passed on as they are.
  var mistake: SettingMistake {
    let begin = "line \(contextPlace.line)"
    switch problem {
    case "found character that cannot start any token" where byte == 0x09,
      "found a tab character where an indentation space is expected", "found a tab character that violates indentation":
      return at("a tab cannot indent; use spaces")
    case "found character that cannot start any token": return at("a text that begins like this needs quotes")
    case "did not find expected alphabetic or numeric character":
      return SettingMistake(at: contextPlace, "a text that begins with * or & needs quotes")
    case "mapping values are not allowed in this context":
      return at(
        "a second colon that is followed by a space, or a wrong indentation; a text with such a colon needs quotes")
    case "could not find expected ':'":
      return SettingMistake(at: contextPlace, "a key without a colon and a space behind it")
    case "did not find expected key":
      return at("this fits no key of the section that begins in \(begin); look at the indentation and the quotes")
    case "did not find expected '-' indicator":
      return at("this is no item of the list that begins in \(begin); look at the indentation")
    case "block sequence entries are not allowed in this context":
      return at("a list with dashes begins in a new line")
    case "did not find expected ',' or ']'":
      return at("want a comma or ] in the list that begins in \(begin); a text with , [ ] { or } needs quotes")
    case "did not find expected ',' or '}'":
      return at("want a comma or } in the section that begins in \(begin); a text with , [ ] { or } needs quotes")
    case "found unexpected end of stream", "found unexpected document indicator":
      return SettingMistake(at: contextPlace, "this quote is never closed")
    case "found unknown escape character":
      return at("unknown escape in double quotes; single quotes take a backslash as it is")
    case "found invalid Unicode character escape code", "did not find expected hexdecimal number":
      return at("this escape is no character")
    case "found incompatible YAML document": return at("want YAML 1.1 or 1.2")
    case "did not find expected <document start>": return at("the file goes on behind its end; look at the indentation")
    default: return at("this is no YAML: \(problem)" + (context.isEmpty ? "" : " \(context)"))
    }
  }

  private func at(_ sentence: String) -> SettingMistake { SettingMistake(at: place, sentence) }
}
