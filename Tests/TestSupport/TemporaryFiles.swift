import Glibc

/// A new empty file, open for reading and writing, and its path. Whoever asks removes it. -1 with errno if it cannot be
/// made.
public func makeTemporaryFile() -> (descriptor: CInt, path: String) {
  var template = temporaryTemplate()
  let descriptor = mkstemp(&template)
  return (descriptor, text(of: template))
}

/// The path of a new empty folder, which whoever asks removes; nil with errno if it cannot be made.
public func makeTemporaryFolder() -> String? {
  var template = temporaryTemplate()
  return mkdtemp(&template) == nil ? nil : text(of: template)
}

/// The names in a folder, sorted; none if it cannot be read.
public func names(in folder: String) -> [String] {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// The last six letters are what mkstemp(3) and mkdtemp(3) replace.
private func temporaryTemplate() -> [CChar] {
  Array(("/tmp/prefork-test-" + String(repeating: "X", count: 6)).utf8CString)
}

private func text(of path: [CChar]) -> String {
  String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}
