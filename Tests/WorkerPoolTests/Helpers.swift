import Glibc
import Synchronization
import Testing
import WorkerPool

/// Workers in one line of shell.
enum Shell {
  static let echo = #"while read -r job; do echo "<$job>"; done"#
  static let echoOrDie =
    #"while read -r job; do [ $job = die ] && { echo cannot go on >&2; exit 7; }; echo "<$job>"; done"#
  static let echoOrSleep = #"while read -r job; do [ $job = sleep ] && sleep 1000; echo "<$job>"; done"#
  /// Answers the first job when the file that it names is there; counts its jobs.
  static let waitForFile =
    #"read -r file; until [ -e $file ]; do sleep 0.01; done; echo "1 $file"; n=2; "#
    + #"while read -r job; do echo "$n $job"; n=$((n + 1)); done"#
}

/// What several tasks have got.
final class Order: Sendable {
  private let all = Mutex<[String]>([])
  func append(_ text: String) { all.withLock { $0.append(text) } }
  var sorted: [String] { all.withLock { $0.sorted() } }
}

extension WorkerPool {
  /// Waits until the pool is in this state; fails the test if it takes minutes.
  func waitUntil(_ condition: (Status) -> Bool) async throws {
    try await within120Seconds { condition(try await self.status()) }
  }
}

/// Asks again and again.
func within120Seconds(_ condition: () async throws -> Bool) async throws {
  for _ in 0..<12_000 {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(10))
  }
  Issue.record("it did not come about within 120 seconds")
}

/// Whether a process of this number lives and is no zombie.
func lives(_ pid: CInt) -> Bool { kill(pid, 0) == 0 }
