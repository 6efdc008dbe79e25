import Glibc

/// Which regular file a path or a descriptor stands for, whatever its name: two links to one file are the same.
/// Anything else has no identity: devices, pipes and FIFOs may be written by several on purpose.
public enum FileIdentity: Hashable, Sendable {
  /// A file that exists.
  case file(device: UInt64, inode: UInt64)
  /// One that is yet to be created, by its folder and its name there.
  case new(device: UInt64, folder: UInt64, name: String)

  /// The file at a path, which need not exist; nil for anything but a regular file, and where even its folder cannot
  /// be seen.
  public init?(path: String) {
    var path = path
    for _ in 0..<8 {
      var status = stat()
      if stat(path, &status) == 0 {
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        self = .file(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        return
      }
      let (folder, name) = parts(of: path)
      // A link to what does not exist yet: a file will be created at its other end.
      if let target = linkTarget(of: path) {
        path = target.hasPrefix("/") ? target : "\(folder)/\(target)"
        continue
      }
      guard stat(folder, &status) == 0 else { return nil }
      self = .new(device: UInt64(status.st_dev), folder: UInt64(status.st_ino), name: name)
      return
    }
    return nil
  }

  /// The regular file behind a descriptor; nil if it is anything else.
  public init?(descriptor: CInt) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self = .file(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }
}

private func parts(of path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
}

private func linkTarget(of path: String) -> String? {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let count = readlink(path, &buffer, buffer.count)
  return count > 0 ? String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
}
