import Chronicle
import ControlClient
import ControlProtocol
import EventLoop
import LinuxIO
import SystemEvents
import Time
import TopView

/// What `prefork top` shows, and how.
public struct TopConfiguration: Sendable {
  /// The server.
  public var address: ControlAddress
  /// As it was given: how the screen names it.
  public var addressText: String
  /// The pool that is shown first.
  public var pool: String?
  /// Between two statuses; one of `PoolInterface.intervals`.
  public var interval: Nanoseconds
  /// What may be written to the terminal.
  public var style: TerminalStyle

  /// This server, in this way.
  public init(address: ControlAddress, addressText: String, pool: String?, interval: Nanoseconds, style: TerminalStyle)
  {
    self.address = address
    self.addressText = addressText
    self.pool = pool
    self.interval = interval
    self.style = style
  }
}

/// How a view ended.
public enum TopEnd: Equatable, Sendable {
  /// Somebody pressed `q`.
  case quit
  /// A signal asked for it.
  case signal(CInt)
  /// There is no terminal any more.
  case terminalGone
  /// The server could not be reached, or refused, before there was anything to show.
  case noServer(ControlClientError)
}

/// Shows the pools of a server on the terminal at `keys` and `screen` until somebody leaves. The terminal is as it was
/// when this returns or throws. SIGPIPE must be ignored.
public func showPools(_ configuration: TopConfiguration, keys: CInt, screen: CInt) throws(SystemError) -> TopEnd {
  let server: ServerLink
  do throws(ControlClientError) {
    server = try ServerLink(configuration.address, interval: configuration.interval, at: monotonicNow())
  } catch {
    return .noServer(error)
  }
  var driver = try TopDriver(configuration, server: server, keys: keys, screen: screen)
  return try driver.run()
}

/// One thread that waits for keys, signals, statuses and the passing of time, and writes what has changed on the
/// screen.
struct TopDriver: ~Copyable {
  static let second: Nanoseconds = .seconds(1)
  /// How long the rest of a key's bytes may take; what comes later was the Escape key.
  private static let keyPatience = second / 20
  private static let keysToken: UInt64 = 1
  private static let screenToken: UInt64 = 2
  static let watchToken: UInt64 = 3
  static let commandToken: UInt64 = 4

  let configuration: TopConfiguration
  var loop: EventLoop
  var view: TopView
  var server: ServerLink
  private var writer: ScreenWriter
  private var terminal: FullScreen
  private var keyReader = KeyReader()
  private var keysSettleAt: Instant?
  private var unwritten = ByteQueue()
  private var isScreenWatched = false
  /// The terminal is in the hands of others: we are to be stopped, but signals come first.
  private var isAway = false
  private var end: TopEnd?

  /// Takes the terminal, for a server that is connected already: a server that cannot be reached is reported before, on
  /// the screen as it was.
  init(
    _ configuration: TopConfiguration, server: consuming ServerLink, keys: CInt, screen: CInt
  ) throws(SystemError) {
    var loop = try EventLoop()
    try loop.watchSignals([
      Signal.hangup, Signal.interrupt, Signal.quit, Signal.terminate, Signal.stop, Signal.proceed, Signal.windowChanged,
      Signal.oneMore, Signal.oneFewer,
    ])
    try server.watchStatuses(in: &loop)
    try loop.add(keys, token: Self.keysToken, readable: true, writable: false)
    terminal = try FullScreen(keys: keys, screen: screen, enter: ScreenWriter.enter, leave: ScreenWriter.leave)
    self.loop = loop
    self.server = server
    self.configuration = configuration
    let size = Self.size(of: screen)
    view = TopView(
      address: configuration.addressText, pool: configuration.pool, interval: configuration.interval,
      style: configuration.style, columns: size.columns, rows: size.rows)
    writer = ScreenWriter(style: configuration.style)
  }

  mutating func run() throws(SystemError) -> TopEnd {
    var events: [LoopEvent] = []
    while true {
      if let end { return end }
      if !isAway { draw() }
      try watchScreen()
      try loop.setAlarm(at: nextDeadline())
      events.removeAll(keepingCapacity: true)
      try loop.wait(into: &events, atMost: isAway ? .none : .endless)
      for event in events where end == nil { try handle(event) }
      if isAway, end == nil { try stop(by: Signal.oneFewer) }
      try passTime()
    }
  }

  private mutating func handle(_ event: LoopEvent) throws(SystemError) {
    switch event {
    case .ready(Self.keysToken, _, _, let hangup): readKeys(hasHungUp: hangup)
    case .ready(Self.screenToken, _, _, let hangup):
      if hangup { end = .terminalGone }
      flush()
    case .ready(Self.watchToken, _, _, _): hear(server.readStatuses(in: &loop, at: loop.now()))
    case .ready: hear(server.readAnswer(in: &loop, at: loop.now()))
    case .signal(let number): try handle(signal: number)
    case .terminal(Signal.hangup): end = .signal(Signal.hangup)
    case .terminal(let number): try stop(by: number)
    case .alarm: break
    }
  }

