import Glibc
import LinuxIO
import Testing
import WorkerProcess

// Testing has one, too.
import enum WorkerProcess.ExitStatus

/// What a worker inherits, and what it does not.
@Suite struct ChildStateTests {
  @Test("no signal is blocked, and none is ignored, whatever is with us")
  func signals() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      for number in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGUSR1] { signal(number, SIG_IGN) }
      var all = sigset_t()
      sigfillset(&all)
      sigdelset(&all, SIGALRM)
      sigprocmask(SIG_BLOCK, &all, nil)
      var process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
      for name in ["SigBlk", "SigIgn"] { #expect(status(of: process.pid, name) == "0000000000000000", "\(name)") }
      process.closeInput()
      let end = end(of: &process)
      #expect(end == .exited(code: 0))
    }
  }

  @Test("it has three descriptors and no other, also when we were given some that nobody closes")
  func descriptors() throws {
    let leaked = dup2(0, 800)
    defer { close(leaked) }
    try #require(leaked == 800)
    let process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
    let folder = "/proc/\(process.pid)/fd"
    #expect(eventually { numbers(in: folder) == [0, 1, 2] }, "\(numbers(in: folder))")
    #expect(process.pid > 0)
  }

  @Test("its ends of the pipes block, ours do not")
  func blocking() throws {
    let process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
    for fd in 0...2 {
      let flags = contents(of: "/proc/\(process.pid)/fdinfo/\(fd)").split(separator: "\n")
        .first { $0.hasPrefix("flags:") }?.split(separator: "\t").last
      let value = try #require(flags.flatMap { CInt($0, radix: 8) })
      #expect(value & O_NONBLOCK == 0, "descriptor \(fd)")
    }
    for fd in [process.input, process.output, process.errorOutput] {
      #expect(fcntl(fd, F_GETFL) & O_NONBLOCK != 0)
      #expect(fcntl(fd, F_GETFD) & FD_CLOEXEC != 0)
    }
  }

  @Test("it leads its own process group")
  func group() throws {
    let process = try WorkerProcess.spawn(WorkerCommand(["cat"]), environment: [])
    #expect(getpgid(process.pid) == process.pid)
  }

  @Test("it gets its arguments as they are, and its pipes carry bytes")
  func arguments() throws {
    let words = ["", "a b", "$HOME", "é", "'\"", "--"]
    let script = "printf '<%s>' \"$@\"; read line; echo \"$line\"; echo log >&2"
    var process = try WorkerProcess.spawn(WorkerCommand(["/bin/sh", "-c", script, "sh"] + words), environment: [])
    let text = "job\n"
    #expect(write(process.input, text, 4) == 4)
    let printed = output(of: process.output)
    let logged = output(of: process.errorOutput)
    #expect(printed == words.map { "<\($0)>" }.joined() + "job\n")
    #expect(logged == "log\n")
    let end = end(of: &process)
    #expect(end == .exited(code: 0))
  }

  @Test("what concerns only us in the environment is taken out, what is given to it wins, the rest stays")
  func environment() async {
    await #expect(processExitsWith: .success) {
      endAfterSeconds()
      let ours = [
        "NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID", "PREFORK_SLOT",
        "PREFORK_WORKER_ID", "PREFORK_PROTOCOL",
      ]
      for name in ours { setenv(name, "ours", 1) }
      for name in ["KEPT", "NOTIFY_SOCKETS", "CHANGED", "CHANGED_NOT"] { setenv(name, "old", 1) }
      let process = try WorkerProcess.spawn(
        WorkerCommand(["/usr/bin/env"]), environment: [("PREFORK_SLOT", "3"), ("CHANGED", "new"), ("EMPTY", "")])
      let lines = try #require(output(of: process.output)).split(separator: "\n").map(String.init)
      let names = ours + ["KEPT", "NOTIFY_SOCKETS", "CHANGED", "CHANGED_NOT", "EMPTY"]
      let relevant = lines.filter { line in names.contains { line.hasPrefix("\($0)=") } }
      // A name that stands twice means something else to each program.
      let expected = ["CHANGED=new", "CHANGED_NOT=old", "EMPTY=", "KEPT=old", "NOTIFY_SOCKETS=old", "PREFORK_SLOT=3"]
      #expect(relevant.sorted() == expected)
      #expect(process.pid > 0)
    }
  }
}
