import Text
import WireFormats
import WorkerPoolDriver
import WorkerProcess
import WorkerProtocols

/// How to mend what is wrong, in lines for people.
enum Remedy {
  /// For a worker whose replies come in blocks.
  static func flush(_ pool: WorkerPoolConfiguration) -> [String] {
    OutputBuffering.fitting(pool.command, pool.surroundings).map { language in
      let name = "\(language.rawValue):"
      return name + String(repeating: " ", count: max(1, 9 - name.count)) + language.remedy
    }
  }

  static let readOn = "a worker reads jobs, one after the other, until its stdin ends"

  static let oldServer =
    "it did not survive server/discover; the next one, which was sent initialize, listed its tools. prefork run does the "
    + "same, at the cost of one failed start"

  static let endOfInput = "let it leave when its stdin ends (read returns nothing): that means that no job will come"

  /// For a worker that writes something before it is asked.
  static func greeting(_ readiness: Readiness) -> String {
    if case .line = readiness { return "--ready line=TEXT: TEXT is how the last line of its greeting begins" }
    return
      "--ready line takes its first line as the sign that it is ready; --ready line=TEXT the first that begins with "
      + "TEXT"
  }

  static let stray = "what is no reply belongs on stderr: print(..., file=sys.stderr), fprintf(stderr, ...)"

  static let wrapper = "or wrap it in a script that joins what belongs to one job"

  /// The job that was sent may be one that makes no sense.
  static func realJob(_ job: [UInt8]) -> String {
    "is \(job.withUnsafeBytes { quoted($0) }) a job that it understands? Send a real one: --job TEXT"
  }

  static func protocolInUse(_ workerProtocol: any WorkerProtocol) -> String {
    let framings = Framing.allCases.map(\.rawValue).joined(separator: ", ")
    return "jobs and replies use \(workerProtocol.option): does the worker speak it? Others are \(framings), jsonrpc, "
      + "mcp, bazel-json and bazel-proto, and --repl and --end for a program at a prompt"
  }
}
