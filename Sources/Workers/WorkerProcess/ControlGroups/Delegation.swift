import Glibc
import LinuxIO

/// Makes our own group pass controllers on to groups below it.
///
/// The kernel allows that only to a group without processes of its own (the "no internal processes" rule of
/// cgroup-v2.rst; its root is excepted). So we move ourselves to a group beside the workers' first, `supervisor`: what
/// systemd.resource-control(5) advises under Delegate=yes. It helps only if nobody else is in our group, such as the
/// shell that started us.
struct Delegation: Sendable {
  private let host: ControlGroupHost
  private let residence: Residence
  private var passedOn: [String] = []
  private var hasMoved = false

  init(_ host: ControlGroupHost, besides residence: Residence) {
    self.host = host
    self.residence = residence
  }

  var files: any FileTree { host.files }
  private var supervisor: String { "\(host.folder)/supervisor" }
  private var switches: String { "\(host.folder)/cgroup.subtree_control" }

  /// Passes a controller on to the groups below ours, if that can be done.
  mutating func passOn(_ controller: String) -> Enforcement {
    guard host.words(in: "\(host.folder)/cgroup.controllers").contains(controller[...]) else {
      return .notEnforced(host.whyMissing(controller))
    }
    if host.words(in: switches).contains(controller[...]) { return .enforced }
    do throws(SystemError) {
      try switchOn(controller)
      passedOn.append(controller)
      return .enforced
    } catch {
      return .notEnforced(error.code == EBUSY ? othersInTheWay() : "\(error)")
    }
  }

  private mutating func switchOn(_ controller: String) throws(SystemError) {
    do throws(SystemError) {
      try files.write("+\(controller)", to: switches)
    } catch {
      // From the group of our other pools we do not go: their workers are born there.
      guard error.code == EBUSY, !hasMoved, residence.host == nil else { throw error }
      try moveAside()
      do throws(SystemError) {
        try files.write("+\(controller)", to: switches)
      } catch {
        moveBack()
        throw error
      }
    }
  }

  private mutating func moveAside() throws(SystemError) {
    do throws(SystemError) { try files.makeFolder(supervisor) } catch { if error.code != EEXIST { throw error } }
    hasMoved = true
    do throws(SystemError) {
      try files.moveOurselves(to: supervisor)
    } catch {
      moveBack()
      throw error
    }
  }

  private mutating func moveBack() {
    // Our other pools, begun since, have their group in that one: then it stays.
    guard hasMoved, residence.host == nil else { return }
    hasMoved = false
    try? files.moveOurselves(to: host.folder)
    try? files.removeFolder(supervisor)
  }

  private func othersInTheWay() -> String {
    let others = files.processes(in: host.folder).filter { $0 != ProcessTable.ownPid }
    let who = others.first.map { ", such as pid \($0)," } ?? ""
    return
      "other processes\(who) are in our control group \(host.folder), and the kernel sets limits only below a group "
      + "that has none; \(host.advice)"
  }

  /// Takes everything back, once the groups below ours are gone.
  mutating func undo() {
    for controller in passedOn { try? files.write("-\(controller)", to: switches) }
    passedOn = []
    moveBack()
  }
}
