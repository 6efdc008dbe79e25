import CLinux
import Glibc

/// What addresses stand for, looked up beforehand: the name of a host may take seconds, and a loop must not wait.
public struct Resolution: Sendable {
  private var found: [SocketAddress: Result<[ResolvedAddress], SocketError>] = [:]

  /// Looks all of them up, and blocks until that is done. What cannot be resolved is an error when it is used.
  public init(of addresses: [SocketAddress]) {
    for address in Set(addresses) {
      found[address] = Result { () throws(SocketError) in try ResolvedAddress.all(of: address) }
    }
  }

  /// Why an address cannot be resolved; nil if it can, or was not looked up.
  public func failure(of address: SocketAddress) -> SocketError? {
    if case .failure(let error)? = found[address] { error } else { nil }
  }

  /// In numbers, all that an address stands for; empty if it cannot be resolved, or was not looked up.
  public func numbers(of address: SocketAddress) -> [SocketAddress] {
    if case .success(let resolved)? = found[address] { resolved.compactMap(\.address) } else { [] }
  }

  /// The one of its numbers that other machines can reach; nil if there is none.
  public func remoteNumber(of address: SocketAddress) -> SocketAddress? {
    guard case .success(let resolved)? = found[address] else { return nil }
    return resolved.first { !$0.isLocal }.map { $0.address ?? address }
  }

  func addresses(of address: SocketAddress) throws(SocketError) -> [ResolvedAddress] {
    guard let known = found[address] else { return try ResolvedAddress.all(of: address) }
    return try known.get()
  }
}

/// An address as the kernel takes it.
struct ResolvedAddress: Sendable {
  /// More addresses of one name are not tried.
  private static let most = 16

  var kernel = prefork_address()

  /// All addresses that this one stands for, in the order of getaddrinfo(3): many for the name of a host, else one.
  static func all(of address: SocketAddress) throws(SocketError) -> [ResolvedAddress] {
    switch address {
    case .unix(let path): return [try unix(path, isAbstract: false, address)]
    case .abstract(let name): return [try unix(name, isAbstract: true, address)]
    case .tcp(let host, let port):
      var found = [prefork_address](repeating: prefork_address(), count: most)
      var count: CInt = 0
      let code = prefork_resolve(host, "\(port)", &found, CInt(most), &count)
      if code == EAI_SYSTEM { throw .unresolved(address, reason: SystemError("getaddrinfo").reason) }
      if code != 0 { throw .unresolved(address, reason: String(cString: gai_strerror(code))) }
      return found.prefix(Int(count)).map(ResolvedAddress.init)
    }
  }

  private static func unix(_ name: String, isAbstract: Bool, _ address: SocketAddress) throws(SocketError)
    -> ResolvedAddress
  {
    var resolved = ResolvedAddress()
    // A String of the right length made by hand instead of by `parse` may be too long.
    if prefork_unix_address(&resolved.kernel, name, name.utf8.count, isAbstract ? 1 : 0) < 0 {
      throw .listen(address, SystemError("sockaddr_un"))
    }
    return resolved
  }

  /// Where a socket is bound.
  static func bound(to fd: CInt) throws(SystemError) -> ResolvedAddress {
    var resolved = ResolvedAddress()
    if prefork_bound_address(fd, &resolved.kernel) < 0 { throw SystemError("getsockname") }
    return resolved
  }

  /// Whether other machines cannot reach it.
  var isLocal: Bool { withUnsafePointer(to: kernel) { prefork_is_local_address($0) } != 0 }

  /// Whether it is a file or a name on this machine; nil for what is neither that nor of the internet.
  var isUnix: Bool? {
    switch described.kind {
    case "u", "a", "n": true
    case "4", "6": false
    default: nil
    }
  }

  /// Whether it is of IPv4.
  var isIPv4: Bool { described.kind == "4" }

  /// In numbers; nil for a unix socket without a name, or another family.
  var address: SocketAddress? {
    let (kind, text, port) = described
    switch kind {
    case "u": return .unix(path: text)
    case "a": return .abstract(name: text)
    case "4", "6": return .tcp(host: text, port: port)
    default: return nil
    }
  }

  private var described: (kind: Unicode.Scalar, text: String, port: UInt16) {
    var kind: CInt = 0
    var port: CUnsignedInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: 128) { buffer, count in
      buffer.withMemoryRebound(to: CChar.self) {
        kind = withUnsafePointer(to: kernel) { [text = $0.baseAddress] in
          prefork_describe_address($0, text, &count, &port)
        }
      }
    }
    let scalar = Unicode.Scalar(UInt8(truncatingIfNeeded: kind))
    return (scalar, String(decoding: bytes, as: UTF8.self), UInt16(truncatingIfNeeded: port))
  }
}
