import Time

/// Writes one JSON object, member by member, without white space and without line feeds.
///
/// ```swift
/// let bytes = JSONWriter.object { $0.member("name", "pool"); $0.member("slots", [1, 2]) { $0.element($1) } }
/// ```
///
/// Names are taken as they are: they must need no escapes. A member that is nil is left out.
public struct JSONWriter: Sendable {
  private var bytes: [UInt8] = []

  private init() {}

  /// The bytes of an object with the members that `body` adds.
  public static func object(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.braced(body)
    return writer.bytes
  }

  /// A string.
  public mutating func member(_ name: String, _ text: String?) {
    if let text { bytes.appendMember(name, text) }
  }

  /// A whole number.
  public mutating func member(_ name: String, _ number: (some FixedWidthInteger)?) {
    bytes.appendMember(name, ifAny: number)
  }

  /// `true` or `false`.
  public mutating func member(_ name: String, _ flag: Bool?) {
    guard let flag else { return }
    bytes.appendName(name)
    bytes.append(flag ? "true" : "false")
  }

  /// A time in seconds with nine decimals: exact, and never with an exponent.
  public mutating func member(_ name: String, seconds time: Nanoseconds?) {
    guard let time else { return }
    bytes.appendName(name)
    bytes.appendDigits(time.wholeSeconds)
    bytes.append(UInt8(ascii: "."))
    bytes.appendDigits((time % .seconds(1)).count, atLeast: 9)
  }

  /// An object.
  public mutating func member(_ name: String, object body: (inout JSONWriter) -> Void) {
    bytes.appendName(name)
    braced(body)
  }

  /// An array, to which `body` adds one element for each of `elements`.
  public mutating func member<Element>(
    _ name: String, _ elements: [Element]?, _ body: (inout JSONWriter, Element) -> Void
  ) {
    guard let elements else { return }
    bytes.appendName(name)
    bytes.append(UInt8(ascii: "["))
    for (place, element) in elements.enumerated() {
      if place > 0 { bytes.append(UInt8(ascii: ",")) }
      body(&self, element)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  /// An element of an array: a string.
  public mutating func element(_ text: String) {
    let isText = bytes.appendString(text.utf8.span.bytes)
    assert(isText, "a String is UTF-8")
  }

  /// An element of an array: a whole number.
  public mutating func element(_ number: some FixedWidthInteger) { bytes.appendNumber(number) }

  /// An element of an array: an object.
  public mutating func element(object body: (inout JSONWriter) -> Void) { braced(body) }

  private mutating func braced(_ body: (inout JSONWriter) -> Void) {
    bytes.append(UInt8(ascii: "{"))
    body(&self)
    bytes.append(UInt8(ascii: "}"))
  }
}
