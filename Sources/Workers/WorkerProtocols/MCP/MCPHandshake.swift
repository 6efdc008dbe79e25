import JSON
import Time

/// What is agreed with a server before its first job: its generation, and that it has the tool.
struct MCPHandshake {
  /// What an answer leads to.
  enum Step {
    case send([UInt8])
    case ready
    case tools([WorkerTool])
    case unfit(String)
    case violation(String)
    case nothing
  }

  /// Ids of requests of the handshake are less.
  static let idLimit: UInt64 = 1000
  /// A server that has not answered `server/discover` by then may be an old one that answers no unknown request: it is
  /// sent `initialize`, too. One that is only slow to load refuses that, or takes it, but answers the first one, too.
  static let silence: Nanoseconds = .milliseconds(500)
  /// How often a server looks whether another one has shown its generation.
  private static let lookInterval: Nanoseconds = .milliseconds(20)
  /// It waits no longer than this.
  private static let longestWait: Nanoseconds = .seconds(10)
  /// The most pages of a list of tools that are read.
  static let mostPages = 100

  private enum Request { case discover, initialize, tools }

  /// How far a way to begin has come.
  private enum Opening {
    case unused, sent
    case refused(String)
  }

  private let tool: String?
  private let known: KnownGeneration
  private var exploration: KnownGeneration.Exploration?
  private var discover = Opening.unused
  private var initialize = Opening.unused
  private var requests: [UInt64: Request] = [:]
  private var lastID: UInt64 = 0
  private var tools: [WorkerTool] = []
  private var pages = 0
  private var saysToHaveTools = true
  /// Nil until the server has shown it.
  private(set) var generation: MCPGeneration?

  init(tool: String?, known: KnownGeneration) {
    self.tool = tool
    self.known = known
  }

  // MARK: Sending

  /// Appends what is to be sent at this age of the server; returns how long to wait for the next call.
  mutating func begin(atAge age: Nanoseconds, to message: inout [UInt8]) -> Nanoseconds? {
    guard generation == nil, case .unused = initialize else { return nil }
    guard case .unused = discover else {
      sendInitialize(to: &message)
      return nil
    }
    if known.generation == nil { exploration = known.explore() }
    if exploration != nil || known.generation == .stateless {
      sendDiscover(to: &message)
      return Self.silence
    }
    if known.generation == nil, age < Self.longestWait { return Self.lookInterval }
    sendInitialize(to: &message)
    return nil
  }

  private mutating func newID(_ request: Request) -> UInt64 {
    lastID += 1
    requests[lastID] = request
    return lastID
  }

  private mutating func sendDiscover(to message: inout [UInt8]) {
    discover = .sent
    MCPRequest.append("server/discover", .number(newID(.discover)), .stateless, to: &message)
  }

  private mutating func sendInitialize(to message: inout [UInt8]) {
    initialize = .sent
    MCPRequest.appendInitialize(newID(.initialize), to: &message)
  }

  private mutating func sendList(_ cursor: String?, _ generation: MCPGeneration, to message: inout [UInt8]) {
    pages += 1
    MCPRequest.append("tools/list", .number(newID(.tools)), generation, to: &message) { parameters in
      if let cursor { parameters.appendMember("cursor", cursor) }
    }
  }

  // MARK: Answers

  /// An answer to a request of the handshake has come; without an id it is to the only one that is open.
  mutating func received(_ id: UInt64?, _ response: JSONRPCMessage.Response, _ text: RawSpan) -> Step {
    guard let id = id ?? requests.keys.min(), let request = requests.removeValue(forKey: id) else {
      return .violation("a response to no request of ours: its \"id\" is \(id.map { "\($0)" } ?? "null")")
    }
    switch (request, response) {
    case (_, .malformed(let reason)): return .violation(reason)
    case (.tools, .result(let result)): return listed(result, text)
    case (.tools, .error(let failure)): return refusedList(failure)
    case (.discover, .result(let result)): return discovered(result, text)
    case (.discover, .error(let failure)): return refusedDiscover(failure.message)
    case (.initialize, .result(let result)): return initialized(result, text)
    case (.initialize, .error(let failure)): return refusedInitialize(failure.message)
    }
  }

