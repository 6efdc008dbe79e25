import Time

/// Something about an object or its members that is not what it must be.
public enum JSONObjectError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The text is not JSON.
  case notJSON(JSONError)
  /// It is JSON, but no object.
  case notAnObject
  /// Two members have this name: which one counts would be a guess.
  case twice(String)
  /// It has more than `JSONObject.maximumMembers` members.
  case tooManyMembers
  /// This member is missing, or null.
  case missing(String)
  /// This member is something else than wanted.
  case mismatch(String, wanted: String)

  /// One sentence for people.
  public var description: String {
    switch self {
    case .notJSON(let error): "not JSON: \(error)"
    case .notAnObject: "not an object"
    case .twice(let name): "two members are named \"\(name)\""
    case .tooManyMembers: "more than \(JSONObject.maximumMembers) members"
    case .missing(let name): "\"\(name)\" is missing"
    case .mismatch(let name, let wanted): "\"\(name)\" is not \(wanted)"
    }
  }
}

/// The members of one object by name, for objects that are small and read seldom; records have `InputRecord`. Nothing
/// deeper than its members is looked at before it is asked for, but all of it was checked to be JSON.
public struct JSONObject: Sendable {
  /// More members are refused, so that hostile input does not cost much more memory than its own bytes.
  public static let maximumMembers = 256

  private let bytes: [UInt8]
  private let range: Range<Int>
  private var members: [String: JSONValue] = [:]

  /// `{}`
  public init() {
    bytes = Array("{}".utf8)
    range = 0..<bytes.count
  }

  /// Reads a text that is one object.
  public init(_ bytes: [UInt8]) throws(JSONObjectError) { try self.init(bytes, within: 0..<bytes.count) }

  /// Reads an object that stands at `range` in a text.
  package init(_ text: RawSpan, _ range: Range<Int>) throws(JSONObjectError) {
    var bytes: [UInt8] = []
    bytes.append(text.extracting(range))
    try self.init(bytes)
  }

  /// Reads an object that stands at `range` among other bytes.
  fileprivate init(_ bytes: [UInt8], within range: Range<Int>) throws(JSONObjectError) {
    self.bytes = bytes
    self.range = range
    let text = bytes.span.bytes.extracting(range)
    let found: [JSONMember]?
    do throws(JSONError) { found = try Self.members(of: text) } catch { throw .notJSON(error) }
    guard let found else { throw .notAnObject }
    guard found.count <= Self.maximumMembers else { throw .tooManyMembers }
    for member in found {
      let name = member.name.string(in: text)
      let place =
        (member.value.range.lowerBound + range.lowerBound)..<(member.value.range.upperBound + range.lowerBound)
      if members.updateValue(JSONValue(kind: member.value.kind, range: place), forKey: name) != nil {
        throw .twice(name)
      }
    }
  }

  /// The names of all members, sorted.
  public var names: [String] { members.keys.sorted() }

  /// The object as it stands.
  public var json: String { String(decoding: bytes[range], as: UTF8.self) }

  /// A string.
  public func text(_ name: String) throws(JSONObjectError) -> String { try required(name, try textIfAny(name)) }

  /// A string; nil if it is missing or null.
  public func textIfAny(_ name: String) throws(JSONObjectError) -> String? {
    try read(name, "a string") { $0.isString ? $0.string(in: bytes.span.bytes) : nil }
  }

  /// `true` or `false`.
  public func flag(_ name: String) throws(JSONObjectError) -> Bool { try required(name, try flagIfAny(name)) }

  /// `true` or `false`; nil if it is missing or null.
  public func flagIfAny(_ name: String) throws(JSONObjectError) -> Bool? {
    try read(name, "true or false") { $0.kind == .yes ? true : $0.kind == .no ? false : nil }
  }

  /// A whole number that `Number` can hold, however it is written: 1e3 is 1000.
  public func number<Number: FixedWidthInteger>(_ name: String) throws(JSONObjectError) -> Number {
    try required(name, try numberIfAny(name))
  }

  /// A whole number; nil if it is missing or null.
  public func numberIfAny<Number: FixedWidthInteger>(_ name: String) throws(JSONObjectError) -> Number? {
    try read(name, "a whole number from \(Number.min) to \(Number.max)") { $0.integer(in: bytes.span.bytes) }
  }

  /// A number, as near as floating point comes to it; nil if it is missing or anything else.
  package func doubleIfAny(_ name: String) -> Double? {
    guard let value = members[name], value.kind == .number else { return nil }
    return Double(String(decoding: bytes[value.range], as: UTF8.self))
  }

