import CommandLineKit
import LinuxIO

/// How a worker is asked to give up its job.
enum CancelValue: Equatable {
  /// In the way of its protocol.
  case message
  /// By this signal to its process group.
  case signal(CInt)
}

extension ValueKind where Value == CancelValue {
  /// `message`, or `signal=` and the name of a signal, with or without `SIG`.
  static var cancel: ValueKind {
    let choices = ["message", "signal=INT"]
    return ValueKind(placeholder: "message|signal=NAME", choices: choices, example: "signal=INT") {
      text throws(ValueError) in
      if text == "message" { return .message }
      guard text.hasPrefix("signal=") else {
        throw ValueError(
          problem: "is not one of the choices", wanted: "message, or signal= and its name", example: "signal=INT")
      }
      let name = text.dropFirst("signal=".count)
      let full = name.hasPrefix("SIG") ? String(name) : "SIG\(name)"
      guard let number = (1...31).first(where: { signalName($0) == full }), !["SIGKILL", "SIGSTOP"].contains(full)
      else {
        throw ValueError(
          problem: "names no signal that a program can handle", wanted: "the name of a signal", example: "signal=INT")
      }
      return .signal(number)
    }
  }
}
