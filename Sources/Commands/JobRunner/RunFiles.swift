import JobEngine
import JobLog
import LinuxIO

/// The files of a run, opened before anything is started: a run that could not write what it was asked to write must
/// not begin.
struct RunFiles: ~Copyable {
  var resume = ResumeIndex()
  var jobLog: JobLogFile?
  var deadLetters: AppendedFile?
  var results: WholeFolders?
  var workerLog: WorkerLog?
  var report: ReplacedFile?
  var trace: AppendedFile?

  init(_ configuration: RunConfiguration, workerErrors: WorkerErrors) throws(UnusableFile) {
    if let path = configuration.jobLog {
      jobLog = try JobLogFile(
        path: path, resumes: configuration.resumes, showsUsage: configuration.logsUsage, into: &resume)
    }
    var option = "--dead-letter"
    do throws(SystemError) {
      if let path = configuration.deadLetters { deadLetters = try AppendedFile(path: path) }
      option = "--results"
      if let path = configuration.results { results = try WholeFolders(path: path) }
      option = "--stderr"
      if case .file(let path) = workerErrors { workerLog = try WorkerLog(path: path) }
      option = "--report"
      if let path = configuration.report { report = try ReplacedFile(path: path) }
      option = "--trace"
      // Last, as it forgets what was there: a run that does not begin must not cost an earlier one its trace.
      if let path = configuration.trace { trace = try AppendedFile(creating: path) }
    } catch {
      throw UnusableFile("\(option): \(error)")
    }
  }

  /// What is wrong with one file for two purposes; nil if each has its own. stdin and stdout count if they are files,
  /// and so does stderr, which may well go to the same file as the workers'.
  static func conflict(in configuration: RunConfiguration, workerErrors: WorkerErrors) -> String? {
    var named: [(name: String, path: String)] = []
    if let path = configuration.jobLog { named.append(("--joblog", path)) }
    if let path = configuration.deadLetters { named.append(("--dead-letter", path)) }
    if let path = configuration.trace { named.append(("--trace", path)) }
    if let path = configuration.report { named.append(("--report", path)) }
    var uses: [FileIdentity: (name: String, path: String)] = [:]
    for (name, number) in [("stdin", 0 as CInt), ("stdout", 1)] {
      guard let file = FileIdentity(descriptor: number) else { continue }
      if let other = uses.updateValue((name, ""), forKey: file) { return "\(other.name) and \(name) are the same file" }
    }
    if case .file(let path) = workerErrors { named.append(("--stderr", path)) }
    for use in named {
      guard let file = FileIdentity(path: use.path) else { continue }
      if let other = uses.updateValue(use, forKey: file) { return conflict(other, use) }
    }
    guard let file = FileIdentity(descriptor: 2), let other = uses[file], !["stdout", "--stderr"].contains(other.name)
    else { return nil }
    return conflict(other, ("stderr", ""))
  }

  private static func conflict(_ one: (name: String, path: String), _ other: (name: String, path: String)) -> String {
    func name(_ use: (name: String, path: String)) -> String { use.path.isEmpty ? use.name : "\(use.name) \(use.path)" }
    return "\(name(one)) and \(name(other)) are the same file: each needs one of its own"
  }
}
