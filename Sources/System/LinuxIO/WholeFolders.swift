import Glibc

/// Folders that each appear as a whole, with all the files in them, in one folder.
public struct WholeFolders: Sendable {
  /// The folder that holds them.
  public let path: String

  /// Makes the folder, if it is not there; its parent must be.
  public init(path: String) throws(SystemError) {
    self.path = path
    if mkdir(path, 0o777) != 0, errno != EEXIST { throw SystemError("mkdir \(path)") }
    // Also finds out whether it is one, and whether we may write to it.
    let trial = "\(path)/.trial-\(getpid())"
    if mkdir(trial, 0o777) != 0 { throw SystemError("mkdir \(trial)") }
    rmdir(trial)
  }

  /// Makes the folder `name` with these files. One of that name that is there already is replaced, unless it is no
  /// folder or holds files of other names (ENOTEMPTY). After an error there is the old one or none.
  public func add(_ name: String, _ files: [(name: String, bytes: UnsafeRawBufferPointer)]) throws(SystemError) {
    let (new, final, old) = ("\(path)/.new-\(name)", "\(path)/\(name)", "\(path)/.old-\(name)")
    do throws(SystemError) {
      if mkdir(new, 0o777) != 0 {
        // A run that was killed may have left it.
        remove(new)
        if mkdir(new, 0o777) != 0 { throw SystemError("mkdir \(new)") }
      }
      for file in files { try write(file.bytes, to: "\(new)/\(file.name)") }
      if rename(new, final) == 0 { return }
      guard errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR else { throw SystemError("rename \(new)") }
      var isOurs = errno != ENOTDIR
      forEachName(in: final) { name, _ in
        if name != ".", name != "..", !files.contains(where: { $0.name == name }) { isOurs = false }
      }
      guard isOurs else { throw SystemError("\(final) holds something else", ENOTEMPTY) }
      remove(old)
      if rename(final, old) != 0 { throw SystemError("rename \(final)") }
      if rename(new, final) != 0 { throw SystemError("rename \(new)") }
      remove(old)
    } catch {
      remove(new)
      throw error
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(SystemError) {
    let file = try FileDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL)
    var written = 0
    while written < bytes.count {
      switch writeOnce(file.rawValue, UnsafeRawBufferPointer(rebasing: bytes[written...])) {
      case .bytes(let count): written += count
      case .failed(let error): throw SystemError("write \(path)", error.code)
      case .wouldBlock, .closed: throw SystemError("write \(path)", EPIPE)
      }
    }
  }

  /// Removes a folder of files, or a file.
  private func remove(_ path: String) {
    forEachName(in: path) { name, _ in unlink("\(path)/\(name)") }
    if rmdir(path) != 0, errno == ENOTDIR { unlink(path) }
  }
}
