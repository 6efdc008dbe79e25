import LinuxIO

/// Why no control group can be made here, in words for a person.
public struct ControlGroupUnavailable: Error, Equatable, Sendable, CustomStringConvertible {
  /// The reason, and what to try.
  public let description: String
}

/// What this machine offers us of control groups (version 2; cgroups(7), and the kernel's cgroup-v2.rst).
public struct ControlGroupHost: Sendable {
  let files: any FileTree
  /// The folder of the group that we are in, below which we may make groups.
  public let folder: String
  /// Controllers that this machine has bound to version 1, where version 2 cannot have them.
  let legacyControllers: Set<Substring>
  private let isRoot: Bool

  /// Looks where our group is and whether we may make groups in it. While we are in a group of our own making
  /// (`Residence`), it is the one that we came from.
  public static func detect() throws(ControlGroupUnavailable) -> ControlGroupHost {
    if let host = Residence.ofProcess.host { return host }
    return try detect(in: RealFileTree(), isRoot: ProcessTable.isRoot)
  }

  static func detect(in files: any FileTree, isRoot: Bool) throws(ControlGroupUnavailable) -> ControlGroupHost {
    let mounts: GroupMounts
    let membership: GroupMembership
    do throws(SystemError) {
      mounts = GroupMounts(mountinfo: try files.text(of: "/proc/self/mountinfo"))
      membership = GroupMembership(try files.text(of: "/proc/self/cgroup"))
    } catch {
      throw ControlGroupUnavailable(description: "no control groups: \(error)")
    }
    let (folder, isReadOnly) = try place(of: membership, in: mounts)
    if isReadOnly {
      throw ControlGroupUnavailable(
        description: "no control groups: \(folder) is mounted read-only, as is usual in containers")
    }
    let host = ControlGroupHost(
      files: files, folder: folder, legacyControllers: mounts.legacy.reduce(into: []) { $0.formUnion($1.controllers) },
      isRoot: isRoot)
    // A worker moves from our group to its own: the kernel wants write access to cgroup.procs of what both have in
    // common.
    if !files.isWritable(folder) || !files.isWritable("\(folder)/cgroup.procs") {
      throw ControlGroupUnavailable(description: "no control groups: \(folder) is not ours to write to; \(host.advice)")
    }
    return host
  }

  private static func place(of membership: GroupMembership, in mounts: GroupMounts) throws(ControlGroupUnavailable) -> (
    folder: String, isReadOnly: Bool
  ) {
    guard !mounts.unified.isEmpty else {
      throw ControlGroupUnavailable(description: "no control groups: no cgroup v2 hierarchy is mounted")
    }
    guard let group = membership.unified else {
      throw ControlGroupUnavailable(description: "no control groups: we are in no group of the cgroup v2 hierarchy")
    }
    let places = mounts.unified.compactMap { mount in mount.folder(of: group).map { ($0, mount.isReadOnly) } }
    guard let place = places.first(where: { !$0.1 }) ?? places.first else {
      throw ControlGroupUnavailable(
        description: "no control groups: our group \(group) is outside of what is mounted at \(mounts.unified[0].point)"
      )
    }
    return place
  }

  /// What to try when we have no group of our own.
  var advice: String {
    "try: systemd-run \(isRoot ? "" : "--user ")--scope -p Delegate=yes prefork ..."
  }

  /// Why a controller cannot be had.
  func whyMissing(_ controller: String) -> String {
    legacyControllers.contains(controller[...])
      ? "this machine has bound the \(controller) controller to cgroup v1"
      : "the \(controller) controller is not given to our group \(folder); \(advice)"
  }

  /// The words of a file such as cgroup.controllers; none if it is not there.
  func words(in file: String) -> Set<Substring> {
    guard let text = try? files.text(of: file) else { return [] }
    return Set(text.split { $0 == " " || $0 == "\n" })
  }

  /// Makes the group of a pool. Empty groups of earlier pools whose process is dead are removed.
  func makePoolFolder(_ cookie: PoolCookie) throws(ControlGroupUnavailable) -> String {
    removeStaleGroups()
    let made = "\(folder)/\(cookie.groupName)"
    do throws(SystemError) { try files.makeFolder(made) } catch {
      throw ControlGroupUnavailable(description: "no control groups: \(error)")
    }
    // Below a threaded group there are only groups for threads, which no process may enter.
    if let type = try? files.text(of: "\(made)/cgroup.type"), !type.hasPrefix("domain\n") {
      try? files.removeFolder(made)
      throw ControlGroupUnavailable(description: "no control groups: \(folder) is threaded")
    }
    return made
  }

  /// Removes the empty groups of pools whose process was killed before it could do so itself.
  private func removeStaleGroups() {
    for name in files.folders(in: folder) {
      guard let pid = PoolCookie.pid(inGroupName: name), !ProcessTable.exists(pid) else { continue }
      let group = "\(folder)/\(name)"
      if !files.isPopulated(group) { _ = try? files.removeGroup(group) }
    }
  }
}
