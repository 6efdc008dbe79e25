import Glibc
import LinuxIO

extension SpawnError {
  /// How the start of this command would fail, as far as files tell that by now; nil if they do not. Nothing is started. What
  /// another user may do is not looked at.
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
    return obstacles.contains(nil) ? nil : failure(.execute, EACCES)
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
