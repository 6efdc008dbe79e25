import Glibc
import ObjectPool
import Testing

@Suite("Threads of the pool's own") struct SignalTests {
  @Test("leave the program's signals to the program, but not a crash of a factory to the kernel alone")
  func signals() throws {
    let pool = BlockingObjectPool(.unhurried(size: 1)) { () -> (isForProgram: Bool, crashIsHeard: Bool) in
      var mask = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &mask)
      let isForProgram = [SIGTERM, SIGINT, SIGHUP, SIGCHLD].allSatisfy { sigismember(&mask, $0) == 1 }
      let crashes = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS]
      return (isForProgram, crashes.allSatisfy { sigismember(&mask, $0) == 0 })
    }
    let seen = try pool.withObject { $0 }
    #expect(seen.isForProgram && seen.crashIsHeard)
    pool.close()
  }
}
