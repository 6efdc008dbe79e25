import CLinux
import Glibc

/// A stream socket that takes connections; close-on-exec, non-blocking, to be watched for reading.
public struct ListeningSocket: ~Copyable, Sendable {
  private let socket: FileDescriptor
  /// Where it listens, in numbers; with port 0, the port that the system has chosen.
  public let address: SocketAddress
  /// Whether it was passed to us: the process that made it decided which clients may connect.
  public let isInherited: Bool
  private let isUnix: Bool
  private let file: UnixSocketFile?

  /// Listens at `address`.
  ///
  /// A socket in the file system gets `rights`; a stale file is replaced, and at the end our own removed. A name with
  /// several addresses listens on the first that can be bound, IPv4 before IPv6: clients that connect by name try all,
  /// clients that connect to 127.0.0.1 do not. Unless `allowsRemote`, each address that the name stands for must be one
  /// of the loopback.
  ///
  /// With `resolution` nothing is looked up that was looked up there. Another process that starts or ends on the same
  /// path is waited for, at most `lockPatience` milliseconds.
  public init(
    _ address: SocketAddress, rights: SocketFileRights = SocketFileRights(), allowsRemote: Bool = false,
    resolution: Resolution = Resolution(of: []), lockPatience: Int = 3000
  ) throws(SocketError) {
    let resolved = try resolution.addresses(of: address)
    let made = try Self.make(address, resolved, rights, allowsRemote, lockPatience)
    isUnix = made.bound.isUnix == true
    self.address = made.bound.address ?? address
    file = made.file
    socket = made.socket
    isInherited = false
  }

  /// Takes over a descriptor that systemd (or another sd_listen_fds(3) parent) has passed to us, and checks that it is
  /// a stream socket that listens. It is closed in any case, at once if it is refused. Its file is not ours to remove.
  ///
  /// It is made non-blocking, although its sender shares that flag: without it, accept(2) blocks when another
  /// process was faster. Unlike a shell's stdin, this socket is passed for that purpose; systemd itself
  /// sets or clears the flag (`NonBlocking=`) each time that it starts the service.
  public init(inherited number: CInt) throws(SocketError) {
    let inherited = FileDescriptor(owning: number)
    guard prefork_is_listening_stream(number) == 1, let bound = try? ResolvedAddress.bound(to: number),
      let isUnix = bound.isUnix, prefork_set_close_on_exec(number) == 0, prefork_set_nonblocking(number) == 0
    else { throw .notListening(descriptor: number) }
    // A unix socket can listen without a name (autobind fails only for lack of names), but nobody could pass such a one
    // on.
    address = bound.address ?? .abstract(name: "")
    socket = inherited
    isInherited = true
    self.isUnix = isUnix
    file = nil
  }

  deinit { file?.remove() }

  /// To be watched for reading.
  public var descriptor: CInt { socket.rawValue }

  /// A second descriptor of the same socket, for the caller to own; this one stays open.
  public func duplicate() throws(SystemError) -> FileDescriptor {
    let number = fcntl(socket.rawValue, F_DUPFD_CLOEXEC, 3)
    if number < 0 { throw SystemError("fcntl F_DUPFD_CLOEXEC") }
    return FileDescriptor(owning: number)
  }

  /// Whether its file is still there for clients that connect by its path; true if it has none, or one that is not
  /// ours.
  public var hasItsFile: Bool { file?.isInPlace ?? true }

  /// Gives its file other rights; without effect on a socket whose file is not ours, or that has none.
  public func change(_ rights: SocketFileRights) throws(SocketError) { try file?.change(rights) }

  /// Whether it can be reached from other machines.
  public var isRemote: Bool { (try? ResolvedAddress.bound(to: socket.rawValue).isLocal) == false }

  /// What accept has given.
  public enum Acceptance: ~Copyable {
    /// A connection, and its peer.
    case connection(StreamSocket, Peer)
    /// No client waits.
    case wouldBlock
    /// No descriptors (EMFILE, ENFILE) or memory are left. Waiting clients go on waiting, and the socket stays
    /// readable: its owner must stop watching it until a connection has been closed, or some time has passed.
    case exhausted(SystemError)
    /// The call failed.
    case failed(SystemError)
  }

