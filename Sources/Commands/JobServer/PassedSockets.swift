import ControlProtocol
import JobEngine
import LinuxIO
import MetricsServer
import ServiceManager

/// The sockets that systemd has opened for us: they are there before we are, and outlive us.
extension ServeDriver {
  /// Gives each passed socket to what its name stands for; nil if all is well. What cannot be placed is named and
  /// closed: a client that is refused knows more than one that waits for ever.
  mutating func take(_ sockets: [PassedSocket]) -> ServeEnd? {
    do throws(SocketError) {
      for socket in sockets { if let failure = try take(socket) { return failure } }
    } catch {
      return .cannotListen(error.description, hint: error.hint)
    }
    for (number, pool) in configuration.pools.enumerated()
    where pool.listens.isEmpty && services[number].listeners.count == 0 {
      return .noJobSocket(pool: poolName(number))
    }
    return nil
  }

  private mutating func take(_ socket: PassedSocket) throws(SocketError) -> ServeEnd? {
    let listener = try ListeningSocket(inherited: socket.descriptor)
    switch destination(of: socket.purpose) {
    case .jobs(let number): services[number].addPassed(listener)
    case .control:
      control = ControlEndpoint(listener, service: ServiceInfo(configuration))
      reporter.note("control on \(socketWords(socket, address(of: control)))")
    case .metrics: return listenForMetrics(listener)
    case .nowhere(let reason):
      reporter.note("\(socketWords(socket, listener.address)) is closed: \(reason)")
    }
    return nil
  }

  private enum Destination {
    case jobs(pool: Int)
    case control, metrics
    case nowhere(String)
  }

  private func destination(of purpose: PassedSocket.Purpose) -> Destination {
    switch purpose {
    case .jobs(nil), .unnamed:
      if configuration.pools.count == 1 { return .jobs(pool: 0) }
      return .nowhere("there are several pools; FileDescriptorName=jobs-POOL says which one is meant")
    case .jobs(let name?):
      if let number = configuration.pools.firstIndex(where: { $0.name == name }) { return .jobs(pool: number) }
      return .nowhere(
        "there is no pool \"\(name)\"; there is " + configuration.pools.map(\.name).joined(separator: ", "))
    case .control:
      return isThere(control) || configuration.control != nil ? .nowhere("control has a socket already") : .control
    case .metrics:
      return isThere(metricsServer) || configuration.metricsListen != nil
        ? .nowhere("metrics have a socket already") : .metrics
    case .unknown:
      return .nowhere("FileDescriptorName= may be jobs, jobs-POOL, control or metrics")
    }
  }
}

private func socketWords(_ socket: PassedSocket, _ address: SocketAddress?) -> String {
  "the passed socket \"\(socket.name)\"" + (address.map { " (\($0))" } ?? "")
}

private func isThere(_ control: borrowing ControlEndpoint?) -> Bool {
  switch control {
  case .some: true
  case .none: false
  }
}

private func address(of control: borrowing ControlEndpoint?) -> SocketAddress? {
  switch control {
  case .some(let control): control.listener.address
  case .none: nil
  }
}

private func isThere(_ server: borrowing MetricsServer?) -> Bool {
  switch server {
  case .some: true
  case .none: false
  }
}
