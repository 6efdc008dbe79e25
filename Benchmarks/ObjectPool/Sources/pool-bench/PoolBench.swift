import Glibc

/// Acquires and releases in a loop, and prints the nanoseconds per pair as one line of JSON. object_pool.py compares.
@main
struct PoolBench {
  static func main() async {
    let (kind, setting) = arguments()
    let things = (0..<8).map { _ in Thing() }
    do {
      let seconds = try await setting.time(kind, things)
      let pairs = setting.share * setting.users
      guard kind == .none || things.reduce(0, { $0 + $1.uses }) == pairs else { fail("an object was with two at once") }
      print("{\"ns\": \(seconds * 1e9 / Double(pairs)), \"pairs\": \(pairs)}")
    } catch {
      fail("\(error)")
    }
  }

  private static func arguments() -> (Kind, Setting) {
    var rest = CommandLine.arguments.dropFirst()
    func next<Value>(else value: Value, _ read: (String) -> Value?) -> Value {
      guard let text = rest.popFirst() else { return value }
      guard let value = read(text) else { usage() }
      return value
    }
    guard let kind = next(else: nil, { Kind(rawValue: $0) }) else { usage() }
    var setting = Setting()
    setting.users = next(else: setting.users) { Int($0) }
    setting.pairs = next(else: setting.pairs) { Int($0) }
    setting.hold = next(else: setting.hold) { Hold(rawValue: $0) }
    setting.policy = next(else: setting.policy) { Policy(rawValue: $0) }
    guard rest.isEmpty, setting.users >= 1, setting.pairs >= setting.users else { usage() }
    return (kind, setting)
  }

  private static func usage() -> Never {
    func names<Choice: RawRepresentable<String> & CaseIterable>(_: Choice.Type) -> String {
      Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }
    fail(
      """
      usage: pool-bench KIND [USERS [PAIRS [HOLD [POLICY]]]]
        KIND    \(names(Kind.self))
        USERS   threads or tasks, at least 1, who share 8 objects
        PAIRS   of acquire and release, of all together, at least USERS
        HOLD    \(names(Hold.self))
        POLICY  of the pools: \(names(Policy.self))
      """, status: 2)
  }
}

/// Ends the program.
func fail(_ words: String, status: Int32 = 1) -> Never {
  let line = Array("pool-bench: \(words)\n".utf8)
  _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(status)
}
