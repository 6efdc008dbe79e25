import Glibc
import LinuxIO
import Testing

/// A cgroup of our own, gone at the end if it is empty by then.
struct ScratchCgroup: ~Copyable {
  let name: String
  let path: String

  /// The mount point of cgroup v2, alone or beside v1.
  private static let root = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
    access("\($0)/cgroup.procs", F_OK) == 0 && access("\($0)/cgroup.controllers", F_OK) == 0
  }

  /// Whether one can be made and entered.
  static let isPossible: Bool = {
    guard isRoot, let cgroup = try? ScratchCgroup() else { return false }
    return access("\(cgroup.path)/cgroup.kill", W_OK) == 0
  }()

  init() throws {
    let root = try #require(Self.root)
    let unique = "prefork-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try #require(mkdir("\(root)/\(unique)", 0o755) == 0)
    name = unique
    path = "\(root)/\(unique)"
  }

  deinit { rmdir(path) }

  func openProcs() throws -> FileDescriptor { try FileDescriptor.open("\(path)/cgroup.procs", flags: O_WRONLY) }
}