  /// Takes one connection: close-on-exec, non-blocking, TCP_NODELAY. One that its client has given up meanwhile is
  /// skipped.
  public func accept() -> Acceptance {
    var peer = prefork_address()
    // Each error that is skipped has taken a connection off the queue; after 64 of them, epoll reports the rest again.
    for _ in 0..<64 {
      let fault = injectedFault(.accept)
      let number = fault == nil ? prefork_accept(socket.rawValue, &peer) : -1
      if number >= 0 {
        let connection = StreamSocket(owning: FileDescriptor(owning: number))
        if !isUnix { prefork_send_at_once(number) }
        return .connection(connection, isUnix ? Peer(ofUnix: number) : Peer(tcp: ResolvedAddress(kernel: peer)))
      }
      let code = fault ?? errno
      switch code {
      case EAGAIN: return .wouldBlock
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted(SystemError("accept", code))
      // accept(2): errors of the new connection, to be treated like EAGAIN by retrying; EPERM is that of a firewall.
      case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
        ENETUNREACH, ETIMEDOUT:
        continue
      default: return .failed(SystemError("accept", code))
      }
    }
    return .wouldBlock
  }

  /// A new one, before it has a deinit.
  private struct Made: ~Copyable {
    let socket: FileDescriptor
    let bound: ResolvedAddress
    let file: UnixSocketFile?
  }

  private static func make(
    _ address: SocketAddress, _ resolved: [ResolvedAddress], _ rights: SocketFileRights, _ allowsRemote: Bool,
    _ lockPatience: Int
  ) throws(SocketError) -> Made {
    if !allowsRemote, let remote = resolved.first(where: { !$0.isLocal }) {
      throw .remote(address, resolved: remote.address ?? address)
    }
    var failure = SocketError.unresolved(address, reason: "no address of a stream")
    for candidate in resolved.filter(\.isIPv4) + resolved.filter({ !$0.isIPv4 }) {
      do throws(SocketError) {
        return try listen(candidate, address, rights, lockPatience)
      } catch {
        failure = error
      }
    }
    throw failure
  }

  private static func listen(
    _ resolved: ResolvedAddress, _ address: SocketAddress, _ rights: SocketFileRights, _ lockPatience: Int
  ) throws(SocketError) -> Made {
    var resolved = resolved
    let number = prefork_stream_socket(&resolved.kernel)
    if number < 0 { throw .listen(address, SystemError("socket")) }
    let socket = FileDescriptor(owning: number)
    if case .unix(let path) = address {
      let file = try UnixSocketFile.listen(number, at: path, rights, lockPatience)
      return Made(socket: socket, bound: resolved, file: file)
    }
    // Connections of the server before us, which linger in TIME_WAIT, shall not keep us from starting.
    if resolved.isUnix == false { prefork_reuse_address(number) }
    guard prefork_bind(number, &resolved.kernel) == 0, Glibc.listen(number, SOMAXCONN) == 0 else {
      let code = errno
      throw code == EADDRINUSE ? .inUse(address) : .listen(address, SystemError("bind", code))
    }
    // With port 0, the system has chosen one.
    let bound = try? ResolvedAddress.bound(to: number)
    return Made(socket: socket, bound: bound ?? resolved, file: nil)
  }
}

/// The other end of a connection, as the kernel reports it.
public enum Peer: Hashable, Sendable, CustomStringConvertible {
  /// A process of this machine, as it was when it connected: it may be gone, or have passed the connection on. A pid of
  /// 0 is one in a process namespace that we cannot see.
  case process(pid: CInt, uid: UInt32, gid: UInt32)
  /// An address and port of TCP.
  case host(SocketAddress)
  /// Unknown: grant it nothing.
  case unknown

  init(ofUnix number: CInt) {
    var (pid, uid, gid) = (pid_t(0), CUnsignedInt(0), CUnsignedInt(0))
    let isKnown = prefork_peer_credentials(number, &pid, &uid, &gid) == 0
    self = isKnown ? .process(pid: pid, uid: uid, gid: gid) : .unknown
  }

  init(tcp resolved: ResolvedAddress) { self = resolved.address.map(Peer.host) ?? .unknown }

  /// Whether it came by TCP.
  public var isHost: Bool {
    switch self {
    case .host: true
    case .process, .unknown: false
    }
  }

  /// Its user, if it is a process of this machine.
  public var uid: UInt32? {
    guard case .process(_, let uid, _) = self else { return nil }
    return uid
  }

  /// `pid 12 (uid 1000)` or `tcp:127.0.0.1:40312`.
  public var description: String {
    switch self {
    case .process(let pid, let uid, _): "pid \(pid) (uid \(uid))"
    case .host(let address): address.description
    case .unknown: "unknown"
    }
  }
}
