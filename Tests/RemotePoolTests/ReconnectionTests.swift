import JobCore
import LinuxIO
import TestSupport
import Testing
import Time

@testable import RemotePool

/// When it is worth to connect again.
@Suite struct ReconnectionTests {
  static let address = SocketAddress.unix(path: "/s")
  static let second: Nanoseconds = 1_000_000_000

  private static func patient(limit: Nanoseconds? = nil) -> Reconnection {
    Reconnection(delay: RetryDelay(minimum: second, maximum: 8 * second), limit: limit, seed: 7)
  }

  private static func wait(_ decision: Reconnection.Decision) -> Nanoseconds? {
    if case .again(let wait) = decision { wait } else { nil }
  }

  @Test("without being asked to, nobody connects again when jobs are lost, or nobody was ever there")
  func notAsked() {
    var plain = Reconnection(delay: nil, limit: nil, seed: 7)
    #expect(plain.lost(.closed, hasJobs: true, at: 0) == .giveUp)
    #expect(plain.lost(.closed, hasJobs: false, at: 0) == .giveUp)
    plain.answered()
    #expect(plain.lost(.closed, hasJobs: true, at: 0) == .giveUp)
  }

  @Test(
    "a connection that has served and had nothing to answer is no loss: the next job finds another, but only once in vain"
  )
  func idle() {
    var plain = Reconnection(delay: nil, limit: nil, seed: 7)
    plain.answered()
    #expect(plain.lost(.closed, hasJobs: false, at: 0) == .onDemand)
    #expect(plain.lost(.closed, hasJobs: false, at: 0) == .giveUp)
    var patient = Self.patient()
    patient.answered()
    #expect(patient.lost(.closed, hasJobs: false, at: 0) == .onDemand)
    #expect(Self.wait(patient.lost(.closed, hasJobs: true, at: 0)) != nil)
  }

  @Test("the wait doubles up to its cap, jittered downwards, and begins anew when a job was answered")
  func backoff() throws {
    var patient = Self.patient()
    for power in [1, 2, 4, 8, 8, 8] as [UInt64] {
      let wait = try #require(Self.wait(patient.lost(.closed, hasJobs: true, at: 0)))
      #expect((power * Self.second / 2...power * Self.second).contains(wait), "\(power): \(wait)")
    }
    patient.answered()
    #expect(try #require(Self.wait(patient.lost(.closed, hasJobs: true, at: 0))) <= Self.second)
  }

  @Test("with a limit it gives up when nothing was answered for so long, with a last attempt at its end")
  func limit() {
    var patient = Self.patient(limit: 3 * Self.second)
    #expect(Self.wait(patient.lost(.closed, hasJobs: true, at: 10)) != nil)
    #expect(Self.wait(patient.lost(.closed, hasJobs: true, at: 10 + 3 * Self.second - 5)) == 5)
    #expect(patient.lost(.closed, hasJobs: true, at: 10 + 3 * Self.second) == .giveUp)
    var lucky = Self.patient(limit: 3 * Self.second)
    _ = lucky.lost(.closed, hasJobs: true, at: 0)
    lucky.answered()
    #expect(Self.wait(lucky.lost(.closed, hasJobs: true, at: .origin + 9 * Self.second)) != nil)
  }

  @Test("a connection that has lasted longer than any wait was a good one, even if its job takes longer than the limit")
  func longJobs() {
    var patient = Self.patient(limit: 20 * Self.second)
    _ = patient.lost(.closed, hasJobs: true, at: 0)
    patient.opened(at: .origin + Self.second)
    #expect(Self.wait(patient.lost(.closed, hasJobs: true, at: .origin + 60 * Self.second)) != nil)
    patient.opened(at: .origin + 61 * Self.second)
    #expect(Self.wait(patient.lost(.closed, hasJobs: true, at: .origin + 62 * Self.second)) != nil)
    patient.opened(at: .origin + 79 * Self.second)
    #expect(patient.lost(.closed, hasJobs: true, at: .origin + 80 * Self.second) == .giveUp)
  }

  @Test("nobody waits for what will not be otherwise: nonsense, no permission")
  func hopeless() {
    let denied = SocketError.connect(Self.address, SystemError("connect", 13))
    let absent = SocketError.connect(Self.address, SystemError("connect", 2))
    for loss in [.nonsense("x"), .refused(reason: "x", code: 77), .unreachable(denied)] as [Loss] {
      var patient = Self.patient()
      #expect(patient.lost(loss, hasJobs: true, at: 0) == .giveUp, "\(loss)")
    }
    for loss in [
      .closed, .cut, .silent(limit: 1), .refused(reason: "x", code: 75), .unreachable(absent),
      .broken(SystemError("read", 104)),
    ] as [Loss] {
      var patient = Self.patient()
      #expect(Self.wait(patient.lost(loss, hasJobs: true, at: 0)) != nil, "\(loss)")
    }
  }

  @Test("each loss has its verdict")
  func verdicts() {
    let denied = SocketError.connect(Self.address, SystemError("connect", 13))
    #expect(Loss.unreachable(denied).verdict == .notPermitted)
    #expect(Loss.unreachable(.timedOut(Self.address, after: .milliseconds(1))).verdict == .unreachable)
    #expect(Loss.refused(reason: "", code: 75).verdict == .busy)
    #expect(Loss.refused(reason: "", code: 77).verdict == .notPermitted)
    #expect(Loss.refused(reason: "", code: 1).verdict == .unreachable)
    #expect(Loss.closed.verdict == .unreachable)
    #expect(Loss.cut.verdict == .protocolBroken && Loss.nonsense("").verdict == .protocolBroken)
  }
}
