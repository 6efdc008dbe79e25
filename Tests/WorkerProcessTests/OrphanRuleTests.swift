import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// Who is killed and who is spared, as a rule without processes.
@Suite struct OrphanRuleTests {
  static let cookie = PoolCookie(pid: 812, random: 0x9f)
  let orphans = Orphans(cookie: cookie, inherited: [50])
  /// Worker 7 lives, under pid 107.
  let census = Orphans.Census(known: [107], liveWorkers: [7])
  let atTheEnd = Orphans.Census(known: [107], liveWorkers: [7], everythingGoes: true)

  @Test("an orphan of a living worker is the worker's; when that is gone it goes, too")
  func orphanOfWorker() {
    #expect(orphans.verdict(on: 1000, from: .pool(worker: 7), census) == .leave)
    #expect(orphans.verdict(on: 1000, from: .pool(worker: 6), census) == .kill)
    #expect(orphans.verdict(on: 1000, from: .pool(worker: 7), atTheEnd) == .kill)
  }

  @Test("workers and our own helpers are left to whoever started them, even at the end")
  func known() {
    #expect(orphans.verdict(on: 107, from: .pool(worker: 7), census) == .leave)
    #expect(orphans.verdict(on: 107, from: .pool(worker: 6), atTheEnd) == .leave)
  }

  @Test("children that we had before the pool are never killed")
  func inherited() {
    #expect(orphans.verdict(on: 50, from: .unknown, census) == .leave)
    #expect(orphans.verdict(on: 50, from: .unknown, atTheEnd) == .leave)
  }

  @Test(
    "whoever does not tell where it comes from goes at the end, unless it can come from a child that is not the pool's")
  func unknown() {
    #expect(orphans.verdict(on: 1000, from: .unknown, census) == .unknown)
    #expect(orphans.verdict(on: 1000, from: .unknown, atTheEnd) == .unknown)
    let alone = Orphans(cookie: Self.cookie, inherited: [])
    #expect(alone.verdict(on: 1000, from: .unknown, census) == .unknown)
    #expect(alone.verdict(on: 1000, from: .unknown, atTheEnd) == .kill)
    #expect(orphans.verdict(on: 1000, from: .pool(worker: nil), census) == .unknown)
    #expect(orphans.verdict(on: 1000, from: .pool(worker: nil), atTheEnd) == .kill)
  }

  @Test(
    "only a whole entry of the environment counts",
    arguments: [
      ("A=1\0PREFORK_POOL=812-000000000000009f\0PREFORK_WORKER_ID=7\0", Origin.pool(worker: 7)),
      ("PREFORK_WORKER_ID=18446744073709551615\0PREFORK_POOL=812-000000000000009f", .pool(worker: .max)),
      ("PREFORK_POOL=812-000000000000009f\0", .pool(worker: nil)),
      ("PREFORK_POOL=812-000000000000009f\0PREFORK_WORKER_ID=x\0", .pool(worker: nil)),
      ("PREFORK_POOL=812-000000000000009f0\0PREFORK_WORKER_ID=7\0", .unknown),
      ("PREFORK_POOL=812-000000000000009\0PREFORK_WORKER_ID=7\0", .unknown),
      ("XPREFORK_POOL=812-000000000000009f\0", .unknown),
      ("X=PREFORK_POOL=812-000000000000009f\0", .unknown),
      ("PREFORK_WORKER_ID=7\0", .unknown),
      ("", .unknown),
    ])
  func origin(_ environment: String, _ origin: Origin) {
    #expect(Self.cookie.origin(in: Array(environment.utf8)) == origin)
  }

  @Test("no two pools have the same cookie, and the name of its group tells the pid")
  func cookies() {
    let cookies = (0..<100).map { _ in PoolCookie.random() }
    #expect(Set(cookies).count == 100)
    #expect(Self.cookie.text == "812-000000000000009f")
    #expect(PoolCookie.pid(inGroupName: Self.cookie.groupName) == 812)
    #expect(cookies.allSatisfy { PoolCookie.pid(inGroupName: $0.groupName) != nil })
  }
}
