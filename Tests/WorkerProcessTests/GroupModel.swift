import Glibc
import LinuxIO
import TestSupport
import Time

@testable import WorkerProcess

/// The kernel's rules for control groups of version 2 (cgroup-v2.rst), as far as we depend on them, in memory: so that
/// limits can be tried on machines that have no controllers to give. Each rule was seen on a real kernel (6.18, with
/// the hugetlb controller).
final class GroupModel: FileTree, @unchecked Sendable {
  private struct Group {
    var processes: Set<CInt> = []
    var controllers: Set<String>
    var passedOn: Set<String> = []
    var isRoot = false
    var files: [String: String] = [:]
  }

  private var groups: [String: Group] = [:]
  private var texts: [String: String] = [:]
  /// Files and folders that are not ours.
  var foreign: Set<String> = []
  /// `domain invalid` below a threaded group.
  var typeOfNewGroups = "domain"
  /// Writes that fail, by path.
  var faults: [String: CInt] = [:]

  /// A machine with the v2 hierarchy at `point`, where we are in the group `own`, which has these controllers to give.
  init(
    mountinfo: String = "31 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
    membership: String = "0::/own\n", folder: String = "/sys/fs/cgroup/own", controllers: Set<String> = [],
    isRoot: Bool = false, others: Set<CInt> = []
  ) {
    texts = ["/proc/self/mountinfo": mountinfo, "/proc/self/cgroup": membership]
    groups[folder] = Group(processes: others.union([ProcessTable.ownPid]), controllers: controllers, isRoot: isRoot)
  }

  /// The host as it is detected here.
  func host(isRoot: Bool = false) throws -> ControlGroupHost { try ControlGroupHost.detect(in: self, isRoot: isRoot) }

  /// A file outside of the groups.
  func put(_ text: String, at path: String) { texts[path] = text }

  /// A file in a group that shows what the kernel has counted.
  func count(_ text: String, in file: String) {
    let (folder, name) = parts(of: file)
    groups[folder]?.files[name] = text
  }

  /// Makes a group in which these processes are.
  func populate(_ path: String, with processes: Set<CInt>) throws {
    try makeFolder(path)
    groups[path]?.processes = processes
  }

  /// Where our process is.
  var ourGroup: String? { groups.first { $1.processes.contains(ProcessTable.ownPid) }?.key }
  /// All groups.
  var all: Set<String> { Set(groups.keys) }

  func text(of path: String) throws(SystemError) -> String {
    guard let text = texts[path] ?? groupFile(path) else { throw SystemError("open \(path)", ENOENT) }
    return text
  }

  private func groupFile(_ path: String) -> String? {
    let (folder, name) = parts(of: path)
    guard let group = groups[folder] else { return nil }
    if let text = group.files[name] { return text }
    switch name {
    case "cgroup.controllers": return group.controllers.sorted().joined(separator: " ") + "\n"
    case "cgroup.subtree_control": return group.passedOn.sorted().joined(separator: " ") + "\n"
    case "cgroup.procs": return group.processes.sorted().map { "\($0)\n" }.joined()
    case "cgroup.type" where !group.isRoot: return typeOfNewGroups + "\n"
    case "cgroup.kill" where !group.isRoot: return ""
    case "cgroup.events" where !group.isRoot:
      let isPopulated = groups.contains { ($0 == folder || $0.hasPrefix(folder + "/")) && !$1.processes.isEmpty }
      return "populated \(isPopulated ? 1 : 0)\nfrozen 0\n"
    default:
      // A controller's files are there where the parent passes it on.
      let controller = String(name.prefix { $0 != "." })
      return !group.isRoot && group.controllers.contains(controller) ? "max\n" : nil
    }
  }

  func write(_ text: String, to path: String) throws(SystemError) {
    if let code = faults[path] { throw SystemError("write \(path)", code) }
    if foreign.contains(path) { throw SystemError("open \(path)", EACCES) }
    let (folder, name) = parts(of: path)
    guard groupFile(path) != nil, let group = groups[folder] else { throw SystemError("open \(path)", ENOENT) }
    switch name {
    case "cgroup.procs":
      if !group.passedOn.isEmpty, !group.isRoot { throw SystemError("write \(path)", EBUSY) }
      let pid = text == "0" ? ProcessTable.ownPid : CInt(text)!
      for other in groups.keys { groups[other]!.processes.remove(pid) }
      groups[folder]!.processes.insert(pid)
    case "cgroup.subtree_control": try pass(text, in: folder, path)
    case "cgroup.kill":
      for other in groups.keys where other == folder || other.hasPrefix(folder + "/") {
        groups[other]!.processes = []
      }
    default: groups[folder]!.files[name] = text + "\n"
    }
  }

  private func pass(_ text: String, in folder: String, _ path: String) throws(SystemError) {
    let controller = String(text.dropFirst())
    guard groups[folder]!.controllers.contains(controller) else { throw SystemError("write \(path)", ENOENT) }
    let below = groups.keys.filter { parts(of: $0).folder == folder }
    if text.hasPrefix("+") {
      if !groups[folder]!.processes.isEmpty, !groups[folder]!.isRoot { throw SystemError("write \(path)", EBUSY) }
      groups[folder]!.passedOn.insert(controller)
      for group in below { groups[group]!.controllers.insert(controller) }
    } else {
      if below.contains(where: { groups[$0]!.passedOn.contains(controller) }) {
        throw SystemError("write \(path)", EBUSY)
      }
      groups[folder]!.passedOn.remove(controller)
      for group in below { groups[group]!.controllers.remove(controller) }
    }
  }

  func openForWriting(_ path: String) throws(SystemError) -> FileDescriptor {
    if groupFile(path) == nil { throw SystemError("open \(path)", ENOENT) }
    return try FileDescriptor.open("/dev/null", flags: O_WRONLY)
  }

  func makeFolder(_ path: String) throws(SystemError) {
    guard let parent = groups[parts(of: path).folder] else { throw SystemError("mkdir \(path)", ENOENT) }
    if groups[path] != nil { throw SystemError("mkdir \(path)", EEXIST) }
    groups[path] = Group(controllers: parent.passedOn)
  }

  func removeFolder(_ path: String) throws(SystemError) {
    guard let group = groups[path] else { throw SystemError("rmdir \(path)", ENOENT) }
    if !group.processes.isEmpty || !folders(in: path).isEmpty { throw SystemError("rmdir \(path)", EBUSY) }
    groups[path] = nil
  }

  func folders(in path: String) -> [String] {
    groups.keys.filter { parts(of: $0).folder == path }.map { parts(of: $0).name }.sorted()
  }

  func isWritable(_ path: String) -> Bool {
    !foreign.contains(path) && (groups[path] != nil || groupFile(path) != nil)
  }

  private func parts(of path: String) -> (folder: String, name: String) {
    let slash = path.lastIndex(of: "/")!
    return (String(path[..<slash]), String(path[path.index(after: slash)...]))
  }
}
