import CommandLineKit

/// Runs the jobs of stdin through warm workers and returns the exit status.
func runCommand(_ arguments: ParsedArguments) -> Int32 {
  printError("prefork: this build has no pool behind run\nhint: build a later version\n")
  return ExitCode.internalError.rawValue
}
