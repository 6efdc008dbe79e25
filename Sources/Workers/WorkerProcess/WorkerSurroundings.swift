import LinuxIO

/// In which surroundings a worker runs. By default they are ours.
///
/// User, niceness, limits and `diesWithThread` are set by a launcher, which is the running program itself, started once
/// more for some milliseconds. It needs /proc, and that this module is linked into the main executable
/// (`ChildProcess.hasLauncher`); otherwise a spawn that asks for one of these fails with `SpawnError.Step.launcher`.
public struct WorkerSurroundings: Sendable {
  /// The directory that it starts in, byte for byte without a NUL; nil: ours. A relative program is looked for from
  /// there, as `env -C` does. It is entered as the user that the worker runs as.
  public var directory: [UInt8]?
  /// Added to its environment, in the place of what has the same name; the last one of a name counts. What prefork
  /// itself gives (`PREFORK_SLOT` and the like) wins over these.
  public var environment: [EnvironmentVariable] = []
  /// Whether it gets nothing of our own environment, as with `env -i`: not even PATH. (The program itself is still
  /// looked for in our PATH.)
  public var clearsEnvironment = false
  /// The user that it runs as; nil: ours. HOME, USER, LOGNAME and SHELL are then those of the user, unless they stand
  /// in `environment`.
  public var user: UserIdentity?
  /// Added to our niceness, -39 to 39; the system keeps the sum within -20 to 19. Only root may lower it.
  public var niceness = 0
  /// Set before it becomes another user: what root may raise can be raised.
  public var limits: [ResourceLimit] = []
  /// Whether the worker is killed as soon as the *thread* that started it ends (PR_SET_PDEATHSIG), and so with us,
  /// however we end. Only for a program that starts all its workers in a thread which lives longer than they do; a
  /// `CrashGuard` sees to the end of workers without it. The kernel forgets it when the worker executes a program that
  /// gives it other rights (set-user-ID, file capabilities).
  public var diesWithThread = false

  /// Ours.
  public init() {}
}

/// A variable of the environment, byte for byte.
public struct EnvironmentVariable: Equatable, Sendable {
  /// Not empty, without `=` and NUL.
  public let name: [UInt8]
  /// Without NUL.
  public let value: [UInt8]

  /// A variable. The name must not be empty.
  public init(_ name: String, _ value: String) {
    self.name = Array(name.utf8)
    self.value = Array(value.utf8)
  }

  /// `NAME=VALUE`; nil without a name or without `=`.
  public init?(parsing text: [UInt8]) {
    guard let sign = text.firstIndex(of: UInt8(ascii: "=")), sign > 0 else { return nil }
    name = Array(text[..<sign])
    value = Array(text[(sign + 1)...])
  }
}
