import Glibc
import LinuxIO
import Testing

/// What concerns the whole process is tried in a process of its own.
@Suite struct ProcessWideTests {
  @Test("closed standard descriptors are told, and filled, so that no pipe of ours lands on their numbers")
  func someClosed() async {
    await #expect(processExitsWith: .success) {
      let closed = reopened([0, 2])
      #expect(closed.stdin && !closed.stdout && closed.stderr)
      #expect(closesOnExec(0) != nil && closesOnExec(2) != nil)
      #expect(take(from: 0) == "")
      let pipe = try Pipe()
      #expect(pipe.readEnd > 2)
      #expect(pipe.writeEnd > 2)
    }
  }

  @Test("all three closed")
  func allClosed() async {
    await #expect(processExitsWith: .success) {
      let closed = reopened([0, 1, 2])
      #expect(closed.stdin && closed.stdout && closed.stderr)
      for number: CInt in 0...2 { #expect(closesOnExec(number) != nil) }
    }
  }

  @Test("open ones are left alone")
  func noneClosed() async {
    await #expect(processExitsWith: .success) {
      let file = try scratchFile("stays")
      dup2(file.rawValue, 0)
      #expect(openClosedStandardDescriptors() == ClosedDescriptors())
      #expect(take(from: 0) == "stays")
    }
  }

  @Test("a process that ends by a signal's default action is seen to have been ended by it")
  func defaultAction() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      // As it is after watching a signal: blocked.
      signal(SIGINT, SIG_IGN)
      var set = sigset_t()
      sigemptyset(&set)
      sigaddset(&set, SIGINT)
      sigprocmask(SIG_BLOCK, &set, nil)
      raiseWithDefaultAction(SIGINT)
    }
  }

  @Test("SIGPIPE is ignored, and children are not reaped behind our back")
  func dispositions() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      signal(SIGCHLD, SIG_IGN)
      prepareSignals()
      var action = sigaction()
      sigaction(SIGCHLD, nil, &action)
      #expect(action.__sigaction_handler.sa_handler == nil)
      var pipe = try Pipe()
      _ = pipe.takeReadEnd()
      let result = write(pipe.writeEnd, "x", 1)
      let code = errno
      #expect(result == -1 && code == EPIPE)
    }
  }
}

/// Closes these and has them opened again. A thread of the testing library may open a file for a moment (malloc does,
/// to count the processors) and be given one of their numbers: then all is done once more.
private func reopened(_ numbers: [CInt]) -> ClosedDescriptors {
  var closed = ClosedDescriptors()
  for _ in 0..<100 {
    for number in numbers { close(number) }
    closed = openClosedStandardDescriptors()
    let found = [closed.stdin, closed.stdout, closed.stderr]
    if numbers.allSatisfy({ found[Int($0)] }) { break }
    usleep(1000)
  }
  return closed
}
