import Glibc
import LinuxIO

/// A user that workers run as. It is looked up before any worker is started: that may read files, or ask a directory
/// service.
public struct UserIdentity: Equatable, Sendable, CustomStringConvertible {
  /// The text by which it was looked up.
  public let text: String
  /// What the kernel knows of it.
  public let credentials: Credentials
  /// The login name; the number of a user without one.
  public let name: String
  /// The home directory; `/` for a user without an entry.
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
      guard let uid = userOrGroupNumber(parts[0]) else { throw .noSuchUser(parts[0]) }
      guard let group else { throw .groupUnknown(uid) }
      let credentials = Credentials(uid: uid, gid: group, groups: [group])
      return UserIdentity(text: text, credentials: credentials, name: "\(uid)", home: "/", shell: "/bin/sh")
    }
    let gid = group ?? entry.gid
    let credentials = Credentials(uid: entry.uid, gid: gid, groups: entry.groups(with: gid))
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
