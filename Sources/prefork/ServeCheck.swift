import CommandLineKit
import ConfigurationFile
import Glibc
import JobServer
import LinuxIO
import Text
import WorkerProcess

/// `--check-config`: says on stderr what is wrong, or, unless it is to be quiet, that nothing is; starts nothing.
func checkConfiguration(of arguments: ParsedArguments) throws(ServeFailure) -> Int32 {
  let configuration = try serveConfiguration(from: arguments, foreseeing: true)
  if configuration.verbosity >= .normal {
    let count = configuration.pools.count
    printError(
      "prefork: \(arguments[ServeOptions.config] ?? "the command line") is ok: \(plural(count, "pool"))\n")
  }
  return ExitCode.ok.rawValue
}

/// What files tell by now of what is bound to fail: worker programs that are not there, sockets in folders that are not there.
func foresee(_ configuration: ServeConfiguration, _ settings: ServeSettings, into mistakes: inout MistakeList) {
  for (pool, said) in zip(configuration.pools, settings.pools) {
    if let error = SpawnError.foreseen(pool.pool.command, pool.pool.surroundings) {
      mistakes.add(at: said.place, "\(error)" + (error.hint.map { "; \($0)" } ?? ""))
    }
    for case .unix(let path) in pool.listens {
      if let problem = folderProblem(of: path) { mistakes.add(at: said.placeOfListen, problem) }
    }
  }
  if case .unix(let path)? = configuration.control, let problem = folderProblem(of: path) {
    mistakes.add(at: settings.process.place(of: ServeOptions.control), problem)
  }
}

private func folderProblem(of path: String) -> String? {
  let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  var status = stat()
  let address = SocketAddress.unix(path: path)
  if stat(folder, &status) != 0 {
    return "cannot listen on \(address): the folder \(folder): \(String(cString: strerror(errno)))"
  }
  return status.st_mode & S_IFMT == S_IFDIR ? nil : "cannot listen on \(address): \(folder) is no folder"
}

extension PoolSettings {
  /// Where the file says, last, where it listens; else where the pool stands.
  var placeOfListen: FilePlace? { arguments.place(of: ServeOptions.listen) ?? place }
}
