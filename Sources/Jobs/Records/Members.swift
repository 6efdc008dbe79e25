import JSON

/// The members of a record that are known, by field.
struct Members {
  private var values = InlineArray<7, JSONValue?>(repeating: nil)
  private var twice: InputRecord.Field?

  /// Reads the whole line, what is not known, too.
  init(_ line: RawSpan) throws(RecordError) {
    let other: JSONValue.Kind?
    do throws(JSONError) {
      other = try readObject(line) ? nil : JSONScanner.check(line).kind
    } catch {
      throw .notJSON(error)
    }
    if let other { throw .notAnObject(other) }
    if let twice { throw .twice(twice) }
  }

  subscript(field: InputRecord.Field) -> JSONValue? { values[field.rawValue] }

  /// The value, unless it is null.
  func ifGiven(_ field: InputRecord.Field) -> JSONValue? {
    self[field].flatMap { $0.kind == .null ? nil : $0 }
  }

  /// False if the line is something other than an object.
  private mutating func readObject(_ line: RawSpan) throws(JSONError) -> Bool {
    try JSONScanner.readObject(in: line) { member in
      guard let field = Self.field(named: member.name, in: line) else { return }
      if values[field.rawValue] != nil { twice = field }
      values[field.rawValue] = member.value
    }
  }

  private static func field(named name: JSONValue, in line: RawSpan) -> InputRecord.Field? {
    name.withText(of: line) { text in
      let field: InputRecord.Field
      // Length and first letter leave one that it can be.
      switch (text.byteCount, text.byteIfAny(at: 0)) {
      case (2, _): field = .id
      case (3, UInt8(ascii: "j")): field = .job
      case (3, _): field = .key
      case (7, UInt8(ascii: "t")): field = .timeout
      case (7, _): field = .retries
      case (8, _): field = .priority
      case (10, _): field = .jobBase64
      case (_, _): return nil
      }
      return text.equals(field.name) ? field : nil
    }
  }
}