  private mutating func handle(signal number: CInt) throws(SystemError) {
    switch number {
    case Signal.windowChanged:
      let size = Self.size(of: terminal.screen)
      view.resize(columns: size.columns, rows: size.rows)
      writer.forget()
    case Signal.stop: try stop(by: number)
    case Signal.oneMore, Signal.oneFewer: break
    // Stopped by what cannot be seen coming (SIGSTOP): the shell may have changed the terminal.
    case Signal.proceed: try returnToScreen()
    default: end = .signal(number)
    }
  }

  /// The terminal is given back, and we stop until we are continued.
  private mutating func stop(by signal: CInt) throws(SystemError) {
    if !isAway { terminal.giveBack() }
    unwritten.removeAll()
    let wasStopped = loop.stop(by: signal)
    // An orphaned group cannot be brought to the front.
    if !wasStopped, !isInForeground(of: terminal.keys) { end = .terminalGone }
    try returnToScreen()
  }

  /// The screen is ours again, and nothing of it is known; unless we were continued in the background.
  private mutating func returnToScreen() throws(SystemError) {
    unwritten.removeAll()
    isAway = !isInForeground(of: terminal.keys)
    if isAway { return }
    try terminal.take()
    let size = Self.size(of: terminal.screen)
    view.resize(columns: size.columns, rows: size.rows)
    writer.forget()
  }

  // MARK: Keys

  private mutating func readKeys(hasHungUp: Bool) {
    var bytes: [UInt8] = []
    if !isInForeground(of: terminal.keys) { return isAway = true }
    switch terminal.readKeys(into: &bytes) {
    case .bytes: for key in keyReader.read(bytes) where end == nil { press(key) }
    case .wouldBlock: break
    case .endOfFile: if hasHungUp { end = .terminalGone }
    case .failed: end = .terminalGone
    }
    keysSettleAt = keyReader.isUndecided ? loop.now() + Self.keyPatience : nil
  }

  private mutating func press(_ key: Key) {
    switch view.press(key, at: loop.now()) {
    case nil: break
    case .quit: end = .quit
    case .redraw: writer.forget()
    case .send(let command): hear(server.ask(command, in: &loop, at: loop.now()))
    }
  }

  // MARK: Time

  /// Something shown may change every second (how long ago, messages).
  private func nextDeadline() -> Instant {
    min(loop.now() + Self.second, server.deadline, keysSettleAt ?? .distantFuture)
  }

  private mutating func passTime() throws(SystemError) {
    let now = loop.now()
    if let settle = keysSettleAt, now >= settle {
      keysSettleAt = nil
      if let key = keyReader.settle() { press(key) }
    }
    if now >= server.deadline { hear(server.passTime(in: &loop, at: now)) }
  }

  private mutating func hear(_ news: [ServerNews]) {
    for item in news {
      switch item {
      case .status(let pools): view.take(pools, at: loop.now())
      case .answered(let command, let refusal): view.answered(command, refusal: refusal, at: loop.now())
      case .lost(let error): view.lost(Self.reason(error), at: loop.now())
      case .noServer(let error): end = .noServer(error)
      }
    }
  }

  /// In few words: the address stands before them.
  private static func reason(_ error: ControlClientError) -> String {
    switch error {
    case .closed: "it was closed"
    case .nobodyListens: "nobody listens"
    case .noSocket: "the socket is gone"
    case .noAnswer(_, let time): "nothing came for \(time / second) s"
    case .notASocket, .notPermitted, .system, .malformed, .refused: error.description
    }
  }

  // MARK: The screen

  /// A frame is made only when the one before is on the screen: a slow terminal sees fewer of them, not older ones.
  private mutating func draw() {
    guard unwritten.isEmpty else { return }
    var text = writer.write(view.frame(at: loop.now()))
    text.withUTF8 { unwritten.append(UnsafeRawBufferPointer($0)) }
    flush()
  }

  private mutating func flush() {
    while !unwritten.isEmpty {
      switch unwritten.withUnsafeBytes({ writeOnce(terminal.screen, $0) }) {
      case .bytes(let count): unwritten.removeFirst(count)
      case .wouldBlock: return
      case .closed, .failed:
        end = .terminalGone
        unwritten.removeAll()
      }
    }
  }

  private mutating func watchScreen() throws(SystemError) {
    guard unwritten.isEmpty == isScreenWatched else { return }
    isScreenWatched = !unwritten.isEmpty
    guard isScreenWatched else { return loop.remove(terminal.screen) }
    try loop.add(terminal.screen, token: Self.screenToken, readable: false, writable: true)
  }

  /// Nobody's window is larger; a wrong size must not cost more memory than that.
  private static func size(of screen: CInt) -> (columns: Int, rows: Int) {
    let size = terminalSize(of: screen) ?? (80, 24)
    return (min(size.columns, 1000), min(size.rows, 500))
  }
}
