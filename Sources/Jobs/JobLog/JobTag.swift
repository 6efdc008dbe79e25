/// What leads each line of a job's output: the job, so that no line needs to be counted.
public enum JobTag {
  /// Longest part of a job that stands in a tag, in bytes.
  public static let longestJob = 4096

  /// Appends the tag: the job, escaped as in the joblog, so that it is one column of one line, and a tab.
  public static func append(job: RawSpan, to bytes: inout [UInt8]) {
    appendEscaped(job, limit: longestJob, to: &bytes)
    bytes.append(UInt8(ascii: "\t"))
  }
}
