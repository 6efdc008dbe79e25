/// Takes messages in place of stderr: the journal, or the program that a pool is part of.
public protocol MessageLog: Sendable {
  /// Takes a message of ours.
  func log(_ entry: JournalEntry)
  /// Takes a line of a worker's stderr, without its newline. `name`: what stands before it where lines of several
  /// workers are mixed. `entry` has no message, and names the worker.
  func log(line: [UInt8], named name: String, _ entry: JournalEntry)
}
