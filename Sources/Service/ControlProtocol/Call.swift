import JSON

/// A call as it came: an object of the members that https://varlink.org/Method-Call names; others are passed over.
struct Call {
  /// With its interface.
  let method: String
  /// Nil if there are none.
  let parameters: JSONObject?
  /// No answer is wanted.
  let isOneway: Bool
  /// More than one answer may be given.
  let wantsMore: Bool
  /// The connection is to become something else, which ours never does.
  let wantsUpgrade: Bool

  /// Reads a message without its NUL.
  init(_ message: [UInt8]) throws(WireError) {
    do throws(JSONObjectError) {
      let object = try JSONObject(message)
      method = try object.text("method")
      parameters = try object.objectIfAny("parameters")
      isOneway = try object.flagIfAny("oneway") ?? false
      wantsMore = try object.flagIfAny("more") ?? false
      wantsUpgrade = try object.flagIfAny("upgrade") ?? false
    } catch {
      throw .malformed("\(error)")
    }
  }
}

/// The parameters of a call, as the code that answers it reads them.
struct Parameters {
  private let object: JSONObject?

  init(_ object: JSONObject?) { self.object = object }

  /// Refuses parameters of any other name: a mistyped name must not look as if it had worked.
  func allow(_ names: String...) throws(ControlError) {
    if let other = object?.names.first(where: { !names.contains($0) }) { throw .invalidParameter(other) }
  }

  /// A value; nil if it is missing or null.
  func value<Value>(
    _ name: String, _ read: (JSONObject, String) throws(JSONObjectError) -> Value?
  ) throws(ControlError) -> Value? {
    guard let object else { return nil }
    do throws(JSONObjectError) { return try read(object, name) } catch { throw .invalidParameter(name) }
  }

  func text(_ name: String) throws(ControlError) -> String? {
    try value(name) { object, name throws(JSONObjectError) in try object.textIfAny(name) }
  }

  /// A whole number that is not negative.
  func count(_ name: String) throws(ControlError) -> Int? {
    let count: Int? = try value(name) { object, name throws(JSONObjectError) in try object.numberIfAny(name) }
    if let count, count < 0 { throw .invalidParameter(name) }
    return count
  }

  func pool(andNothingElse: Bool = false) throws(ControlError) -> String? {
    if andNothingElse { try allow("pool") }
    return try text("pool")
  }
}
