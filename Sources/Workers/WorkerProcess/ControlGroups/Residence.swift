import LinuxIO
import Synchronization

/// The control group that this process enters, so that all its workers are born in it:
///
///     <the group that we were in>/prefork-812-9f86d081884c7d65/
///
/// Moving a process costs more than starting one. So we move once, and each worker inherits the group, with all that
/// descends from it. A process can be in one group only: the first pool makes it, later ones share it, and the last one
/// to leave kills what is still in it. Only for a process that starts nothing but workers, because that would be
/// killed, too.
public final class Residence: Sendable {
  /// The one of this process.
  public static let ofProcess = Residence()

  private struct Stay {
    /// The group that we came from, and go back to.
    let host: ControlGroupHost
    let folder: String
    var pools = 1
    var isInside = false
  }

  private let stay = Mutex<Stay?>(nil)

  init() {}

  /// Below which group pools make theirs while we are in our own; nil if we are not.
  var host: ControlGroupHost? { stay.withLock { $0?.host } }

  /// Makes the group for a pool, or shares the one that is there; returns its folder. We are not in it before `enter`.
  public func join(_ cookie: PoolCookie, from host: ControlGroupHost) throws(ControlGroupUnavailable) -> String {
    try stay.withLock { (stay: inout Stay?) throws(ControlGroupUnavailable) in
      if stay != nil {
        stay!.pools += 1
      } else {
        stay = Stay(host: host, folder: try host.makePoolFolder(cookie))
      }
      return stay!.folder
    }
  }

  /// Moves this process in, if it is not there yet. All that it starts from now on is born there.
  public func enter() throws(SystemError) {
    try stay.withLock { (stay: inout Stay?) throws(SystemError) in
      guard let present = stay, !present.isInside else { return }
      try present.host.files.moveOurselves(to: present.folder)
      stay!.isInside = true
    }
  }

  /// Moves a child out that was born in the group: a guard, which has to outlive what is killed with it. (One that
  /// cannot be moved still kills all of the group, and itself with it.)
  public func putOut(_ child: CInt) {
    stay.withLock { stay in
      guard let stay, stay.isInside else { return }
      try? stay.host.files.write("\(child)", to: "\(stay.host.folder)/cgroup.procs")
    }
  }

  /// Ends the part of one pool, whose workers are gone. After the last one we go back to where we came from, all that
  /// is left in the group is killed, and the group is removed. False as long as something in it is still dying: try
  /// again.
  public func leave() -> Bool {
    stay.withLock { stay in
      guard let present = stay else { return true }
      guard present.pools == 1 else {
        stay!.pools -= 1
        return true
      }
      let isGone = Self.dissolve(present)
      stay = isGone ? nil : stay
      stay?.isInside = false
      return isGone
    }
  }

  private static func dissolve(_ stay: Stay) -> Bool {
    let files = stay.host.files
    if stay.isInside, (try? files.moveOurselves(to: stay.host.folder)) == nil {
      // Then the group stays, too, until a later start finds it empty.
      files.killGroup(stay.folder, sparing: ProcessTable.ownPid)
      return true
    }
    if (try? files.removeGroup(stay.folder)) == true { return true }
    files.killGroup(stay.folder)
    return false
  }
}
