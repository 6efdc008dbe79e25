import JSON

/// Why a call was refused: the typed errors of `io.prefork.Pool` and of `org.varlink.service`.
public enum ControlError: Error, Equatable, Sendable {
  /// There is no pool of this name, only `pools`; nil if none was named and there are several.
  case noSuchPool(String?, pools: [String])
  /// There is no slot of this number.
  case noSuchSlot(Int)
  /// No such job, or it is settled.
  case noSuchJob(UInt64)
  /// This user may not do it.
  case notPermitted(uid: UInt32)
  /// From `minimum` to `maximum` workers make no sense, or are more than `most`.
  case invalidSize(minimum: Int, maximum: Int, most: Int)
  /// The pool is going down.
  case stopping
  /// The new configuration is not used.
  case reloadFailed(String)

  /// No such interface.
  case interfaceNotFound(String)
  /// The interface has no such method.
  case methodNotFound(String)
  /// The method cannot be called in this way.
  case methodNotImplemented(String)
  /// A parameter is missing, unknown, or not what it must be.
  case invalidParameter(String)
  /// Refused by a server that gives no details.
  case permissionDenied
  /// The method must be called with `more`.
  case expectedMore
  /// An error that a newer server may know: its name, and its parameters as JSON.
  case unknown(String, parameters: String)

  /// Its name with the interface.
  public var name: String {
    switch self {
    case .noSuchPool: PoolInterface.name + ".NoSuchPool"
    case .noSuchSlot: PoolInterface.name + ".NoSuchSlot"
    case .noSuchJob: PoolInterface.name + ".NoSuchJob"
    case .notPermitted: PoolInterface.name + ".NotPermitted"
    case .invalidSize: PoolInterface.name + ".InvalidSize"
    case .stopping: PoolInterface.name + ".Stopping"
    case .reloadFailed: PoolInterface.name + ".ReloadFailed"
    case .interfaceNotFound: PoolInterface.serviceName + ".InterfaceNotFound"
    case .methodNotFound: PoolInterface.serviceName + ".MethodNotFound"
    case .methodNotImplemented: PoolInterface.serviceName + ".MethodNotImplemented"
    case .invalidParameter: PoolInterface.serviceName + ".InvalidParameter"
    case .permissionDenied: PoolInterface.serviceName + ".PermissionDenied"
    case .expectedMore: PoolInterface.serviceName + ".ExpectedMore"
    case .unknown(let name, _): name
    }
  }

  /// The answer as it goes over the wire, NUL included.
  var message: [UInt8] {
    JSONWriter.object { answer in
      answer.member("error", name)
      answer.member("parameters", object: write)
    } + [0]
  }

  private func write(to parameters: inout JSONWriter) {
    switch self {
    case .noSuchPool(let pool, let pools):
      parameters.member("pool", pool)
      parameters.member("pools", pools) { $0.element($1) }
    case .noSuchSlot(let slot): parameters.member("slot", slot)
    case .noSuchJob(let job): parameters.member("job", job)
    case .notPermitted(let uid): parameters.member("uid", uid)
    case .invalidSize(let minimum, let maximum, let most):
      parameters.member("minimum", minimum)
      parameters.member("maximum", maximum)
      parameters.member("most", most)
    case .reloadFailed(let reason): parameters.member("reason", reason)
    case .interfaceNotFound(let interface): parameters.member("interface", interface)
    case .methodNotFound(let method), .methodNotImplemented(let method): parameters.member("method", method)
    case .invalidParameter(let parameter): parameters.member("parameter", parameter)
    case .stopping, .permissionDenied, .expectedMore, .unknown: break
    }
  }

  /// The error of that name as a server sent it.
  init(named name: String, _ given: JSONObject?) throws(JSONObjectError) {
    let parameters = given ?? JSONObject()
    let pool = "\(PoolInterface.name)."
    let service = "\(PoolInterface.serviceName)."
    switch name {
    case pool + "NoSuchPool":
      self = .noSuchPool(try parameters.textIfAny("pool"), pools: try parameters.textsIfAny("pools") ?? [])
    case pool + "NoSuchSlot": self = .noSuchSlot(try parameters.number("slot"))
    case pool + "NoSuchJob": self = .noSuchJob(try parameters.number("job"))
    case pool + "NotPermitted": self = .notPermitted(uid: try parameters.number("uid"))
    case pool + "InvalidSize":
      self = .invalidSize(
        minimum: try parameters.number("minimum"), maximum: try parameters.number("maximum"),
        most: try parameters.number("most"))
    case pool + "Stopping": self = .stopping
    case pool + "ReloadFailed": self = .reloadFailed(try parameters.text("reason"))
    case service + "InterfaceNotFound": self = .interfaceNotFound(try parameters.text("interface"))
    case service + "MethodNotFound": self = .methodNotFound(try parameters.text("method"))
    case service + "MethodNotImplemented": self = .methodNotImplemented(try parameters.text("method"))
    case service + "InvalidParameter": self = .invalidParameter(try parameters.text("parameter"))
    case service + "PermissionDenied": self = .permissionDenied
    case service + "ExpectedMore": self = .expectedMore
    default: self = .unknown(name, parameters: parameters.json)
    }
  }
}

extension ControlError: CustomStringConvertible {
  /// What happened, in one sentence for people.
  public var description: String {
    switch self {
    case .noSuchPool(nil, let pools): "there are several pools: \(pools.joined(separator: ", "))"
    case .noSuchPool(let pool?, let pools):
      "there is no pool \"\(pool)\"; there is \(pools.isEmpty ? "none" : pools.joined(separator: ", "))"
    case .noSuchSlot(let slot): "there is no slot \(slot)"
    case .noSuchJob(let job): "there is no job \(job), or it has ended"
    case .notPermitted(let uid): "uid \(uid) may not control this pool"
    case .invalidSize(let minimum, let maximum, let most):
      "a pool of \(minimum)..\(maximum) workers cannot be; the most is \(most)"
    case .stopping: "the pool is going down"
    case .reloadFailed(let reason): "the new configuration is not used: \(reason)"
    case .interfaceNotFound(let interface): "the server does not know the interface \(interface)"
    case .methodNotFound(let method): "the server does not know the method \(method)"
    case .methodNotImplemented(let method): "the server does not do \(method)"
    case .invalidParameter(let parameter): "the server does not accept the parameter \"\(parameter)\""
    case .permissionDenied: "permission denied by the server"
    case .expectedMore: "the server can only stream this"
    case .unknown(let name, let parameters): "the server answered with \(name) \(parameters)"
    }
  }
}
