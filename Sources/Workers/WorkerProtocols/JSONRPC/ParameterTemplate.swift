import JSON

/// The parameters of a request: JSON in which `{job}` stands for the job as a string, or inside a string for its text,
/// and `{json}` for the job as the JSON value that it is.
public struct ParameterTemplate: Sendable, Equatable {
  /// What is wrong with a template.
  public enum Defect: Error, Equatable, CustomStringConvertible {
    /// It is not JSON once the job is put in.
    case notJSON(JSONError)
    /// JSON-RPC wants an object or an array.
    case notStructured
    /// The job stands nowhere in it.
    case withoutJob
    /// `{json}` stands inside a string.
    case jsonInString

    /// One sentence.
    public var description: String {
      switch self {
      case .notJSON(let error): "not JSON: \(error)"
      case .notStructured: "the parameters must be an object or an array"
      case .withoutJob: "neither {job} nor {json} stands in it, so that all jobs would be the same"
      case .jsonInString: "{json} stands inside a string, which cannot hold a JSON value; {job} can stand there"
      }
    }
  }

  enum Piece: Equatable {
    case literal([UInt8])
    /// The job as a string, with quotes.
    case string
    /// The job inside a string.
    case text
    case json

    /// What stands for it when the template is checked.
    var example: [UInt8] {
      switch self {
      case .literal(let bytes): bytes
      case .string: Array("\"\"".utf8)
      case .text: []
      case .json: Array("null".utf8)
      }
    }
  }

  private enum Placeholder: String, CaseIterable {
    case job, json
  }

  let pieces: [Piece]

  /// `{"job": {job}}`
  public static let job = ParameterTemplate(
    pieces: [.literal(Array(#"{"job":"#.utf8)), .string, .literal(Array("}".utf8))])

  private init(pieces: [Piece]) { self.pieces = pieces }

  /// Reads a template.
  public init(_ text: String) throws(Defect) {
    pieces = try Self.pieces(of: TextTemplate(text, placeholders: Placeholder.allCases))
    let hasJob = pieces.contains { if case .literal = $0 { false } else { true } }
    guard hasJob else { throw .withoutJob }
    let example = pieces.flatMap(\.example)
    let kind: JSONValue.Kind
    do throws(JSONError) { kind = try JSONScanner.check(example.span.bytes).kind } catch { throw .notJSON(error) }
    guard kind == .object || kind == .array else { throw .notStructured }
  }

  /// What a placeholder stands for depends on whether it stands inside a string.
  private static func pieces(of template: TextTemplate<Placeholder>) throws(Defect) -> [Piece] {
    var pieces: [Piece] = []
    var (isInString, isEscaped) = (false, false)
    for piece in template.pieces {
      switch piece {
      case .placeholder(.job): pieces.append(isInString ? .text : .string)
      case .placeholder(.json):
        if isInString { throw .jsonInString }
        pieces.append(.json)
      case .literal(let bytes):
        for byte in bytes {
          if byte == UInt8(ascii: "\""), !isEscaped { isInString.toggle() }
          isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        // A line feed would end the message; in JSON it can only be white space.
        pieces.append(.literal(bytes.map { $0 == 0x0A ? 0x20 : $0 }))
      }
    }
    return pieces
  }

  /// Why the job cannot be put in; nil if it can.
  func defect(of job: RawSpan) -> String? {
    if pieces.contains(.json) {
      do throws(JSONError) { _ = try JSONScanner.check(job) } catch { return "it is not JSON: \(error)" }
    }
    let needsText = pieces.contains(.string) || pieces.contains(.text)
    return needsText && !job.isText ? "it is not UTF-8, which a string of JSON must be" : nil
  }

  /// Adds the parameters of a job without a defect.
  func append(_ job: RawSpan, to message: inout [UInt8]) {
    for piece in pieces {
      switch piece {
      case .literal(let bytes): message += bytes
      case .string: _ = message.appendString(job)
      case .text: message.appendText(job)
      case .json: message.appendLine(job)
      }
    }
  }
}
