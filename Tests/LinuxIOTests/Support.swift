import Glibc
import LinuxIO
import TestSupport
import Testing

extension ByteQueue {
  /// A copy of what waits.
  var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
  var text: String { String(decoding: bytes, as: UTF8.self) }

  mutating func append(_ text: String) { append(Array(text.utf8)) }
  mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }
}

/// A queue that already holds something.
func queue(holding text: String) -> ByteQueue {
  var queue = ByteQueue()
  queue.append(text)
  return queue
}

/// Writes all of it to a blocking descriptor.
func put(_ text: String, into fd: CInt) {
  #expect(write(fd, text, text.utf8.count) == text.utf8.count)
}

/// What one read gives.
func take(from fd: CInt, _ most: Int = 4096) -> String {
  var buffer = [UInt8](repeating: 0, count: most)
  let count = read(fd, &buffer, most)
  return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
}

func isNonBlocking(_ fd: CInt) -> Bool { fcntl(fd, F_GETFL) & O_NONBLOCK != 0 }

/// Whether exec would close this descriptor; nil when it is not open.
func closesOnExec(_ fd: CInt) -> Bool? {
  let flags = fcntl(fd, F_GETFD)
  return flags < 0 ? nil : flags & FD_CLOEXEC != 0
}

/// A new file that has no name any more.
func scratchFile(_ text: String) throws -> FileDescriptor {
  let (descriptor, path) = makeTemporaryFile()
  try #require(descriptor >= 0)
  let file = FileDescriptor(owning: descriptor)
  unlink(path)
  put(text, into: file.rawValue)
  lseek(file.rawValue, 0, SEEK_SET)
  return file
}

/// Two connected stream sockets, or the two sides of a pseudo-terminal.
struct Pair: ~Copyable {
  let ours: FileDescriptor
  let theirs: FileDescriptor

  static func sockets() throws -> Pair {
    var ends: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    return Pair(ours: FileDescriptor(owning: ends[0]), theirs: FileDescriptor(owning: ends[1]))
  }

  /// `ours` is the terminal that a program would have as its stdin, `theirs` the side of the person.
  static func terminal() throws -> Pair {
    let master = try FileDescriptor.open("/dev/ptmx", flags: O_RDWR)
    // <asm-generic/ioctls.h>: TIOCSPTLCK and TIOCGPTN.
    var isLocked: CInt = 0
    var number: CUnsignedInt = 0
    try #require(ioctl(master.rawValue, 0x4004_5431, &isLocked) == 0)
    try #require(ioctl(master.rawValue, 0x8004_5430, &number) == 0)
    return Pair(ours: try FileDescriptor.open("/dev/pts/\(number)", flags: O_RDWR), theirs: master)
  }
}
