import Glibc

/// How many bytes stand behind the last `delimiter` of a regular file: 0 if it is empty or ends with one. Nil where
/// that is unknown, as of what is no regular file or may not be read.
///
/// What a full disk or a kill has torn is such a rest; whatever is appended to it as it is becomes part of it.
public func unendedBytes(of descriptor: CInt, delimiter: UInt8) -> Int? {
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  if status.st_size == 0 { return 0 }
  // What we write to, we need not be able to read.
  guard let file = try? FileDescriptor.open("/proc/self/fd/\(descriptor)", flags: O_RDONLY) else { return nil }
  let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
  defer { block.deallocate() }
  let size = Int(status.st_size)
  var end = size
  // The first look is at the last byte alone, which is nearly always the delimiter.
  var length = 1
  while end > 0 {
    let start = max(0, end - length)
    guard pread(file.rawValue, block.baseAddress, end - start, start) == end - start else { return nil }
    if let last = block[..<(end - start)].lastIndex(of: delimiter) { return size - (start + last + 1) }
    end = start
    length = block.count
  }
  return size
}

extension InheritedOutput {
  /// The same of an output that is appended to (`>>`); 0 for any other.
  public func unendedBytes(delimiter: UInt8) -> Int {
    guard kind == .file, fcntl(descriptor, F_GETFL) & O_APPEND != 0 else { return 0 }
    return LinuxIO.unendedBytes(of: descriptor, delimiter: delimiter) ?? 0
  }
}
