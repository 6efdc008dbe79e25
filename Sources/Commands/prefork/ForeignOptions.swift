import CommandLineKit
import Text

/// Options and placeholders of xargs and GNU parallel, and how the same is done here.
enum ForeignOptions {
  private static let notPlaced =
    "jobs are not placed into arguments: each worker reads them from its stdin, one after the other, and answers each "
    + "with a line; see `prefork help`"

  /// Options that concern workers.
  static let workers = [
    ForeignOption(["-j", "--jobs", "-P", "--max-procs"], "`-w N` sets how many workers run at the same time")
  ]

  /// The same, where the workers are a server's.
  static let submitting = [
    ForeignOption(
      ["-j", "--jobs", "-P", "--max-procs", "-w", "--workers"],
      "the server has the workers: `prefork serve -w N`, or `prefork scale ADDRESS N`")
  ]

  /// Options that concern jobs and results.
  static let streams = [
    ForeignOption(
      [
        "-n", "-N", "--max-args", "-L", "-l", "--max-lines", "-X", "-m", "--xargs", "-s", "--max-chars", "-x", "--exit",
      ], notPlaced),
    ForeignOption(["-I", "-i", "-J", "-U", "--replace"], notPlaced),
    ForeignOption(
      ["-0", "--null"],
      "`--input nul` reads jobs that end with a NUL byte, as `find -print0` writes them; if a job can hold a newline, "
        + "workers need `--protocol nul`, too"),
    ForeignOption(
      ["-d", "--delimiter", "-E", "--recend", "--recstart"],
      "a job ends with a newline, or with a NUL byte (`--input nul`); for other ends: `tr ',' '\\n' | prefork ...`"),
    ForeignOption(["-a", "--arg-file"], "jobs are read from stdin: `< FILE`"),
    ForeignOption(
      ["--pipe", "--spreadstdin", "--pipepart", "--pipe-part", "--block", "--round-robin", "--roundrobin"],
      "jobs are always written to the stdin of the workers, and each line is a job of its own: leave it out"),
    ForeignOption(["-C", "--colsep"], "a job is a whole line: the worker splits it into columns"),
    ForeignOption(
      ["-u", "--ungroup", "--lb", "--line-buffer", "--linebuffer", "--group"],
      "results are whole; `--unordered` writes them as soon as they are there"),
    ForeignOption(["--bar", "--eta"], "`--progress always` shows how far it is"),
    ForeignOption(["--dry-run", "--dryrun"], "`prefork check -- WORKER` tries a worker out"),
    ForeignOption(["--no-run-if-empty"], "without input no job is run: leave it out"),
  ]

  /// What parallel puts a job into.
  private static let places: Set<String> = ["{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "{%}"]
  /// What stands before parallel's jobs on its command line.
  private static let sources: Set<String> = [":::", ":::+", "::::", "::::+"]

  /// The hint for words of the worker's own command line that another program would replace; nil if there are none.
  static func advice(forWorker words: [String]) -> String? {
    guard let program = words.first, program.split(separator: "/").last != "parallel" else { return nil }
    let arguments = words.dropFirst()
    if let source = arguments.first(where: sources.contains) {
      return
        "\(source) means nothing here; jobs are the lines of stdin: "
        + "`printf '%s\\n' A B | prefork run -- \(wordText(program))`"
    }
    guard let place = arguments.first(where: isPlace) else { return nil }
    return
      "\(wordText(place)) is not replaced by a job: the worker reads jobs from its stdin, one line each. If it takes "
      + "them as arguments: -- sh -c 'while IFS= read -r job; do \(wordText(program)) \"$job\"; done'"
  }

  /// A whole word, or a path with such a place in it: `out/{}.png`, but not the braces of a program text.
  private static func isPlace(_ word: String) -> Bool {
    if places.contains(word) { return true }
    return word.cut(at: "{}") != nil
      && word.allSatisfy { $0.isLetter || $0.isNumber || "{}._-/%@+".contains($0) }
  }
}
