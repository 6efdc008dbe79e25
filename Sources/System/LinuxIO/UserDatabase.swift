import Glibc

/// Why there is no such identity.
public enum UserLookupError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No user has this name.
  case noSuchUser(String)
  /// No group has this name.
  case noSuchGroup(String)
  /// This number is nobody's, so that its group has to be given.
  case groupUnknown(UInt32)
  /// The user database cannot be read.
  case failed(SystemError)

  /// One line for a person.
  public var description: String {
    switch self {
    case .noSuchUser(""): "the name of the user is empty"
    case .noSuchUser(let name): "there is no user '\(name)'"
    case .noSuchGroup(""): "the name of the group is empty"
    case .noSuchGroup(let name): "there is no group '\(name)'"
    case .groupUnknown(let uid): "no user has the number \(uid), so its group must be given: \(uid):GROUP"
    case .failed(let error): error.description
    }
  }
}

/// A line of passwd(5).
public struct UserEntry: Sendable {
  /// The number of the user.
  public let uid: UInt32
  /// The number of the primary group.
  public let gid: UInt32
  /// The login name.
  public let name: String
  /// The home directory.
  public let home: String
  /// The login shell; may be empty.
  public let shell: String

  init(_ entry: passwd) {
    uid = entry.pw_uid
    gid = entry.pw_gid
    name = String(cString: entry.pw_name)
    home = String(cString: entry.pw_dir)
    shell = String(cString: entry.pw_shell)
  }

  /// Looks up by name, else by number; nil if there is no such user. May read files, or ask a directory service.
  public static func find(_ text: String) throws(UserLookupError) -> UserEntry? {
    let byName = try lookUp("getpwnam \(text)", passwd(), UserEntry.init) { getpwnam_r(text, $0, $1, $2, $3) }
    guard byName == nil, let uid = userOrGroupNumber(text) else { return byName }
    return try lookUp("getpwuid \(uid)", passwd(), UserEntry.init) { getpwuid_r(uid, $0, $1, $2, $3) }
  }

  /// All groups of the user, and this one.
  public func groups(with gid: UInt32) -> [UInt32] {
    var count: CInt = 32
    while true {
      var groups = [gid_t](repeating: 0, count: Int(count))
      // Sets `count` to the number of groups if there are more.
      if getgrouplist(name, gid, &groups, &count) >= 0 { return Array(groups.prefix(Int(count))) }
    }
  }
}

/// The number of a user: by name, else the number itself, which need not be anybody's.
public func userID(_ text: String) throws(UserLookupError) -> UInt32 {
  guard let uid = try UserEntry.find(text)?.uid ?? userOrGroupNumber(text) else { throw .noSuchUser(text) }
  return uid
}

/// The number of a group: by name, else the number itself, which need not be anybody's.
public func groupID(_ text: String) throws(UserLookupError) -> UInt32 {
  let byName = try lookUp("getgrnam \(text)", group(), \.gr_gid) { getgrnam_r(text, $0, $1, $2, $3) }
  guard let gid = byName ?? userOrGroupNumber(text) else { throw .noSuchGroup(text) }
  return gid
}

/// Digits only; the greatest number means "no change" to the kernel, and is nobody's.
public func userOrGroupNumber(_ text: String) -> UInt32? {
  guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
    return nil
  }
  return UInt32(text).flatMap { $0 == .max ? nil : $0 }
}

/// One call of getpwnam_r(3) or its like: what `read` takes from the entry, nil if there is none.
private func lookUp<Entry, Result>(
  _ operation: String, _ blank: Entry, _ read: (Entry) -> Result,
  _ call: (
    UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
  ) -> CInt
) throws(UserLookupError) -> Result? {
  var entry = blank
  var size = 1024
  while true {
    // Holds the texts of the entry.
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
    defer { buffer.deallocate() }
    var found: UnsafeMutablePointer<Entry>?
    switch call(&entry, buffer, size, &found) {
    // Two of the many values for "not there", besides 0 without an entry (getpwnam(3)).
    case 0, ENOENT, ESRCH: return found == nil ? nil : read(entry)
    case ERANGE: size *= 4
    case EINTR: continue
    case let code: throw .failed(SystemError(operation, code))
    }
  }
}