  /// Any value, as it stands; nil if it is missing or null.
  package func jsonIfAny(_ name: String) -> [UInt8]? {
    guard let value = members[name], value.kind != .null else { return nil }
    return Array(bytes[value.range])
  }

  /// A number of seconds, not negative; what is finer than a nanosecond is cut off. At most 584 years.
  public func nanoseconds(_ name: String) throws(JSONObjectError) -> Nanoseconds {
    try required(name, try nanosecondsIfAny(name))
  }

  /// A number of seconds; nil if it is missing or null.
  public func nanosecondsIfAny(_ name: String) throws(JSONObjectError) -> Nanoseconds? {
    try read(name, "a number of seconds") { $0.nanoseconds(in: bytes.span.bytes) }
  }

  /// An object.
  public func object(_ name: String) throws(JSONObjectError) -> JSONObject { try required(name, try objectIfAny(name)) }

  /// An object; nil if it is missing or null.
  public func objectIfAny(_ name: String) throws(JSONObjectError) -> JSONObject? {
    guard let value = members[name], value.kind != .null else { return nil }
    guard value.kind == .object else { throw .mismatch(name, wanted: "an object") }
    return try JSONObject(bytes, within: value.range)
  }

  /// An array of strings; nil if it is missing or null.
  public func textsIfAny(_ name: String) throws(JSONObjectError) -> [String]? {
    try elements(name, "an array of strings") { value throws(JSONObjectError) in
      value.isString ? value.string(in: bytes.span.bytes) : nil
    }
  }

  /// An array of whole numbers; nil if it is missing or null.
  public func numbersIfAny<Number: FixedWidthInteger>(_ name: String) throws(JSONObjectError) -> [Number]? {
    try elements(name, "an array of whole numbers from \(Number.min) to \(Number.max)") {
      value throws(JSONObjectError) in value.integer(in: bytes.span.bytes)
    }
  }

  /// An array of objects, each made into something; nil if it is missing or null.
  public func objectsIfAny<Element>(
    _ name: String, _ make: (JSONObject) throws(JSONObjectError) -> Element
  ) throws(JSONObjectError) -> [Element]? {
    try elements(name, "an array of objects") { value throws(JSONObjectError) in
      value.kind == .object ? try make(try JSONObject(bytes, within: value.range)) : nil
    }
  }
}

extension JSONObject {
  /// Nil if something other than an object begins there. Once there are too many, the rest is checked and left out.
  private static func members(of text: RawSpan) throws(JSONError) -> [JSONMember]? {
    var found: [JSONMember] = []
    let isObject = try JSONScanner.readObject(in: text) { if found.count <= maximumMembers { found.append($0) } }
    if isObject { return found }
    _ = try JSONScanner.check(text)
    return nil
  }

  private func required<Value>(_ name: String, _ value: Value?) throws(JSONObjectError) -> Value {
    guard let value else { throw .missing(name) }
    return value
  }

  private func read<Value>(
    _ name: String, _ wanted: @autoclosure () -> String, _ make: (JSONValue) -> Value?
  ) throws(JSONObjectError) -> Value? {
    guard let value = members[name], value.kind != .null else { return nil }
    guard let made = make(value) else { throw .mismatch(name, wanted: wanted()) }
    return made
  }

  private func elements<Element>(
    _ name: String, _ wanted: @autoclosure () -> String, _ make: (JSONValue) throws(JSONObjectError) -> Element?
  ) throws(JSONObjectError) -> [Element]? {
    guard let array = members[name], array.kind != .null else { return nil }
    guard array.kind == .array else { throw .mismatch(name, wanted: wanted()) }
    let base = array.range.lowerBound
    let text = bytes.span.bytes.extracting(array.range)
    var scanner = JSONScanner()
    var made: [Element] = []
    _ = scanner.enterArray(in: text)
    while let value = try Self.nextElement(of: text, &scanner) {
      let place = (value.range.lowerBound + base)..<(value.range.upperBound + base)
      guard let element = try make(JSONValue(kind: value.kind, range: place)) else {
        throw .mismatch(name, wanted: wanted())
      }
      made.append(element)
    }
    return made
  }

  private static func nextElement(of text: RawSpan, _ scanner: inout JSONScanner) throws(JSONObjectError) -> JSONValue?
  {
    do throws(JSONError) { return try scanner.nextElement(in: text) } catch { throw .notJSON(error) }
  }
}
