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

  /// The words for a person to read; what is not UTF-8 shows as replacement characters.
  public var arguments: [String] { words.map { String(decoding: $0, as: UTF8.self) } }
}

/// Null-terminated C strings for one spawn.
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

  deinit {
    for index in 0..<owned { free(pointers[index]) }
    pointers.deallocate()
  }

  var baseAddress: UnsafePointer<UnsafeMutablePointer<CChar>?> { UnsafePointer(pointers.baseAddress!) }
  var first: UnsafePointer<CChar> { UnsafePointer(pointers[0]!) }
}

/// Our environment without what concerns only us: a worker must not answer systemd in our place, nor take the sockets
/// that were passed to us.
struct InheritedEnvironment: @unchecked Sendable {
  private static let scrubbed = [
    "NOTIFY_SOCKET=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_USEC=", "WATCHDOG_PID=",
    "PREFORK_SLOT=", "PREFORK_WORKER_ID=", "PREFORK_PROTOCOL=",
  ]

  /// Made once: starting workers must not cost more because the environment is large. Never freed, never changed.
  static let shared = InheritedEnvironment()

  let entries: [UnsafeMutablePointer<CChar>]

  private init() {
    var entries: [UnsafeMutablePointer<CChar>] = []
    var next = environ
    while let entry = next.pointee {
      let isOurs = Self.scrubbed.contains { strncmp(entry, $0, $0.utf8.count) == 0 }
      if !isOurs { entries.append(strdup(entry)) }
      next += 1
    }
    self.entries = entries
  }

  /// The entries of all other names: one that stands twice means the first to some programs, the last to others.
  func entries(without replaced: [(String, String)]) -> [UnsafeMutablePointer<CChar>] {
    // Names that begin with PREFORK_ are never among ours, and most workers are given no others.
    let prefixes = replaced.filter { !$0.0.hasPrefix("PREFORK_") }.map { "\($0.0)=" }
    if prefixes.isEmpty { return entries }
    return entries.filter { entry in !prefixes.contains { strncmp(entry, $0, $0.utf8.count) == 0 } }
  }
}
