import Glibc
import Text

/// The lock that servers hold while they make or remove the socket at a path.
struct SocketFileLock: ~Copyable {
  private let file: FileDescriptor
  private let path: String

  /// Waits at most `patience` milliseconds.
  init(for socketPath: String, patience: Int) throws(SocketError) {
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
        // The process that held it has removed it: then this file is no longer at the path, and its lock excludes
        // nothing.
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
    throw .locked(path: socketPath, holder: Self.holder(of: path))
  }

  /// Removed before it is unlocked: see `init`.
  borrowing func release() { unlink(path) }

  /// The process that holds the lock of a file, as `process 12 (flock)`; nil if the kernel does not show it.
  private static func holder(of path: String) -> String? {
    var status = stat()
    guard lstat(path, &status) == 0, let text = try? contents(of: "/proc/locks", atMost: 1 << 20) else { return nil }
    // makedev(3) spread over the number.
    let (major, minor) = (status.st_dev >> 8 & 0xFFF, status.st_dev & 0xFF | status.st_dev >> 12 & 0xFFF00)
    let device = "\(zeroPadded(major, to: 2, radix: 16)):\(zeroPadded(minor, to: 2, radix: 16))"
    for line in text.split(separator: UInt8(ascii: "\n")) {
      // `1: FLOCK  ADVISORY  WRITE 708 00:2d:14245 0 EOF`; a line of one that waits has an arrow behind its number.
      let fields = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard fields.count > 5, fields[1] == "FLOCK", let pid = pid_t(fields[4]), pid > 0,
        fields[5] == "\(device):\(status.st_ino)"
      else { continue }
      let name = ProcessTable.nameOfLiving(pid)
      return "process \(pid)" + (name.map { " (\($0))" } ?? "")
    }
    return nil
  }
}
