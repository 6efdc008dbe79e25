/// Where the hierarchies of control groups are mounted, from the text of /proc/self/mountinfo (proc(5)). Distributions
/// differ: /sys/fs/cgroup is the v2 hierarchy on most, a folder of v1 hierarchies on some, with v2 at `unified` or
/// nowhere.
struct GroupMounts: Equatable {
  /// One mount of a hierarchy, or of a part of it.
  struct Mount: Equatable {
    /// The group whose folder the mount point is.
    var root: String
    /// Where it is.
    var point: String
    var isReadOnly: Bool

    /// The folder of a group; nil if it lies outside of what is mounted here.
    func folder(of group: String) -> String? {
      // A group outside of our cgroup namespace is shown as /../x (cgroup_namespaces(7)), one that was removed as x
      // (deleted).
      if group.hasPrefix("/..") || group.hasSuffix(" (deleted)") || root.hasPrefix("/..") { return nil }
      let stem = root == "/" ? "" : root
      if group == root || group == stem { return point }
      return group.hasPrefix(stem + "/") ? point + group.dropFirst(stem.utf8.count) : nil
    }

    /// The folders of a group and of all groups above it that can be seen here, the nearest first; none if the group
    /// lies outside.
    func foldersUpwards(from group: String) -> [String] {
      // A mount whose root is above our cgroup namespace shows groups above ours, but not which of its folders is ours.
      if isAboveNamespace { return [point] }
      guard var folder = folder(of: group) else { return [] }
      var found = [folder]
      while folder != point, let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
        folder = String(folder[..<slash])
        found.append(folder)
      }
      return found
    }

    private var isAboveNamespace: Bool {
      root.hasPrefix("/..") && root.split(separator: "/").allSatisfy { $0 == ".." }
    }
  }

  /// Mounts of the v2 hierarchy.
  var unified: [Mount] = []
  /// Mounts of v1 hierarchies, with what is bound to them: `memory`, `cpu`, `name=systemd`.
  var legacy: [(controllers: Set<Substring>, mount: Mount)] = []

  init(mountinfo: String) {
    // By bytes, and with a look at the kind first: a machine may have a thousand mounts, and each start comes by here.
    for line in mountinfo.utf8.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " ")).map { Substring($0) }
      // 31 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate
      guard let dash = fields.dropFirst(6).firstIndex(of: "-"), fields.count > dash + 3,
        ["cgroup", "cgroup2"].contains(fields[dash + 1])
      else { continue }
      let options = fields[5].split(separator: ",") + fields[dash + 3].split(separator: ",")
      let mount = Mount(
        root: Self.unescaped(fields[3]), point: Self.unescaped(fields[4]), isReadOnly: options.contains("ro"))
      if fields[dash + 1] == "cgroup2" {
        unified.append(mount)
      } else {
        legacy.append((Set(fields[dash + 3].split(separator: ",")), mount))
      }
    }
  }

  static func == (a: GroupMounts, b: GroupMounts) -> Bool {
    a.unified == b.unified
      && a.legacy.elementsEqual(b.legacy) { $0.controllers == $1.controllers && $0.mount == $1.mount }
  }

  /// Spaces, tabs, newlines and backslashes stand there as three octal digits.
  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3,
        let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The groups that a process is in, from the text of /proc/self/cgroup (cgroups(7)).
struct GroupMembership: Equatable {
  /// In the v2 hierarchy: the line `0::/path`.
  var unified: String?
  /// In the v1 hierarchy that a controller is bound to.
  var legacy: [Substring: String] = [:]

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      if fields[0] == "0", fields[1].isEmpty { unified = String(fields[2]) }
      for controller in fields[1].split(separator: ",") { legacy[controller] = String(fields[2]) }
    }
  }
}
