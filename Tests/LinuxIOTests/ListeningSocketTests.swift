import Glibc
import Synchronization
import TestSupport
import Testing
import Time

@testable import LinuxIO

/// Sockets that take connections: their files, their addresses, and what accept can meet.
@Suite struct ListeningSocketTests {
  @Test("a socket file is for its owner alone unless told otherwise, whatever the umask, and is gone with its socket")
  func rights() throws {
    let folder = try SocketFolder()
    do {
      let socket = try ListeningSocket(folder.address("a"))
      #expect(folder.mode(of: "a") == S_IFSOCK | 0o600)
      #expect(isNonBlocking(socket.descriptor) && closesOnExec(socket.descriptor) == true)
      let open = try ListeningSocket(folder.address("b"), rights: SocketFileRights(mode: 0o666, group: getegid()))
      #expect(folder.mode(of: "b") == S_IFSOCK | 0o666)
      #expect(folder.names == ["a", "b"])
      #expect(open.address == folder.address("b"))
    }
    #expect(folder.names == [])
  }

  @Test("who listens already is not disturbed; a stale file is replaced")
  func stale() throws {
    let folder = try SocketFolder()
    let address = folder.address("a")
    try folder.makeStaleSocket("a")
    #expect(failureToConnect(address) == .connect(address, SystemError("connect", ECONNREFUSED)))
    let socket = try ListeningSocket(address)
    #expect(failure(address) == .inUse(address))
    let client = try StreamSocket.connect(to: address, timeout: .seconds(60))
    // The one that looked whether somebody is there came first, and has gone.
    _ = try connection(of: socket).peer
    let peer = try connection(of: socket).peer
    #expect(peer == .process(pid: getpid(), uid: geteuid(), gid: getegid()))
    #expect(client.descriptor >= 0)
    #expect(folder.names == ["a"])
  }

  @Test("what is no socket is left alone, and so is a file that is not ours any more")
  func foreign() throws {
    let folder = try SocketFolder()
    close(open("\(folder.path)/file", O_CREAT | O_RDWR, 0o600))
    #expect(failure(folder.address("file")) == .notASocket(path: "\(folder.path)/file"))
    #expect(folder.mode(of: "file") == S_IFREG | 0o600)
    symlink("/nowhere", "\(folder.path)/link")
    #expect(failure(folder.address("link")) == .notASocket(path: "\(folder.path)/link"))
    do {
      let first = try ListeningSocket(folder.address("a"))
      unlink("\(folder.path)/a")
      let second = try ListeningSocket(folder.address("a"))
      _ = consume first
      #expect(folder.names == ["a", "file", "link"])
      #expect(failureToConnect(second.address) == nil)
    }
    #expect(folder.names == ["file", "link"])
    #expect(failure(.unix(path: "/nosuch/x"))?.hint == "its folder must exist")
  }

