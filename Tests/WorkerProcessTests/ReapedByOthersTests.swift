import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// A program that embeds the pool may reap every child there is (`wait(-1)`, SIGCHLD ignored): then the number of the
/// worker is free, and may already be somebody else's.
@Suite struct ReapedByOthersTests {
  @Test func aWorkerThatSomebodyElseReapedIsDead() throws {
    var process = try WorkerProcess.spawn(WorkerCommand(["false"]), environment: [])
    var status: CInt = 0
    #expect(waitpid(process.pid, &status, 0) == process.pid)
    let end = process.reap()
    #expect(end == .unknown)
    #expect(end?.description == "ended, but somebody else in this program collected its exit status")
    #expect(process.reap() == nil)
  }
}
