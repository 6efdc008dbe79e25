import Glibc
import LinuxIO

/// A user as whom workers run. It is looked up before any worker is started: that may read files, or ask a directory
/// service.
public struct UserIdentity: Equatable, Sendable, CustomStringConvertible {
  /// The text by which it was looked up.
  public let text: String
  /// What the kernel knows of it.
  public let credentials: Credentials
  /// The login name; the number of a user who has none.
  public let name: String
  /// The home directory; `/` for a user who has no entry.
  public let home: String
  /// The login shell; `/bin/sh` where none is set.
  public let shell: String

  /// Looks up `NAME`, `NAME:GROUP` or the same with numbers. The groups are those of the user; with GROUP that one is
  /// added and is the primary one, as systemd does with `User=` and `Group=`. A number that is nobody's is accepted if
  /// GROUP is given.
  public static func lookup(_ text: String) throws(UserLookupError) -> UserIdentity {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let group: gid_t? = parts.count == 2 ? try groupID(parts[1]) : nil
    guard let entry = try UserEntry.find(parts[0]) else {
      guard let uid = number(parts[0]) else { throw .noSuchUser(parts[0]) }
      guard let group else { throw .groupUnknown(uid) }
      let credentials = Credentials(uid: uid, gid: group, groups: [group])
      return UserIdentity(text: text, credentials: credentials, name: "\(uid)", home: "/", shell: "/bin/sh")
    }
    let gid = group ?? entry.gid
    let credentials = Credentials(uid: entry.uid, gid: gid, groups: groups(of: entry.name, with: gid))
    let shell = entry.shell.isEmpty ? "/bin/sh" : entry.shell
    return UserIdentity(text: text, credentials: credentials, name: entry.name, home: entry.home, shell: shell)
  }

  /// `user nobody (uid 65534)`.
  public var description: String { "user \(text) (uid \(credentials.uid))" }

  /// What login(1) would set.
  var environment: [EnvironmentVariable] {
    [("HOME", home), ("USER", name), ("LOGNAME", name), ("SHELL", shell)].map { EnvironmentVariable($0.0, $0.1) }
  }

  /// Nil if there is nothing to change: we are that user already, and could not change the groups.
  var credentialsToTake: Credentials? {
    let isOurs = geteuid() == credentials.uid && getuid() == credentials.uid && getegid() == credentials.gid
    return isOurs && geteuid() != 0 ? nil : credentials
  }
}

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
private struct UserEntry {
  let uid: uid_t
  let gid: gid_t
  let name: String
  let home: String
  let shell: String

  init(_ entry: passwd) {
    uid = entry.pw_uid
    gid = entry.pw_gid
    name = String(cString: entry.pw_name)
    home = String(cString: entry.pw_dir)
    shell = String(cString: entry.pw_shell)
  }

  /// By name, else by number.
  static func find(_ text: String) throws(UserLookupError) -> UserEntry? {
    let byName = try lookUp("getpwnam \(text)", passwd(), UserEntry.init) { getpwnam_r(text, $0, $1, $2, $3) }
    guard byName == nil, let uid = number(text) else { return byName }
    return try lookUp("getpwuid \(uid)", passwd(), UserEntry.init) { getpwuid_r(uid, $0, $1, $2, $3) }
  }
}

/// By name, else by number, which need not be anybody's.
private func groupID(_ text: String) throws(UserLookupError) -> gid_t {
  let byName = try lookUp("getgrnam \(text)", group(), \.gr_gid) { getgrnam_r(text, $0, $1, $2, $3) }
  guard let gid = byName ?? number(text) else { throw .noSuchGroup(text) }
  return gid
}

/// All groups of a user, and this one.
private func groups(of name: String, with gid: gid_t) -> [gid_t] {
  var count: CInt = 32
  while true {
    var groups = [gid_t](repeating: 0, count: Int(count))
    // Says how many there are if there are more.
    if getgrouplist(name, gid, &groups, &count) >= 0 { return Array(groups.prefix(Int(count))) }
  }
}

/// Digits only; the greatest number means "no change" to the kernel, and is nobody's.
private func number(_ text: String) -> UInt32? {
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
