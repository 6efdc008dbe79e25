import CLinux
import Glibc

/// The few operations on small files and folders that control groups are made of. A protocol, so that tests can put a
/// model of the kernel's rules in the place of the kernel.
public protocol FileTree: Sendable {
  /// All that a small file holds.
  func text(of path: String) throws(SystemError) -> String
  /// Gives a text to a file that exists, in one write.
  func write(_ text: String, to path: String) throws(SystemError)
  /// A descriptor of a file that exists, for writing; close-on-exec.
  func openForWriting(_ path: String) throws(SystemError) -> FileDescriptor
  /// Makes a folder; its parent must exist.
  func makeFolder(_ path: String) throws(SystemError)
  /// Removes a folder; in a control group's, the files in it do not count.
  func removeFolder(_ path: String) throws(SystemError)
  /// The names of the folders in a folder, sorted; none if it cannot be read.
  func folders(in path: String) -> [String]
  /// Whether the file or folder exists and we may write to it.
  func isWritable(_ path: String) -> Bool
}

/// The files of this machine.
public struct RealFileTree: FileTree {
  /// The most bytes that are read of a file: those that are meant are far smaller.
  private static let mostBytes = 1 << 22

  /// The one there is.
  public init() {}

  /// All of it, up to 4 MiB.
  public func text(of path: String) throws(SystemError) -> String {
    String(decoding: try contents(of: path, atMost: Self.mostBytes), as: UTF8.self)
  }

  /// Neither makes nor truncates the file.
  public func write(_ text: String, to path: String) throws(SystemError) {
    let file = try openForWriting(path)
    var text = text
    switch text.withUTF8({ writeOnce(file.rawValue, UnsafeRawBufferPointer($0)) }) {
    case .bytes: return
    case .wouldBlock: throw SystemError("write \(path)", EAGAIN)
    case .closed: throw SystemError("write \(path)", EPIPE)
    case .failed(let error): throw SystemError("write \(path)", error.code)
    }
  }

  /// Open for writing only.
  public func openForWriting(_ path: String) throws(SystemError) -> FileDescriptor {
    try FileDescriptor.open(path, flags: O_WRONLY)
  }

  /// With mode 0755, less the umask.
  public func makeFolder(_ path: String) throws(SystemError) {
    if mkdir(path, 0o755) < 0 { throw SystemError("mkdir \(path)") }
  }

  /// By rmdir(2).
  public func removeFolder(_ path: String) throws(SystemError) {
    if rmdir(path) < 0 { throw SystemError("rmdir \(path)") }
  }

  /// Without those whose name begins with a dot.
  public func folders(in path: String) -> [String] {
    var found: [String] = []
    forEachName(in: path) { name, isFolder in
      if isFolder, !name.hasPrefix(".") { found.append(name) }
    }
    return found.sorted()
  }

  /// By access(2): as our real user.
  public func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }
}

/// The beginning of a file, up to `limit` bytes, to the end of the file if that comes first. A file that changes is
/// seen as it was at one moment if it has less than `firstRead` bytes.
func contents(of path: String, atMost limit: Int, firstRead: Int = 4096) throws(SystemError) -> [UInt8] {
  try contents(of: FileDescriptor.open(path, flags: O_RDONLY), at: path, atMost: limit, firstRead: firstRead)
}

/// The same of a regular file; nil if it is none. A FIFO or a device could keep us waiting, and a second look at it
/// would not see what the first one saw.
public func contents(ofRegularFile path: String, atMost limit: Int) throws(SystemError) -> [UInt8]? {
  // Without O_NONBLOCK a FIFO would be waited for here already.
  let file = try FileDescriptor.open(path, flags: O_RDONLY | O_NONBLOCK)
  var status = stat()
  if fstat(file.rawValue, &status) != 0 { throw SystemError("stat \(path)") }
  guard status.st_mode & S_IFMT == S_IFREG else { return nil }
  return try contents(of: file, at: path, atMost: limit, firstRead: 65536)
}

private func contents(
  of file: borrowing FileDescriptor, at path: String, atMost limit: Int, firstRead: Int
) throws(SystemError) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: min(limit, firstRead))
  var filled = 0
  while filled < limit {
    if filled == bytes.count { bytes.append(contentsOf: repeatElement(0, count: min(filled, limit - filled))) }
    let result = bytes.withUnsafeMutableBytes {
      readOnce(file.rawValue, UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
    }
    switch result {
    case .bytes(let count): filled += count
    case .endOfFile: return Array(bytes[..<filled])
    case .wouldBlock: throw SystemError("read \(path)", EAGAIN)
    case .failed(let error): throw SystemError("read \(path)", error.code)
    }
  }
  return bytes
}

/// Goes through what a folder holds, dot names included; nothing if it cannot be read.
public func forEachName(in path: String, _ body: (_ name: String, _ isFolder: Bool) -> Void) {
  guard let folder = opendir(path) else { return }
  defer { closedir(folder) }
  while let entry = readdir(folder) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    body(name, entry.pointee.d_type == DT_DIR)
  }
}
