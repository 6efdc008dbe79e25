import TestSupport
import Time

@testable import JobLog

/// Text as a joblog's reader and writer want it.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

func keyOfJob(_ job: [UInt8]) -> JobKey { JobKey(ofJob: job.span.bytes) }

func keyNamed(_ name: [UInt8]) -> JobKey { JobKey(name: name.span.bytes) }

/// A job of a story: its bytes, and the key it was given, if any.
struct Job: Hashable {
  var command: [UInt8]
  var name: [UInt8]?

  init(_ command: String, name: String? = nil) {
    self.command = bytes(command)
    self.name = name.map(bytes)
  }

  init(_ command: [UInt8], name: [UInt8]? = nil) {
    self.command = command
    self.name = name
  }

  var key: JobKey { name.map(keyNamed) ?? keyOfJob(command) }

  /// The line that says how it ended.
  func line(_ sequence: UInt64, _ outcome: JobLogOutcome = .ok, usage: JobLogLine.Usage? = nil) -> [UInt8] {
    let line = JobLogLine(
      sequence: sequence, startTime: .origin + .milliseconds(1_795_270_319_025 + sequence), runtime: .milliseconds(12),
      sent: UInt64(command.count),
      received: 7,
      exitValue: 1, signal: 0, slot: 3, attempts: 1, outcome: outcome, key: key, usage: usage)
    var bytes: [UInt8] = []
    line.append(command: command.span.bytes, to: &bytes)
    return bytes
  }
}

func header(withUsage: Bool = false) -> [UInt8] {
  var bytes: [UInt8] = []
  JobLogHeader.append(withUsage: withUsage, to: &bytes)
  return bytes
}

/// A joblog in which these jobs ended like this.
func log(_ jobs: [(Job, JobLogOutcome)]) -> [UInt8] {
  zip(jobs, 1...).reduce(into: header()) { $0 += $1.0.0.line($1.1, $1.0.1) }
}

/// What a joblog says when it is read in blocks of these sizes, again and again.
func read(
  _ file: [UInt8], inBlocksOf sizes: [Int] = [1 << 16]
) throws(JobLogError) -> (index: ResumeIndex, repair: ResumeIndex.Repair) {
  var index = ResumeIndex()
  var (offset, turn) = (0, 0)
  while offset < file.count {
    let size = min(sizes[turn % sizes.count], file.count - offset)
    try index.feed(file.span.bytes.extracting(offset..<offset + size))
    offset += size
    turn += 1
  }
  let repair = try index.finish()
  return (index, repair)
}

/// Which jobs of the input are still to be run.
func jobsLeft(_ input: [Job], after index: consuming ResumeIndex) -> [Job] {
  input.filter { !index.take($0.key) }
}

/// Names and jobs as nobody likes them.
let nastyTexts: [[UInt8]] = [
  [], bytes("plain"), bytes("two words"), bytes("a\tb"), bytes("a\nb"), bytes("a\r\n"), [0], [0, 0, 0],
  bytes("back\\slash"),
  bytes("\\t"), bytes("\\x00"), bytes("\\..."), bytes(":"), bytes("-"), bytes("1\t:\t2"),
  bytes("hash:00112233445566778899aabbccddeeff"),
  bytes("key:x"), [0xFF, 0xFE, 0x80], [0xC3], [0xE2, 0x82], bytes("Grüße 漢字 🦉"),
  bytes("\u{85}\u{9B}31m\u{2028}\u{202E}"), [0x1B, 0x5B, 0x6D],
  [0x7F], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80], bytes("x".padding(1024)),
  bytes("\u{7}".padding(1024)),
]

extension String {
  /// Repeated up to a count of bytes.
  func padding(_ count: Int) -> String { String(repeating: self, count: count) }
}
