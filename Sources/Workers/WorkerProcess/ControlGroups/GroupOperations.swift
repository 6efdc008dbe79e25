import Glibc
import LinuxIO

/// What can be done with any control group, given its folder.
extension FileTree {
  /// A number in a file of `name value` lines, such as memory.events; nil if there is no such line.
  func value(of name: String, in path: String) -> UInt64? {
    guard let text = try? text(of: path) else { return nil }
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == name { return UInt64(words[1]) }
    }
    return nil
  }

  /// The number that is all that a file holds; nil if there is none, as for `max`.
  func number(in path: String) -> UInt64? {
    guard let text = try? text(of: path) else { return nil }
    return UInt64(text.prefix { $0 != "\n" })
  }

  /// Whether a living process is in the group or a group below it. Zombies do not count.
  func isPopulated(_ group: String) -> Bool { value(of: "populated", in: "\(group)/cgroup.events") == 1 }

  /// The processes in the group itself.
  func processes(in group: String) -> [CInt] {
    guard let text = try? text(of: "\(group)/cgroup.procs") else { return [] }
    return text.split(separator: "\n").compactMap { CInt($0) }
  }

  /// Moves this process, with all its threads, to the group.
  func moveOurselves(to group: String) throws(SystemError) {
    // 0 is the one that writes (cgroups(7)).
    try write("0", to: "\(group)/cgroup.procs")
  }

  /// Sends SIGKILL to all processes in the group and below but one, whatever they have done to get away.
  func killGroup(_ group: String, sparing spared: CInt? = nil) {
    // Since Linux 5.14, and then nothing can fork its way out. Not in the root group.
    if spared == nil, (try? write("1", to: "\(group)/cgroup.kill")) != nil { return }
    var killed = Set([spared].compactMap(\.self))
    // Before that, processes forked during a round are found in the next; no worker outruns 32 rounds.
    for _ in 0..<32 {
      let new = Set(processesBelow(group)).subtracting(killed)
      if new.isEmpty { return }
      for pid in new { ProcessTable.kill(pid) }
      killed.formUnion(new)
    }
  }

  private func processesBelow(_ group: String) -> [CInt] {
    folders(in: group).reduce(into: processes(in: group)) { $0 += processesBelow("\(group)/\($1)") }
  }

  /// Removes the group and the empty groups below it (a worker may have made some). False as long as processes are in
  /// it, which is for some milliseconds after they were killed: try again.
  func removeGroup(_ group: String) throws(SystemError) -> Bool {
    for name in folders(in: group) where try !removeGroup("\(group)/\(name)") { return false }
    do throws(SystemError) {
      try removeFolder(group)
    } catch {
      switch error.code {
      case EBUSY: return false
      case ENOENT: return true
      default: throw error
      }
    }
    return true
  }
}
