import Glibc
import Testing

@testable import LinuxIO

/// Who owns a descriptor, and what its errors say.
@Suite struct DescriptorTests {
  @Test("the end of the owner closes it; giving it away does not")
  func ownership() throws {
    let pipe = try Pipe()
    // Other tests are given any number that becomes free: only one that nobody reaches can be seen to be closed.
    let number: CInt = 900
    do {
      let owner = FileDescriptor(owning: dup2(pipe.readEnd, number))
      #expect(closesOnExec(owner.rawValue) != nil)
    }
    #expect(closesOnExec(number) == nil)
    let given = FileDescriptor(owning: dup2(pipe.readEnd, number)).release()
    #expect(given == number && closesOnExec(number) != nil)
    close(number)
  }

  @Test("everything that we open is closed by exec")
  func closeOnExec() throws {
    let pipe = try Pipe()
    let file = try FileDescriptor.open("/dev/null", flags: O_RDWR)
    #expect(closesOnExec(pipe.readEnd) == true)
    #expect(closesOnExec(pipe.writeEnd) == true)
    #expect(closesOnExec(file.rawValue) == true)
  }

  @Test("an end of a pipe has no number once it is taken; what was opened blocks until told otherwise")
  func ends() throws {
    var pipe = try Pipe()
    #expect(!isNonBlocking(pipe.readEnd) && !isNonBlocking(pipe.writeEnd))
    let reading = pipe.takeReadEnd()
    #expect(pipe.readEnd == -1)
    #expect(pipe.writeEnd >= 0)
    try makeNonBlocking(reading.rawValue)
    #expect(isNonBlocking(reading.rawValue) && !isNonBlocking(pipe.writeEnd))
  }

  @Test("an error says what was tried, on what, and why")
  func errors() {
    let missing = #expect(throws: SystemError.self) { _ = try FileDescriptor.open("/nosuch", flags: O_RDONLY).rawValue }
    #expect(missing?.description == "open /nosuch: No such file or directory (ENOENT)")
    let bad = #expect(throws: SystemError.self) { try makeNonBlocking(-1) }
    #expect(bad?.code == EBADF)
    #expect(SystemError("look", 4095).description == "look: Unknown error 4095 (errno 4095)")
    #expect(signalName(SIGSEGV) == "SIGSEGV")
    #expect(signalName(40) == "signal 40")
  }

  @Test("no descriptors left is an error, not a crash")
  func exhaustion() {
    FaultPlan.$current.withValue(FaultPlan(.pipe, [0, EMFILE])) {
      #expect(throws: Never.self) { _ = try Pipe().readEnd }
      let failure = #expect(throws: SystemError.self) { _ = try Pipe().readEnd }
      #expect(failure?.description == "pipe: Too many open files (EMFILE)")
    }
    FaultPlan.$current.withValue(FaultPlan(.epoll, [ENFILE])) {
      #expect(throws: SystemError("epoll_create1", ENFILE)) { try Epoll().remove(-1) }
    }
  }

  @Test("epoll refuses what never makes anyone wait, and what it watches already")
  func epollRefuses() throws {
    let epoll = try Epoll()
    let file = try scratchFile("x")
    let null = try FileDescriptor.open("/dev/null", flags: O_RDONLY)
    let pipe = try Pipe()
    func refusal(_ epoll: borrowing Epoll, _ fd: CInt) -> CInt? {
      do throws(SystemError) {
        try epoll.add(fd, token: 1, readable: true, writable: false)
        return nil
      } catch {
        return error.code
      }
    }
    let refusals = [
      refusal(epoll, file.rawValue), refusal(epoll, null.rawValue), refusal(epoll, -1), refusal(epoll, pipe.readEnd),
      refusal(epoll, pipe.readEnd),
    ]
    #expect(refusals == [EPERM, EPERM, EBADF, nil, EEXIST])
    epoll.remove(pipe.readEnd)
    epoll.remove(pipe.readEnd)
    let again = refusal(epoll, pipe.readEnd)
    #expect(again == nil)
  }
}
