import ControlClient
import ControlProtocol
import EventLoop
import LinuxIO
import Time
import TopView

/// What was heard of the server.
enum ServerNews {
  case status([PoolStatus])
  /// `refusal` is nil if it was done.
  case answered(TopCommand, refusal: String?)
  /// There is no connection; it is tried again.
  case lost(ControlClientError)
  /// There never was a status, and now there will be none.
  case noServer(ControlClientError)
}

/// Two connections to a server: one streams statuses, the other is for commands, one at a time. A connection that ends,
/// or on which nothing comes any more, is made anew.
struct ServerLink: ~Copyable {
  /// A connection and the few bytes of a request must not take longer: nothing else happens meanwhile.
  private static let patience: Nanoseconds = .milliseconds(100)
  private static let retryAfter = TopDriver.second
  /// For the answer to a command.
  private static let answerTime = 10 * TopDriver.second

  private let address: ControlAddress
  private let request: ControlRequest
  /// How long nothing may come where a status should come every `interval`.
  private let silence: Nanoseconds
  private var statuses: ControlClient?
  private var commands: ControlClient?
  /// Asked for, in order; the first one is under way if there is a deadline for it.
  private var asked: [TopCommand] = []
  private var answerBy: Instant?
  /// When to give the stream of statuses up, or to try again to have one.
  private var nextBy: Instant
  private var hadStatus = false

  /// Connects.
  init(_ address: ControlAddress, interval: Nanoseconds, at now: Instant) throws(ControlClientError) {
    self.address = address
    request = .watch(pool: nil, interval: interval)
    silence = 3 * interval + 2 * TopDriver.second
    nextBy = now + silence
    var client = try ControlClient(connectingTo: address, patience: Self.patience)
    try client.send(request)
    statuses = consume client
  }

  /// When time has something to do here.
  var deadline: Instant { min(nextBy, answerBy ?? .distantFuture) }

  /// To be called once, when there is a loop.
  func watchStatuses(in loop: inout EventLoop) throws(SystemError) {
    switch statuses {
    case .some(let client):
      try loop.add(client.descriptor, token: TopDriver.watchToken, readable: true, writable: false)
    case .none: break
    }
  }

  // MARK: Statuses

  /// Reads what has come on the stream of statuses.
  mutating func readStatuses(in loop: inout EventLoop, at now: Instant) -> [ServerNews] {
    var news: [ServerNews] = []
    do throws(ControlClientError) {
      guard let goesOn = try statuses?.read() else { return [] }
      // Of several that have come at once only the last is worth showing.
      while let answer = try statuses?.takeAnswer(to: request) {
        if case .status(let pools) = answer.reply { news = [.status(pools)] }
        hadStatus = true
        nextBy = now + silence
      }
      if !goesOn { throw .closed(address.path) }
    } catch {
      news.append(lose(error, in: &loop, at: now))
    }
    return news
  }

  private mutating func lose(_ error: ControlClientError, in loop: inout EventLoop, at now: Instant) -> ServerNews {
    if let client = statuses.take() { loop.remove(client.descriptor) }
    nextBy = now + Self.retryAfter
    return hadStatus ? .lost(error) : .noServer(error)
  }

  private mutating func connectAgain(in loop: inout EventLoop, at now: Instant) -> [ServerNews] {
    do throws(ControlClientError) {
      var client = try ControlClient(connectingTo: address, patience: Self.patience)
      try client.send(request)
      try watch(client.descriptor, TopDriver.watchToken, in: &loop)
      statuses = consume client
      nextBy = now + silence
      return []
    } catch {
      return [lose(error, in: &loop, at: now)]
    }
  }

  // MARK: Commands

  /// Sends a command, as soon as those before it are answered.
  mutating func ask(_ command: TopCommand, in loop: inout EventLoop, at now: Instant) -> [ServerNews] {
    asked.append(command)
    return answerBy == nil ? sendNext(in: &loop, at: now) : []
  }

  /// Reads the answer to the command that is under way; sends the next one.
  mutating func readAnswer(in loop: inout EventLoop, at now: Instant) -> [ServerNews] {
    do throws(ControlClientError) {
      guard let goesOn = try commands?.read() else { return [] }
      if let command = asked.first, try commands?.takeAnswer(to: command.request) != nil {
        return [finish(nil)] + sendNext(in: &loop, at: now)
      }
      if goesOn { return [] }
      throw .closed(address.path)
    } catch {
      if case .refused = error { return [finish(error.description)] + sendNext(in: &loop, at: now) }
      return fail(error, in: &loop, at: now)
    }
  }

  private mutating func sendNext(in loop: inout EventLoop, at now: Instant) -> [ServerNews] {
    guard let command = asked.first else { return [] }
    do throws(ControlClientError) {
      if commands == nil {
        let client = try ControlClient(connectingTo: address, patience: Self.patience)
        try watch(client.descriptor, TopDriver.commandToken, in: &loop)
        commands = consume client
      }
      try commands?.send(command.request)
      answerBy = now + Self.answerTime
      return []
    } catch {
      return fail(error, in: &loop, at: now)
    }
  }

  /// The command that is under way, if any, is over.
  private mutating func finish(_ refusal: String?) -> ServerNews {
    answerBy = nil
    return .answered(asked.removeFirst(), refusal: refusal)
  }

  /// A command cannot be sent to the server, or its answer will not come: all commands that wait for one get the error.
  private mutating func fail(
    _ error: ControlClientError, in loop: inout EventLoop, at now: Instant
  ) -> [ServerNews] {
    if let client = commands.take() { loop.remove(client.descriptor) }
    var news: [ServerNews] = []
    while !asked.isEmpty { news.append(finish(error.description)) }
    return news
  }

  // MARK: Time

  /// Gives up what takes too long, and tries again what is due.
  mutating func passTime(in loop: inout EventLoop, at now: Instant) -> [ServerNews] {
    var news: [ServerNews] = []
    if let answerBy, now >= answerBy {
      news += fail(.noAnswer(address.path, after: Self.answerTime), in: &loop, at: now)
    }
    guard now >= nextBy else { return news }
    guard statuses == nil else {
      return news + [lose(.noAnswer(address.path, after: silence), in: &loop, at: now)]
    }
    return news + connectAgain(in: &loop, at: now)
  }

  private func watch(_ descriptor: CInt, _ token: UInt64, in loop: inout EventLoop) throws(ControlClientError) {
    do throws(SystemError) {
      try loop.add(descriptor, token: token, readable: true, writable: false)
    } catch {
      throw .system(error)
    }
  }
}

extension TopCommand {
  /// As the server is asked.
  var request: ControlRequest {
    switch self {
    case .recycle(let pool, let slot): .recycle(pool: pool, slots: [slot])
    case .recycleAll(let pool): .recycle(pool: pool, slots: nil)
    case .scale(let pool, let minimum, let maximum): .scale(pool: pool, minimum: minimum, maximum: maximum)
    case .drain(let pool): .drain(pool: pool, waits: false)
    }
  }
}
