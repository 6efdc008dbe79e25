import CLinux
import Glibc

/// The mode and the group of a socket in the file system: a user that may write the file may connect (unix(7)).
public struct SocketFileRights: Equatable, Sendable {
  /// The bits of chmod(2), 0...0o777.
  public var mode: UInt32
  /// The group that the file is given to; nil leaves it as it is made.
  public var group: UInt32?

  /// Rights; without arguments, those of the owner alone.
  public init(mode: UInt32 = 0o600, group: UInt32? = nil) {
    self.mode = mode
    self.group = group
  }
}

/// The file of a unix socket that we listen on: made, and at last removed, under a lock.
///
/// All processes that start or end on a path take turns by flock(2) on `PATH.lock`, which exists only while one holds
/// it. Without it two that start at once would both see a stale file, and the slower one would remove the socket of the
/// faster. To bind a temporary name and rename it would need no lock for a new path, but does for a stale one; besides,
/// ss(8) and getpeername(2) tell the name that was bound.
struct UnixSocketFile {
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// Binds the socket to `path` and lets it listen. A stale file, a socket to which connecting is refused, is replaced;
  /// anything else is left alone and is an error. The lock is waited for `lockPatience` milliseconds at most.
  static func listen(
    _ socket: CInt, at path: String, _ rights: SocketFileRights, _ lockPatience: Int
  ) throws(SocketError) -> UnixSocketFile {
    let address = SocketAddress.unix(path: path)
    func failure(_ operation: String) -> SocketError { .listen(address, SystemError(operation)) }
    let lock = try SocketFileLock(for: path, patience: lockPatience)
    defer { lock.release() }
    var resolved = try ResolvedAddress.all(of: address)[0]
    // Linux makes the file with the mode of the socket, less the umask. Until it listens, nobody can connect whatever
    // the mode is; so the umask, which belongs to all threads, can stay as it is.
    if fchmod(socket, rights.mode) != 0 { throw failure("fchmod") }
    if prefork_bind(socket, &resolved.kernel) != 0 {
      guard errno == EADDRINUSE else { throw failure("bind") }
      try removeStale(path, resolved)
      if prefork_bind(socket, &resolved.kernel) != 0 { throw failure("bind") }
    }
    do throws(SocketError) {
      try apply(rights, to: path)
      if Glibc.listen(socket, SOMAXCONN) != 0 { throw failure("listen") }
      guard let status = status(of: path) else { throw failure("stat") }
      return UnixSocketFile(path: path, device: status.st_dev, inode: status.st_ino)
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Whether the path still names the file that was made.
  var isInPlace: Bool {
    status(of: path).map { $0.st_dev == device && $0.st_ino == inode } ?? false
  }

  /// Gives the file other rights, if it is still the one that was made. Without a group in them it keeps the one that
  /// it has.
  func change(_ rights: SocketFileRights) throws(SocketError) {
    guard isInPlace else { return }
    try Self.apply(rights, to: path)
  }

  private static func apply(_ rights: SocketFileRights, to path: String) throws(SocketError) {
    let address = SocketAddress.unix(path: path)
    if let group = rights.group, lchown(path, .max, group) != 0 { throw .listen(address, SystemError("chown")) }
    if chmod(path, rights.mode) != 0 { throw .listen(address, SystemError("chmod")) }
  }

  /// Removes the file, if it is still the one that was made. To be called while the socket still listens: what somebody
  /// listens on, nobody replaces.
  func remove() {
    // A server waits for this. Another process that holds the lock for long has been stopped, or means no good: what
    // we leave then is a stale file, as after a crash.
    guard let lock = try? SocketFileLock(for: path, patience: 50) else { return }
    defer { lock.release() }
    guard isInPlace else { return }
    unlink(path)
  }

  private static func removeStale(_ path: String, _ address: ResolvedAddress) throws(SocketError) {
    guard let status = status(of: path) else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
    let unix = SocketAddress.unix(path: path)
    var address = address
    let number = prefork_stream_socket(&address.kernel)
    if number < 0 { throw .listen(unix, SystemError("socket")) }
    let socket = FileDescriptor(owning: number)
    if prefork_connect(socket.rawValue, &address.kernel) == 0 { throw .inUse(unix) }
    switch errno {
    // There is a file, and no socket behind it.
    case ECONNREFUSED: break
    case ENOENT: return
    // Its queue is full, or it takes no streams: somebody is there.
    case EAGAIN, EPROTOTYPE: throw .inUse(unix)
    // Unknown.
    case let code: throw .listen(unix, SystemError("see whether somebody listens there", code))
    }
    if unlink(path) != 0, errno != ENOENT { throw .listen(unix, SystemError("remove the stale socket")) }
  }
}

private func status(of path: String) -> stat? {
  var status = stat()
  return lstat(path, &status) == 0 ? status : nil
}
