/// The bytes of jobs and replies. Each names its job, and all of its other bytes follow from its name and length: so a
/// reply is known to be whole and to belong to its job without being kept anywhere.
enum Payload {
  static let probe = Array("?probe".utf8)
  static let probeReply = Array("!probe".utf8)
  static let reset = Array("?reset".utf8)
  static let resetReply = Array("!reset".utf8)
  static let greeting = Array("ready".utf8)

  /// `j17:` and then letters; at least the name, whatever `size` says.
  static func job(_ number: Int, size: Int, into bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(UInt8(ascii: "j"))
    append(number, to: &bytes)
    fill(&bytes, from: 0, to: size, salt: number)
  }

  /// `r17.3:` and then letters: what the worker with serial number 3 answers to job 17.
  static func reply(_ number: Int, by serial: Int, size: Int, into bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(UInt8(ascii: "r"))
    append(number, to: &bytes)
    bytes[bytes.count - 1] = UInt8(ascii: ".")
    append(serial, to: &bytes)
    fill(&bytes, from: start, to: start + size, salt: number &+ 7 &* serial)
  }

  /// The number of a job; nil if its bytes are not as they were made.
  static func readJob(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard let (number, end) = readNumber(bytes, at: 0, after: "j", before: ":") else { return nil }
    return isFilled(bytes, from: end, salt: number) ? number : nil
  }

  /// The number that a job begins with, if that much of it is there.
  static func readName(_ bytes: UnsafeRawBufferPointer) -> Int? {
    readNumber(bytes, at: 0, after: "j", before: ":")?.number
  }

  /// Whose reply it is, and from which worker; nil if the bytes are not as they were made.
  static func readReply(_ bytes: UnsafeRawBufferPointer) -> (job: Int, serial: Int)? {
    guard let (number, place) = readNumber(bytes, at: 0, after: "r", before: "."),
      let (serial, end) = readNumber(bytes, at: place - 1, after: ".", before: ":")
    else { return nil }
    return isFilled(bytes, from: end, salt: number &+ 7 &* serial) ? (number, serial) : nil
  }

  /// Whether it is something else that workers write.
  static func isNoAnswerToJob(_ bytes: UnsafeRawBufferPointer) -> Bool {
    [probeReply, resetReply, greeting].contains { bytes.elementsEqual($0) }
  }

  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    var power = 1
    while number / power >= 10 { power *= 10 }
    while power > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(number / power % 10))
      power /= 10
    }
    bytes.append(UInt8(ascii: ":"))
  }

  private static func fill(_ bytes: inout [UInt8], from start: Int, to end: Int, salt: Int) {
    var letter = letter(at: bytes.count - start, salt)
    while bytes.count < end {
      bytes.append(letter)
      letter = letter == UInt8(ascii: "z") ? UInt8(ascii: "a") : letter + 1
    }
  }

  private static func isFilled(_ bytes: UnsafeRawBufferPointer, from start: Int, salt: Int) -> Bool {
    var letter = letter(at: start, salt)
    for index in start..<bytes.count {
      if bytes[index] != letter { return false }
      letter = letter == UInt8(ascii: "z") ? UInt8(ascii: "a") : letter + 1
    }
    return true
  }

  private static func letter(at place: Int, _ salt: Int) -> UInt8 {
    UInt8(ascii: "a") + UInt8((place &+ salt) % 26)
  }

  private static func readNumber(
    _ bytes: UnsafeRawBufferPointer, at place: Int, after first: Unicode.Scalar, before last: Unicode.Scalar
  ) -> (number: Int, end: Int)? {
    guard place < bytes.count, bytes[place] == UInt8(ascii: first) else { return nil }
    var (number, place) = (0, place + 1)
    while place < bytes.count, case let digit = bytes[place], digit != UInt8(ascii: last) {
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9"), number < 1 << 40 else { return nil }
      number = 10 * number + Int(digit - UInt8(ascii: "0"))
      place += 1
    }
    return place < bytes.count ? (number, place + 1) : nil
  }
}
