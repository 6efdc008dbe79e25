import Glibc
import LinuxIO

extension SpawnError {
  /// How the start of this command would fail, as far as files tell that by now; nil if they do not. Nothing is
  /// started. What another user may do is not looked at.
  public static func foreseen(_ command: WorkerCommand, _ surroundings: WorkerSurroundings) -> SpawnError? {
    func failure(_ step: SpawnFailure.Step, _ code: CInt) -> SpawnError {
      SpawnError(
        program: command.arguments[0], failure: SpawnFailure(step: step, code: code), surroundings: surroundings)
    }
    if let directory = surroundings.directory, let code = obstacle(at: directory, isProgram: false) {
      return failure(.directory, code)
    }
    let execution = failure(.execute, ENOENT)
    let obstacles = execution.candidates.map { obstacle(at: Array($0.utf8), isProgram: true) }
    if command.words[0].isEmpty || obstacles.allSatisfy({ $0 == ENOENT }) { return execution }
    // A file of that name that cannot be executed is passed over, as execvp(3) does, if there is a better one.
    guard let found = obstacles.firstIndex(of: nil) else { return failure(.execute, EACCES) }
    return badFormat(of: execution.candidates[found]).map { failure(.execute, $0) }
  }

  /// How execve(2) would refuse the content of an executable file: a script whose interpreter is missing, or neither
  /// a script nor a binary. What cannot be read is left to execve.
  private static func badFormat(of path: String) -> CInt? {
    guard let head = try? contents(ofRegularFile: path, atMost: 256) else { return nil }
    if head.starts(with: "\u{7F}ELF".utf8) { return nil }
    guard head.starts(with: "#!".utf8) else { return knowsOtherFormats ? nil : ENOEXEC }
    let line = head.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }.drop { $0 == 0x20 || $0 == 0x09 }
    let interpreter = line.prefix { $0 != 0x20 && $0 != 0x09 }
    // A name that is cut off here may be whole for the kernel.
    if interpreter.isEmpty || interpreter.endIndex == head.endIndex { return nil }
    return obstacle(at: Array(interpreter), isProgram: true)
  }

  /// Whether formats besides the kernel's own are registered: binfmt_misc has files besides `register` and `status`.
  private static var knowsOtherFormats: Bool {
    var others = 0
    forEachName(in: "/proc/sys/fs/binfmt_misc") { name, _ in
      if ![".", "..", "register", "status"].contains(name) { others += 1 }
    }
    return others > 0
  }

  private static func obstacle(at path: [UInt8], isProgram: Bool) -> CInt? {
    (path + [0]).withUnsafeBytes { bytes -> CInt? in
      let name = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
      var status = stat()
      guard stat(name, &status) == 0 else { return errno == EACCES ? EACCES : ENOENT }
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      if isDirectory == isProgram { return isProgram ? EACCES : ENOTDIR }
      return access(name, X_OK) == 0 ? nil : EACCES
    }
  }
}