  @Test("of two that start at once over a stale file, exactly one wins, and it can be reached")
  func race() async throws {
    for round: UInt64 in 0..<400 {
      let folder = try SocketFolder()
      let address = folder.address("a")
      try folder.makeStaleSocket("a")
      let line = StartingLine()
      let outcomes = await withTaskGroup(of: Winner?.self) { group in
        for runner: UInt64 in 0..<2 {
          group.addTask {
            // The second one comes later and later, so that it is caught at each step of the first.
            line.wait(andThen: Nanoseconds(runner * round * 250))
            return Winner(address)
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let winners = outcomes.compactMap { $0 }
      #expect(winners.count == 1)
      #expect(failureToConnect(address) == nil)
      #expect(folder.names == ["a"])
    }
  }

  /// Lets all go at the same moment, if the machine lets them run at the same time.
  final class StartingLine: Sendable {
    private let arrived = Atomic(0)

    func wait(andThen nanoseconds: Nanoseconds) {
      arrived.add(1, ordering: .relaxed)
      let patience = monotonicNow() + 20_000_000
      while arrived.load(ordering: .relaxed) < 2, monotonicNow() < patience {}
      let start = monotonicNow() + nanoseconds
      while monotonicNow() < start {}
    }
  }

  /// A socket that can stand in an array.
  final class Winner: Sendable {
    let socket: ListeningSocket
    init?(_ address: SocketAddress) {
      guard let socket = try? ListeningSocket(address) else { return nil }
      self.socket = socket
    }
  }

  @Test("a lock that somebody holds for ever is told, not waited for for ever")
  func locked() throws {
    let folder = try SocketFolder()
    let lock = open("\(folder.path)/a.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    #expect(flock(lock, LOCK_EX) == 0)
    let error = failure(folder.address("a"))
    close(lock)
    guard case .locked(path: "\(folder.path)/a", let holder?)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(holder.hasPrefix("process \(getpid()) ("))
    // One that was left by a crash is nobody's.
    let socket = try ListeningSocket(folder.address("a"))
    #expect(socket.descriptor >= 0 && folder.names == ["a"])
  }

  @Test("an abstract name has no file, and is whose who has it")
  func abstract() throws {
    let address = SocketAddress.abstract(name: "prefork-test-\(getpid())")
    let socket = try ListeningSocket(address)
    #expect(socket.address == address)
    #expect(failure(address) == .inUse(address))
    #expect(failureToConnect(address) == nil)
    #expect(summary(socket.accept()) == "connection of pid \(getpid()) (uid \(geteuid()))")
    #expect(summary(socket.accept()) == "nobody")
  }

  @Test("TCP: a port of the system's choice is told; accepted connections send at once")
  func loopback() throws {
    let socket = try ListeningSocket(.tcp(host: "localhost", port: 0))
    guard case .tcp("127.0.0.1", let port) = socket.address, port > 0 else {
      Issue.record("listens on \(socket.address)")
      return
    }
    let isRemote = socket.isRemote
    #expect(!isRemote)
    #expect(failure(socket.address) == .inUse(socket.address))
    let client = try StreamSocket.connect(to: .tcp(host: "localhost", port: port), timeout: .seconds(60))
    let server = try connection(of: socket)
    let peer = server.peer
    #expect(try peer == .host(#require(ResolvedAddress.bound(to: client.descriptor).address)))
    for descriptor in [client.descriptor, server.socket.descriptor] {
      var (value, length) = (CInt(0), socklen_t(4))
      #expect(getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &value, &length) == 0 && value != 0)
      #expect(isNonBlocking(descriptor) && closesOnExec(descriptor) == true)
    }
  }

  @Test(
    "an address that others can reach is refused unless that is allowed",
    arguments: ["0.0.0.0", "::", "10.1.2.3", "::ffff:10.1.2.3"])
  func remote(host: String) {
    let address = SocketAddress.tcp(host: host, port: 0)
    guard case .remote = failure(address) else {
      Issue.record("\(address) was not refused")
      return
    }
    if host == "0.0.0.0" { #expect(failure(address, allowsRemote: true) == nil) }
  }

  @Test("all of 127.0.0.0/8 is ours, also as IPv4 in IPv6")
  func local() throws {
    for host in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"] {
      #expect(try ResolvedAddress.all(of: .tcp(host: host, port: 1)).allSatisfy(\.isLocal), "\(host)")
    }
  }

  @Test("without descriptors accept says so, and who waits is still there afterwards")
  func exhaustion() async {
    await #expect(processExitsWith: .success) {
      let socket = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
      let client = try StreamSocket.connect(to: socket.address, timeout: .seconds(60))
      try #require(isReady(socket.descriptor))
      let before = try raiseDescriptorLimit()
      var limit = rlimit(rlim_cur: rlim_t(client.descriptor + 8), rlim_max: rlim_t(before.hard))
      try #require(setrlimit(ResourceLimit.Resource.nofile.number, &limit) == 0)
      // Lower numbers may be free, too.
      while dup(client.descriptor) >= 0 {}
      #expect(summary(socket.accept()) == "exhausted: accept: Too many open files (EMFILE)")
      #expect(isReady(socket.descriptor))
      #expect(try raiseDescriptorLimit().soft == UInt64(client.descriptor) + 8)
      #expect(summary(socket.accept()).hasPrefix("connection of tcp:127.0.0.1:"))
    }
  }

  @Test("connections that were given up before they were taken are skipped; an end is put to that")
  func aborted() throws {
    let socket = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
    let client = try StreamSocket.connect(to: socket.address, timeout: .seconds(60))
    try #require(isReady(socket.descriptor))
    FaultPlan.$current.withValue(FaultPlan(.accept, Array(repeating: ECONNABORTED, count: 1000))) {
      #expect(summary(socket.accept()) == "nobody")
    }
    FaultPlan.$current.withValue(FaultPlan(.accept, [ECONNABORTED, EPROTO, EINTR])) {
      #expect(summary(socket.accept()).hasPrefix("connection of"))
    }
    FaultPlan.$current.withValue(FaultPlan(.accept, [EINVAL])) {
      #expect(summary(socket.accept()) == "failed: accept: Invalid argument (EINVAL)")
    }
    #expect(client.descriptor >= 0)
  }

  @Test("an inherited socket must listen; it is made ours, and its file stays")
  func inherited() throws {
    let folder = try SocketFolder()
    let address = folder.address("a")
    let theirs = try ListeningSocket(address)
    do {
      let ours = try ListeningSocket(inherited: dup(theirs.descriptor))
      #expect(ours.address == address && closesOnExec(ours.descriptor) == true)
      #expect(failureToConnect(address) == nil)
      let peer = try connection(of: ours).peer
      #expect(peer.uid == geteuid())
    }
    #expect(folder.names == ["a"])
    let pair = try Pair.sockets()
    let number = dup(pair.ours.rawValue)
    let error = #expect(throws: SocketError.self) { _ = try ListeningSocket(inherited: number).descriptor }
    #expect(error == .notListening(descriptor: number))
    let pipe = try Pipe()
    #expect(throws: SocketError.self) { _ = try ListeningSocket(inherited: dup(pipe.readEnd)).descriptor }
  }
}