  private mutating func discovered(_ result: JSONValue, _ text: RawSpan) -> Step {
    guard generation == nil else { return .nothing }
    let members = try? JSONObject(text, result.range)
    let versions = (try? members?.textsIfAny("supportedVersions")) ?? []
    guard versions.contains(MCPGeneration.stateless.version) else {
      return refusedDiscover("it supports the versions \(versions.joined(separator: ", "))")
    }
    return settle(.stateless, members)
  }

  private mutating func refusedDiscover(_ reason: String) -> Step {
    guard generation == nil else { return .nothing }
    discover = .refused(reason)
    return tryOtherWay()
  }

  private mutating func initialized(_ result: JSONValue, _ text: RawSpan) -> Step {
    guard generation == nil else { return .nothing }
    guard let members = try? JSONObject(text, result.range) else {
      return refusedInitialize("its answer is no object")
    }
    return settle(.session, members)
  }

  private mutating func refusedInitialize(_ reason: String) -> Step {
    guard generation == nil else { return .nothing }
    initialize = .refused(reason)
    return tryOtherWay()
  }

  /// One way to begin is refused: it may be the other one.
  private mutating func tryOtherWay() -> Step {
    var message: [UInt8] = []
    switch (discover, initialize) {
    case (.unused, _): sendDiscover(to: &message)
    case (_, .unused): sendInitialize(to: &message)
    case (.sent, _), (_, .sent): return .nothing
    case (.refused(let first), .refused(let second)):
      return .unfit("refused server/discover (\(first)) and initialize (\(second)): is it an MCP server?")
    }
    return .send(message)
  }

  private mutating func settle(_ generation: MCPGeneration, _ members: JSONObject?) -> Step {
    self.generation = generation
    known.settle(generation)
    exploration = nil
    if let capabilities = try? members?.objectIfAny("capabilities") {
      saysToHaveTools = capabilities.names.contains("tools")
    }
    var message: [UInt8] = []
    if generation == .session { MCPRequest.appendNotification("notifications/initialized", to: &message) }
    sendList(nil, generation, to: &message)
    return .send(message)
  }

  // MARK: Tools

  private mutating func listed(_ result: JSONValue, _ text: RawSpan) -> Step {
    let found: [WorkerTool]?
    let cursor: String?
    do throws(JSONObjectError) {
      let members = try JSONObject(text, result.range)
      found = try members.objectsIfAny("tools") { tool throws(JSONObjectError) in
        WorkerTool(name: try tool.text("name"), description: try tool.textIfAny("description") ?? "")
      }
      cursor = try members.textIfAny("nextCursor")
    } catch {
      return .violation("no list of tools: \(error)")
    }
    guard let found, let generation else { return .violation("no list of tools: \"tools\" is missing") }
    tools += found
    if let tool, found.contains(where: { $0.name == tool }) { return .ready }
    guard let cursor, pages < Self.mostPages else { return end(hasMore: cursor != nil) }
    var message: [UInt8] = []
    sendList(cursor, generation, to: &message)
    return .send(message)
  }

  /// All tools are known. `hasMore`: all that are asked for.
  private func end(hasMore: Bool) -> Step {
    guard let tool else { return .tools(tools) }
    let most = 50
    var names = tools.prefix(most).map(\.name).joined(separator: ", ")
    if tools.count > most { names += ", …" }
    let has = tools.isEmpty ? "nor any other" : "it has \(names)"
    let pages = hasMore ? " (its list has more than \(Self.mostPages) pages, of which the first were read)" : ""
    return .unfit("has no tool \"\(tool)\", \(has)\(pages) (--tool)")
  }

  /// A server need not list its tools to be called; but one that has none cannot be.
  private func refusedList(_ failure: ReplyFailure) -> Step {
    if !saysToHaveTools { return .unfit("has no tools: it is an MCP server for something else") }
    return tool == nil ? .unfit("does not list its tools: \(failure.message)") : .ready
  }
}
