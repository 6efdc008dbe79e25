import Glibc
import LinuxIO
import Testing

@testable import WorkerProcess

/// Who may speak for a worker on its notification socket. Each story in a process of its own that adopts orphans, as
/// prefork does.
@Suite struct OwnershipTests {
  @Test("the worker itself, its child and its grandchild, in its group or out of it")
  func descendants() async {
    await #expect(processExitsWith: .success) {
      let family = try Family()
      let worker = try family.startWorker(1, "setsid sh -c 'echo $$; env -i sleep 60 & wait' & wait")
      let child = try family.number(from: worker)
      #expect(eventually { !ProcessTable.children(of: child).isEmpty })
      let grandchild = ProcessTable.children(of: child)[0]
      let spoken = believed([worker.pid, child, grandchild], by: worker, family, 1)
      #expect(spoken == [worker.pid, child, grandchild])
      killAll([grandchild, child, worker.pid])
    }
  }

  @Test(
    "an orphan that we have adopted, by its own number or by ours: systemd-notify(1) names its parent if it is root")
  func adopted() async {
    await #expect(processExitsWith: .success) {
      let family = try Family()
      let worker = try family.startWorker(1, "\(Family.daemon("exec sleep 60")); read job")
      let other = try family.startWorker(2, "read job")
      let orphan = try family.number(from: worker)
      #expect(eventually { family.children.contains(orphan) && Family.isSleeping(orphan) })
      let own = believed([orphan, getpid()], by: worker, family, 1)
      #expect(own == [orphan, getpid()])
      let others = believed([orphan, getpid()], by: other, family, 2)
      #expect(others == [], "another worker's orphan does not speak for this one, nor by our number")
      killAll([orphan, worker.pid, other.pid])
    }
  }

  @Test("an orphan that has ended in the worker's group, as long as it is not reaped")
  func deadOrphan() async {
    await #expect(processExitsWith: .success) {
      let family = try Family()
      let worker = try family.startWorker(1, "(sh -c 'echo $$' &); read job")
      let orphan = try family.number(from: worker)
      #expect(eventually { family.children.contains(orphan) && ProcessTable.nameOfLiving(orphan) == nil })
      let dead = believed([orphan, getpid()], by: worker, family, 1)
      #expect(dead == [orphan, getpid()])
      waitpid(orphan, nil, 0)
      let gone = believed([orphan, getpid()], by: worker, family, 1)
      #expect(gone == [orphan], "it cannot be asked any more, and we have no orphan of this worker any more")
      killAll([worker.pid])
    }
  }

  @Test("no stranger: not a child of ours, not our parent, no process of another namespace, no other user")
  func strangers() async {
    await #expect(processExitsWith: .success) {
      let family = try Family()
      let worker = try family.startWorker(1, "read job")
      let stranger = try start("read job")
      let strangers = believed([stranger.pid, getppid(), getpid(), 1, 0], by: worker, family, 1)
      #expect(strangers == [])
      let nobody: UInt32 = 65534
      let another = believed([worker.pid], by: worker, family, 1, uid: nobody)
      #expect(another == [])
      let itsUser = believed([worker.pid, stranger.pid], by: worker, family, 1, uid: nobody, user: nobody)
      #expect(itsUser == [worker.pid])
      killAll([stranger.pid, worker.pid])
    }
  }
}

/// Those of the senders that the worker is believed to have sent for.
private func believed(
  _ senders: [CInt], by worker: borrowing WorkerProcess, _ family: Family, _ serial: UInt64, uid: UInt32 = getuid(),
  user: UInt32? = nil
) -> [CInt] {
  var found: [CInt] = []
  for sender in senders where worker.owns(sender, uid: uid, user: user, cookie: family.cookie, serial: serial) {
    found.append(sender)
  }
  return found
}

private func killAll(_ processes: [CInt]) { for process in processes { kill(process, SIGKILL) } }
