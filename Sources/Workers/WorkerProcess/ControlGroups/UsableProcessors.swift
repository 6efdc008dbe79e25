import LinuxIO

/// The CPUs that this process may use: no more than its affinity names, and no more than the CPU time that the quotas
/// of its control groups allow.
public enum UsableProcessors {
  /// How many they are, read once: at least 1. A quota of one and a half CPUs counts as 2.
  public static let count = count(in: RealFileTree(), affinity: affinityCount())

  /// The same, from the texts in `files`. What cannot be read limits nothing.
  static func count(in files: some FileTree, affinity: Int) -> Int {
    guard let mountinfo = try? files.text(of: "/proc/self/mountinfo"),
      let membership = (try? files.text(of: "/proc/self/cgroup")).map(GroupMembership.init)
    else { return max(1, affinity) }
    let mounts = GroupMounts(mountinfo: mountinfo)
    var least = affinity
    for (group, mount) in hierarchies(membership, mounts) {
      for folder in mount.foldersUpwards(from: group) {
        if let limit = quota(of: folder, files) { least = min(least, limit) }
      }
    }
    return max(1, least)
  }

  /// Our group in each hierarchy that can limit CPU time, with each place where that is mounted: one may show more of
  /// the groups above ours than another.
  private static func hierarchies(
    _ membership: GroupMembership, _ mounts: GroupMounts
  ) -> [(group: String, mount: GroupMounts.Mount)] {
    var found: [(String, GroupMounts.Mount)] = []
    if let group = membership.unified { found += mounts.unified.map { (group, $0) } }
    if let group = membership.legacy["cpu"] {
      found += mounts.legacy.filter { $0.controllers.contains("cpu") }.map { (group, $0.mount) }
    }
    return found
  }

  /// The limit that is set at one group, in CPUs, rounded up; nil if none is. A file of the other version does not
  /// exist.
  private static func quota(of folder: String, _ files: some FileTree) -> Int? {
    if let text = try? files.text(of: "\(folder)/cpu.max") { return processors(inCpuMax: text) }
    guard let quota = try? files.text(of: "\(folder)/cpu.cfs_quota_us"),
      let period = try? files.text(of: "\(folder)/cpu.cfs_period_us")
    else { return nil }
    return processors(quota: firstWord(quota), period: firstWord(period))
  }

  /// The text of cpu.max, such as `150000 100000` or `max 100000` (cgroup-v2.rst), in CPUs.
  static func processors(inCpuMax text: String) -> Int? {
    let words = text.split { $0 == " " || $0 == "\n" }
    guard words.count == 2 else { return nil }
    return processors(quota: words[0], period: words[1])
  }

  /// Microseconds of CPU time per period, which is in microseconds, too; without a limit the quota is `max`, in
  /// version 1 -1.
  static func processors(quota: Substring, period: Substring) -> Int? {
    guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else { return nil }
    return quota / period + (quota % period > 0 ? 1 : 0)
  }

  private static func firstWord(_ text: String) -> Substring { text.prefix { $0 != "\n" && $0 != " " } }
}
