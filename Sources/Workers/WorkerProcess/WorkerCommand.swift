import Glibc

/// What to start: a program and its arguments, byte for byte. (File names need not be UTF-8.)
public struct WorkerCommand: Sendable {
  /// The words without their final NUL; the first is the program, looked for in PATH when it has no slash.
  public let words: [[UInt8]]

  /// A command line of at least one word, none of which may contain a NUL.
  public init(words: [[UInt8]]) {
    precondition(!words.isEmpty)
    self.words = words
  }

  /// A command line of at least one word.
  public init(_ arguments: [String]) { self.init(words: arguments.map { Array($0.utf8) }) }

  /// The same with these words at its end, but for those that are among its arguments.
  public func adding(_ arguments: [String]) -> WorkerCommand {
    WorkerCommand(words: words + arguments.map { Array($0.utf8) }.filter { !words.dropFirst().contains($0) })
  }

  /// The words for a person to read; what is not UTF-8 shows as replacement characters.
  public var arguments: [String] { words.map { String(decoding: $0, as: UTF8.self) } }
}

/// Null-terminated C strings to start programs with.
struct CStringList: ~Copyable {
  private let pointers: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>
  private let owned: Int

  /// Copies `words`; `borrowed` must outlive the list.
  init(_ words: [[UInt8]], borrowed: [UnsafeMutablePointer<CChar>] = []) {
    pointers = .allocate(capacity: words.count + borrowed.count + 1)
    owned = words.count
    for (index, word) in words.enumerated() {
      let copy = (word + [0]).withUnsafeBytes { strdup($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
      pointers.initializeElement(at: index, to: copy)
    }
    for (index, pointer) in borrowed.enumerated() { pointers.initializeElement(at: owned + index, to: pointer) }
    pointers.initializeElement(at: words.count + borrowed.count, to: nil)
  }

  /// Gives one of the words another text, which must not contain a NUL.
  func replace(_ index: Int, by text: String) {
    precondition(index < owned)
    free(pointers[index])
    pointers[index] = strdup(text)
  }

  deinit {
    for index in 0..<owned { free(pointers[index]) }
    pointers.deallocate()
  }

  var baseAddress: UnsafePointer<UnsafeMutablePointer<CChar>?> { UnsafePointer(pointers.baseAddress!) }
  var first: UnsafePointer<CChar> { UnsafePointer(pointers[0]!) }
}
