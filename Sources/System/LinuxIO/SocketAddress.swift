/// Where a stream socket listens, in the words of the command line: `unix:/path`, `unix:@abstract`, `tcp:HOST:PORT`.
///
/// Reading the text looks nothing up: names of hosts are resolved when somebody listens or connects.
public enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
  /// A socket in the file system; at most 107 bytes, as the kernel has no room for more (unix(7)).
  case unix(path: String)
  /// A socket that has a name only, which anyone in the same network namespace may use: no file, no mode.
  case abstract(name: String)
  /// A host, by name or number without brackets, and a port; 0 lets the system choose one to listen on.
  case tcp(host: String, port: UInt16)

  /// What may stand before the first colon.
  public static let schemes = ["unix", "tcp"]

  /// More bytes have no room in a sockaddr_un.
  public static let longestName = 107

  /// Whether the system chooses the port: to listen on it twice gives two sockets.
  public var isAnyPort: Bool {
    switch self {
    case .tcp(_, let port): port == 0
    case .unix, .abstract: false
    }
  }

  /// Reads `unix:/path`, `unix:@name`, `tcp:HOST:PORT`, `tcp:[::1]:PORT`, or a path with a slash in it.
  public static func parse(_ text: String) throws(SocketAddressError) -> SocketAddress {
    func failure(_ problem: SocketAddressError.Problem) -> SocketAddressError {
      SocketAddressError(text: text, problem: problem)
    }
    if text.isEmpty { throw failure(.empty) }
    if text.utf8.contains(0) { throw failure(.containsNUL) }
    if ["/", "./", "../"].contains(where: text.hasPrefix) { return try unix(text[...], failure) }
    guard let colon = text.firstIndex(of: ":") else {
      if text.contains("/") { return try unix(text[...], failure) }
      throw failure(.noScheme)
    }
    let rest = text[text.index(after: colon)...]
    switch text[..<colon] {
    case "unix": return try unix(rest, failure)
    case "tcp": return try tcp(rest, failure)
    case let scheme: throw failure(.unknownScheme(String(scheme)))
    }
  }

  private static func unix(
    _ text: Substring, _ failure: (SocketAddressError.Problem) -> SocketAddressError
  ) throws(SocketAddressError) -> SocketAddress {
    let isAbstract = text.hasPrefix("@")
    let name = isAbstract ? text.dropFirst() : text
    if name.isEmpty { throw failure(isAbstract ? .emptyName : .emptyPath) }
    if name.utf8.count > longestName { throw failure(.tooLong(bytes: name.utf8.count)) }
    return isAbstract ? .abstract(name: String(name)) : .unix(path: String(name))
  }

  private static func tcp(
    _ text: Substring, _ failure: (SocketAddressError.Problem) -> SocketAddressError
  ) throws(SocketAddressError) -> SocketAddress {
    let host: Substring
    let rest: Substring
    if text.hasPrefix("[") {
      guard let bracket = text.firstIndex(of: "]") else { throw failure(.openBracket) }
      host = text[text.index(after: text.startIndex)..<bracket]
      rest = text[text.index(after: bracket)...]
    } else {
      host = text.prefix { $0 != ":" }
      rest = text[host.endIndex...]
      if rest.dropFirst().contains(":") { throw failure(.needsBrackets) }
    }
    if host.isEmpty { throw failure(.noHost) }
    guard rest.hasPrefix(":"), rest.count > 1 else { throw failure(.noPort) }
    let port = rest.dropFirst()
    guard port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = UInt16(port)
    else { throw failure(.badPort(String(port))) }
    return .tcp(host: String(host), port: number)
  }

  /// As it is written on the command line; `parse` reads it again.
  public var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .abstract(let name): "unix:@\(name)"
    case .tcp(let host, let port): host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
    }
  }
}

/// Why a text is no address of a socket.
public struct SocketAddressError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Problem: Equatable, Sendable {
    /// There is no text.
    case empty
    /// A byte 0, which no path may hold.
    case containsNUL
    /// Neither a path nor `SCHEME:`.
    case noScheme
    /// A scheme that is none of `SocketAddress.schemes`.
    case unknownScheme(String)
    /// `unix:` alone.
    case emptyPath
    /// `unix:@` alone.
    case emptyName
    /// More than 107 bytes.
    case tooLong(bytes: Int)
    /// `tcp::7000`.
    case noHost
    /// `tcp:localhost`.
    case noPort
    /// Not a number, or over 65535.
    case badPort(String)
    /// An IPv6 address without brackets.
    case needsBrackets
    /// `[` without `]`.
    case openBracket
  }

  /// The text as it was given.
  public let text: String
  /// What is wrong with it.
  public let problem: Problem

  /// What is wrong, to be read after the text: `has no port`.
  public var complaint: String {
    switch problem {
    case .empty: "is empty"
    case .containsNUL: "has a byte 0 in it"
    case .noScheme: "does not say what kind of socket it is"
    case .unknownScheme(let scheme): "begins with the unknown scheme '\(scheme)'"
    case .emptyPath: "has no path"
    case .emptyName: "has no name"
    case .tooLong(let bytes): "is too long: \(bytes) bytes, and the system takes at most \(SocketAddress.longestName)"
    case .noHost: "has no host"
    case .noPort: "has no port"
    case .badPort(let port): "has the port '\(port)', which is no number from 0 to 65535"
    case .needsBrackets: "has an IPv6 address that does not stand in brackets"
    case .openBracket: "has a [ without its ]"
    }
  }

  /// What is right.
  public var wanted: String {
    switch problem {
    case .empty, .containsNUL, .unknownScheme: "unix:/PATH or tcp:HOST:PORT"
    case .noScheme: "unix:/PATH or tcp:HOST:PORT; did you mean unix:\(text)?"
    case .emptyPath, .emptyName: "unix:/PATH or unix:@NAME"
    case .tooLong: "a shorter path; a relative one counts as it is written"
    case .noHost, .noPort, .badPort: "tcp:HOST:PORT, such as tcp:127.0.0.1:7000"
    case .needsBrackets, .openBracket: "tcp:[ADDRESS]:PORT, such as tcp:[::1]:7000"
    }
  }

  /// One line for a person.
  public var description: String { "'\(text)' \(complaint); wanted is \(wanted)" }
}
