import CommandLineKit
import ConfigurationFile
import Glibc
import JobServer
import LinuxIO

/// Foresees why a server could not listen at its addresses.
struct SocketForesight {
  /// One socket of the configuration.
  private struct Use {
    let address: SocketAddress
    /// `the pool a`, `--control`.
    let user: String
    let place: FilePlace?
  }

  private let uses: [Use]
  private let resolution: Resolution
  private let allowsRemote: Bool

  /// Looks up names of hosts, which may take as long as name servers take.
  init(_ configuration: ServeConfiguration, _ settings: ServeSettings) {
    var uses: [Use] = []
    for (pool, said) in zip(configuration.pools, settings.pools) {
      uses += pool.listens.map { Use(address: $0, user: "the pool \(pool.name)", place: said.placeOfListen) }
    }
    let process = settings.process
    if let address = configuration.controlAddress {
      let place = process.place(of: ServeOptions.control)
      uses.append(Use(address: address, user: "--control", place: place ?? uses.first?.place))
    }
    if let address = configuration.metricsListen {
      uses.append(
        Use(address: address, user: "--metrics-listen", place: process.place(of: ServeOptions.metricsListen)))
    }
    self.uses = uses
    resolution = Resolution(of: uses.map(\.address))
    allowsRemote = configuration.allowsRemote
  }

  func check(into mistakes: inout MistakeList) {
    for use in uses {
      if let problem = problem(of: use.address) { mistakes.add(at: use.place, problem) }
    }
    for (number, use) in uses.enumerated() {
      for other in uses[..<number] {
        if let problem = conflict(other, use) { mistakes.add(at: use.place, problem) }
      }
    }
  }

  // MARK: One socket

  private func problem(of address: SocketAddress) -> String? {
    switch address {
    case .abstract: return nil
    case .unix(let path):
      if let problem = folderProblem(of: path) { return "cannot listen on \(address): \(problem)" }
      return isSomethingElse(path) ? "\(SocketError.notASocket(path: path))" : nil
    case .tcp:
      if let error = resolution.failure(of: address) { return sentence(error) }
      guard !allowsRemote, let number = resolution.remoteNumber(of: address) else { return nil }
      return sentence(.remote(address, resolved: number))
    }
  }

  private func sentence(_ error: SocketError) -> String { "\(error)" + (error.hint.map { "; \($0)" } ?? "") }

  private func isSomethingElse(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFSOCK
  }

  // MARK: Two sockets

  /// Those that are written alike are found without looking at anything: `ServeConfiguration.defects`.
  private func conflict(_ one: Use, _ other: Use) -> String? {
    guard one.address != other.address else { return nil }
    switch (one.address, other.address) {
    case (.unix(let first), .unix(let second)):
      if isSameFile(first, second) { return same(one, other) }
      for (socket, lock) in [(first, second), (second, first)] where isSameFile(socket + ".lock", lock) {
        return "unix:\(lock) is the lock file of unix:\(socket): choose another path"
      }
      return nil
    case (.tcp, .tcp):
      let numbers = [one, other].compactMap { resolution.numbers(of: $0.address).first }
      return numbers.count == 2 && overlap(numbers[0], numbers[1]) ? same(one, other) : nil
    case (.unix, _), (.tcp, _), (.abstract, _): return nil
    }
  }

  private func same(_ one: Use, _ other: Use) -> String {
    "\(other.address) for \(other.user) is the same as \(one.address) for \(one.user)"
  }

  private func isSameFile(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard fileName(of: one) == fileName(of: other), stat(folder(of: one), &first) == 0,
      stat(folder(of: other), &second) == 0
    else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  private func fileName(of path: String) -> Substring {
    path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
  }

  /// Whether both cannot be listened on at once: one stands for all addresses, or they are the same.
  private func overlap(_ one: SocketAddress, _ other: SocketAddress) -> Bool {
    guard case .tcp(let first, let port) = one, case .tcp(let second, port) = other, port != 0 else { return false }
    if first == second || first == "::" || second == "::" { return true }
    let isIPv4 = !first.contains(":") && !second.contains(":")
    return isIPv4 && (first == "0.0.0.0" || second == "0.0.0.0")
  }
}

/// What may fail, depending on the user that starts the server, which may be another one than now.
func warnings(about configuration: ServeConfiguration) -> [String] {
  if ProcessTable.isRoot { return [] }
  var warnings: [String] = []
  for pool in configuration.pools {
    if let user = pool.pool.surroundings.user {
      warnings.append("only root can run the workers of the pool \(pool.name) as \(user.text) (--user)")
    }
    if let group = pool.rights.group, group != ProcessTable.ownGroup, !isMember(of: group) {
      warnings.append("only root, or a member of the group, may give a socket to the group \(group) (--socket-group)")
    }
  }
  let others = [configuration.controlAddress, configuration.metricsListen].compactMap(\.self)
  for address in configuration.pools.flatMap(\.listens) + others {
    switch address {
    case .abstract: break
    case .unix(let path) where access(folder(of: path), W_OK | X_OK) != 0:
      warnings.append("cannot listen on \(address) as this user: the folder \(folder(of: path)) is not writable")
    case .unix: break
    case .tcp(_, let port) where port != 0 && Int(port) < firstOpenPort:
      warnings.append(
        "cannot listen on \(address) as this user: ports below \(firstOpenPort) need CAP_NET_BIND_SERVICE")
    case .tcp: break
    }
  }
  return warnings
}

private func isMember(of group: UInt32) -> Bool {
  var groups = [gid_t](repeating: 0, count: 1024)
  let count = getgroups(CInt(groups.count), &groups)
  return groups.prefix(max(0, Int(count))).contains(group)
}

private var firstOpenPort: Int {
  let text = try? RealFileTree().text(of: "/proc/sys/net/ipv4/ip_unprivileged_port_start")
  return text.flatMap { Int($0.split(separator: "\n").first ?? "") } ?? 1024
}
