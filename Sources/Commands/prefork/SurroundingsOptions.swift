import CommandLineKit
import LinuxIO
import WorkerProcess

/// Where the workers' stderr goes, as it is written: `prefix`, `inherit` or the name of a file.
enum StderrValue: Equatable {
  case prefix, inherit
  case file(String)
}

/// The options for the surroundings of workers.
enum SurroundingsOptions {
  static let directory = Option.optional(
    "chdir", .text(placeholder: "DIR", example: "/srv/model"), unset: "ours",
    help: "the directory in which workers start; a relative WORKER counts from there")
  static let environment = Option.repeated(
    "env", .assignment, help: "set a variable of the workers' environment; may be given several times")
  static let clearEnvironment = Option<Bool>.flag(
    "clear-env", help: "workers get nothing of our environment, only --env and PREFORK_*")
  static let user = Option.optional(
    "user", .user, unset: "prefork's own", help: "run workers as this user (and group); only root can")
  static let niceness = Option(
    "nice", .integer(in: -39...39, example: 10), default: "0", help: "add N to the workers' niceness")
  static let limits = Option.repeated(
    "rlimit", .resourceLimit,
    help:
      "limit what each process of a worker may use (setrlimit(2)): nofile=4096, as=2G, core=0, cpu=60:90; may be given "
      + "several times")
  static let stderr = Option<StderrValue>(
    "stderr", .stderr, default: "prefix",
    help:
      "where the workers' stderr goes: to ours, line by line with their names; straight to ours; or appended to FILE, "
      + "line by line with their names")

  static let group = OptionGroup("workers", [directory, environment, clearEnvironment, user, niceness, limits, stderr])

  /// What they amount to.
  static func surroundings(from arguments: ParsedArguments) -> WorkerSurroundings {
    var surroundings = WorkerSurroundings()
    surroundings.directory = arguments[directory].map { Array($0.utf8) }
    surroundings.environment = arguments[environment]
    surroundings.clearsEnvironment = arguments[clearEnvironment]
    surroundings.user = arguments[user]
    surroundings.niceness = arguments[niceness]
    surroundings.limits = arguments[limits]
    return surroundings
  }
}

extension ValueKind where Value == EnvironmentVariable {
  /// `NAME=VALUE`.
  static var assignment: ValueKind {
    ValueKind(placeholder: "NAME=VALUE", example: "OMP_NUM_THREADS=1") { text throws(ValueError) in
      if let variable = EnvironmentVariable(parsing: Array(text.utf8)) { return variable }
      throw ValueError(
        problem: "has no name before an equals sign", wanted: "a name, = and a value", example: "OMP_NUM_THREADS=1")
    }
  }
}

extension ValueKind where Value == ResourceLimit {
  /// `NAME=VALUE` or `NAME=SOFT:HARD`.
  static var resourceLimit: ValueKind {
    ValueKind(placeholder: "NAME=VALUE", example: "nofile=4096") { text throws(ValueError) in
      do throws(ResourceLimitError) {
        return try ResourceLimit.parse(text)
      } catch {
        throw ValueError(problem: error.problem, wanted: error.wanted, example: error.example)
      }
    }
  }
}

extension ValueKind where Value == UserIdentity {
  /// `NAME`, `NAME:GROUP`, or numbers.
  static var user: ValueKind {
    ValueKind(placeholder: "NAME[:GROUP]", example: "nobody") { text throws(ValueError) in
      do throws(UserLookupError) {
        return try UserIdentity.lookup(text)
      } catch {
        throw ValueError(problem: "cannot be used: \(error)", wanted: "a user, or user:group", example: "nobody")
      }
    }
  }
}

extension ValueKind where Value == StderrValue {
  /// `prefix`, `inherit`, or a file.
  static var stderr: ValueKind {
    ValueKind(placeholder: "prefix|inherit|FILE", choices: ["prefix", "inherit"], example: "inherit") {
      text throws(ValueError) in
      switch text {
      case "prefix": return .prefix
      case "inherit": return .inherit
      case "": throw ValueError(problem: "is empty", wanted: "prefix, inherit or a file", example: "workers.log")
      default: return .file(text)
      }
    }
  }
}
