import CLinux
import Glibc

/// Who may connect to a socket in the file system: whoever may write the file (unix(7)).
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
/// All who start or end on a path take turns by flock(2) on `PATH.lock`, which exists only as long as somebody holds it.
/// Without it two that start at once would both see a stale file, and the slower one would remove the socket of the
/// faster. To bind a temporary name and rename it would need no lock for a new path, but does for a stale one; besides, ss(8)
/// and getpeername(2) tell the name that was bound.
struct UnixSocketFile {
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// Binds the socket to `path` and lets it listen. A stale file, a socket to which connecting is refused, is replaced;
  /// anything else is left alone and is an error.
  static func listen(_ socket: CInt, at path: String, _ rights: SocketFileRights) throws(SocketError) -> UnixSocketFile
  {
    let address = SocketAddress.unix(path: path)
    func failure(_ operation: String) -> SocketError { .listen(address, SystemError(operation)) }
    let lock = try StartLock(for: path)
    defer { lock.release() }
    var resolved = try ResolvedAddress.all(of: address)[0]
    // Linux makes the file with the mode of the socket, less the umask. Until it listens, nobody can connect whatever the
    // mode is; so the umask, which belongs to all threads, can stay as it is.
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

  /// Gives the file other rights, if it is still the one that was made. Without a group in them it keeps the one that it has.
  func change(_ rights: SocketFileRights) throws(SocketError) {
    guard let status = status(of: path), status.st_dev == device, status.st_ino == inode else { return }
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
    // Somebody who holds the lock for long has been stopped: what we leave then is a stale file, as after a crash.
    guard let lock = try? StartLock(for: path, patience: 200) else { return }
    defer { lock.release() }
    guard let status = status(of: path), status.st_dev == device, status.st_ino == inode else { return }
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
    // It cannot be told.
    case let code: throw .listen(unix, SystemError("see whether somebody listens there", code))
    }
    if unlink(path) != 0, errno != ENOENT { throw .listen(unix, SystemError("remove the stale socket")) }
  }
}

private func status(of path: String) -> stat? {
  var status = stat()
  return lstat(path, &status) == 0 ? status : nil
}

/// The lock of all who start or end on a path.
private struct StartLock: ~Copyable {
  private let file: FileDescriptor
  private let path: String

  /// Waits at most `patience` milliseconds.
  init(for socketPath: String, patience: Int = 3000) throws(SocketError) {
    path = socketPath + ".lock"
    let address = SocketAddress.unix(path: socketPath)
    let pause = 10
    for _ in 0...(patience / pause) {
      let file: FileDescriptor
      do throws(SystemError) {
        file = try FileDescriptor.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK)
      } catch {
        throw .listen(address, error)
      }
      if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 {
        // Whoever held it has removed it: then this is a file that others no longer see, and a lock of nothing.
        var (opened, named) = (stat(), stat())
        if fstat(file.rawValue, &opened) == 0, lstat(path, &named) == 0, opened.st_dev == named.st_dev,
          opened.st_ino == named.st_ino
        {
          self.file = file
          return
        }
      } else if errno != EWOULDBLOCK {
        throw .listen(address, SystemError("lock \(path)"))
      } else {
        poll(nil, 0, CInt(pause))
      }
    }
    throw .locked(path: socketPath)
  }

  /// Removed before it is unlocked: see `init`.
  borrowing func release() { unlink(path) }
}
