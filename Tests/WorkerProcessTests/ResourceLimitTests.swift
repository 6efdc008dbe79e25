import LinuxIO
import TestSupport
import Testing
import Time
import WorkerProcess

/// Limits as they are typed.
@Suite struct ResourceLimitTests {
  @Test(
    "a name in any case, with or without RLIMIT_, and one value or two",
    arguments: [
      ("nofile=1024", ResourceLimit(.nofile, soft: 1024, hard: 1024)),
      ("NOFILE=10:20", ResourceLimit(.nofile, soft: 10, hard: 20)),
      ("RLIMIT_CPU=5:unlimited", ResourceLimit(.cpu, soft: 5, hard: ResourceLimit.unlimited)),
      ("rlimit_as=2G", ResourceLimit(.as, soft: 2 << 30, hard: 2 << 30)),
      ("core=0", ResourceLimit(.core, soft: 0, hard: 0)),
      ("stack=8M:Unlimited", ResourceLimit(.stack, soft: 8 << 20, hard: ResourceLimit.unlimited)),
      ("memlock=64k:1t", ResourceLimit(.memlock, soft: 64 << 10, hard: 1 << 40)),
      ("rttime=18446744073709551614", ResourceLimit(.rttime, soft: .max - 1, hard: .max - 1)),
    ])
  func good(text: String, limit: ResourceLimit) throws {
    #expect(try ResourceLimit.parse(text) == limit)
  }

  @Test(
    "what is wrong is said, with what would be right",
    arguments: [
      ("nofile", "has no value", "NAME=VALUE or NAME=SOFT:HARD"),
      ("", "has no value", "NAME=VALUE or NAME=SOFT:HARD"),
      ("files=3", "names no resource", "one of as, core, cpu, data, fsize, locks, memlock, msgqueue, "),
      ("nofile=", "has a value that is not valid", "'unlimited' or a whole number"),
      ("nofile=-1", "has a value that is not valid", "'unlimited' or a whole number"),
      ("nofile=4K", "has a value that is not valid", "'unlimited' or a whole number"),
      ("cpu=5s", "has a value that is not valid", "'unlimited' or a whole number of seconds"),
      ("as=1.5G", "has a value that is not valid", "'unlimited' or a size in bytes"),
      ("as=2GB", "has a value that is not valid", "'unlimited' or a size in bytes"),
      ("as=99999999T", "has a value that is not valid", "'unlimited' or a size in bytes"),
      ("rttime=18446744073709551615", "has a value that is not valid", "'unlimited' or a whole number of micro"),
      ("nofile=1:2:3", "has more than two values", "NAME=VALUE or NAME=SOFT:HARD"),
      ("nofile=3:2", "has a soft limit over its hard limit", "NAME=VALUE or NAME=SOFT:HARD"),
      ("nofile=unlimited:2", "has a soft limit over its hard limit", "NAME=VALUE or NAME=SOFT:HARD"),
    ])
  func bad(text: String, problem: String, wanted: String) {
    let error = #expect(throws: ResourceLimitError.self) { try ResourceLimit.parse(text) }
    #expect(error?.problem == problem)
    #expect(error?.wanted.hasPrefix(wanted) == true, "\(error?.wanted ?? "")")
    #expect(error?.description.hasPrefix("'\(text)' \(problem); wanted is \(wanted)") == true)
  }
}
