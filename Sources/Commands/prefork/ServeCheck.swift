import CommandLineKit
import ConfigurationFile
import Glibc
import JobServer
import LinuxIO
import Text
import WorkerProcess

/// `--check-config`: reports on stderr what is wrong, or, unless it is to be quiet, that nothing is; starts nothing.
func checkConfiguration(of arguments: ParsedArguments) throws(ServeFailure) -> Int32 {
  let configuration = try serveConfiguration(from: arguments, foreseeing: true)
  if configuration.verbosity >= .normal {
    let count = configuration.pools.count
    for warning in warnings(about: configuration) { printError("prefork: warning: \(warning)\n") }
    printError(
      "prefork: \(arguments[ServeOptions.config] ?? "the command line") is ok: \(plural(count, "pool"))\n")
  }
  return ExitCode.ok.rawValue
}

/// What files and names show by now of what is bound to fail: worker programs that are not there, sockets in folders
/// that are not there, hosts that cannot be resolved. Looks only; nothing is opened or made.
func foresee(_ configuration: ServeConfiguration, _ settings: ServeSettings, into mistakes: inout MistakeList) {
  for (pool, said) in zip(configuration.pools, settings.pools) {
    if let error = pool.foreseenStartFailure {
      mistakes.add(at: said.place, "\(error)" + (error.hint.map { "; \($0)" } ?? ""))
    }
  }
  if case .file(let path) = configuration.workerErrors, let problem = folderProblem(of: path) {
    let place = settings.process.place(of: SurroundingsOptions.stderr) ?? settings.pools[0].place
    mistakes.add(at: place, "cannot write \(path): \(problem)")
  }
  SocketForesight(configuration, settings).check(into: &mistakes)
}

/// Why nothing can be made at a path; nil if something can, as far as its folder shows it.
func folderProblem(of path: String) -> String? {
  let folder = folder(of: path)
  var status = stat()
  if stat(folder, &status) != 0 { return "the folder \(folder): \(String(cString: strerror(errno)))" }
  return status.st_mode & S_IFMT == S_IFDIR ? nil : "\(folder) is not a directory"
}

/// The folder in which a path stands.
func folder(of path: String) -> String {
  path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
}

extension PoolSettings {
  /// The place of the last `listen` in the file; without one, the place of the pool.
  var placeOfListen: FilePlace? { arguments.place(of: ServeOptions.listen) ?? place }
}
