import TestSupport
import Time

@testable import Chronicle

let second: Nanoseconds = 1_000_000_000

/// A run in virtual time: what it is told of, and what its line says.
struct Story {
  var progress: Progress
  var meter = ProgressMeter()
  var now: Instant = 0

  init(_ input: Progress.Input, taken: UInt64 = 0, slots: Int = 8) {
    progress = Progress(
      input: input, taken: taken, settled: 0, notOK: 0, busy: slots, serving: slots, slots: slots)
  }

  /// So many seconds later so many more jobs are settled.
  mutating func after(_ seconds: Double, settled jobs: UInt64 = 0) {
    now += Nanoseconds(truncating: seconds * 1e9)
    progress.settled += jobs
    meter.take(progress, at: now)
  }

  /// As many jobs a second, for so many seconds.
  mutating func runs(_ jobs: UInt64, perSecondFor seconds: Int) {
    for _ in 0..<seconds { after(1, settled: jobs) }
  }

  func line(_ columns: Int, color: Bool = false, unicode: Bool = false) -> String {
    progressLine(
      progress, meter, at: now, columns: columns, style: TerminalStyle(hasColor: color, hasUnicode: unicode))
  }
}

/// Cells of a line: what is left of it without colours.
func cells(_ line: String) -> Int {
  var count = 0
  var isSequence = false
  for scalar in line.unicodeScalars {
    if scalar == "\u{1B}" {
      isSequence = true
    } else if isSequence {
      isSequence = scalar != "m"
    } else {
      count += 1
    }
  }
  return count
}
