import Glibc
import LinuxIO
import Metrics
import MetricsServer
import TestSupport
import Testing
import Time

@Suite(.serialized) struct HostileClientTests {
  @Test("a connection is kept, and pipelined requests are answered in their order")
  func pipelined() throws {
    var served = try ServedMetrics()
    served.notReady = "not yet"
    let client = try Client(served.address)
    let paths = ["/healthz", "/metrics", "/readyz", "/nowhere", "/metrics", "/healthz"]
    client.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
    #expect(try served.serve { client.answers == 6 })
    let statuses = client.text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
    #expect(statuses == ["200", "200", "503", "404", "200", "200"] && !client.isClosed)
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(try served.serve { client.answers == 7 })
  }

  @Test("half a request and silence: the client is closed after the timeout, and nobody waits for it")
  func silent() throws {
    var limits = MetricsServer.Limits()
    limits.timeout = 6
    // On a machine that stalls the timeout may pass before the other client is served: try again then.
    let isServed = try inOneOfFiveAttempts {
      var served = try ServedMetrics(limits: limits)
      let half = try Client(served.address)
      let mute = try Client(served.address)
      half.send("GET /metrics HTT")
      let start = monotonicNow()
      let isServedMeanwhile = try served.get("/metrics").status == "200" && !half.isClosed && !mute.isClosed
      #expect(try served.serve(for: 60_000 * millisecond) { half.isClosed && mute.isClosed })
      #expect(monotonicNow() - start > 5_500 * millisecond)
      return isServedMeanwhile
    }
    #expect(isServed)
  }

  @Test(
    "garbage is refused, and the next client is served",
    arguments: [
      "\r\n\r\n\0\u{1}\u{2}", "GET\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nA\0B: c\r\n\r\n",
      "GET / HTTP/1.1\r\n: \r\n\r\n", String(repeating: "A", count: 100_000),
      "GET /" + String(repeating: "x", count: 100_000) + " HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 20_000) + "\r\n",
    ])
  func garbage(bytes: String) throws {
    var limits = MetricsServer.Limits()
    limits.timeout = 1
    var served = try ServedMetrics(limits: limits)
    let client = try Client(served.address)
    client.send(bytes)
    #expect(try served.serve { client.isClosed })
    #expect(["", "400", "404", "413", "414", "431", "505"].contains(client.text.status), "\(client.text)")
    // When the machine stalls for the timeout, a client may be closed before it is answered.
    #expect(try inOneOfFiveAttempts { try served.get("/metrics").status == "200" })
  }

  @Test("200 clients at once: so many as may be are served, the others when those have gone")
  func crowd() throws {
    var limits = MetricsServer.Limits.patient
    limits.connections = 32
    limits.connectionsPerAddress = 32
    var served = try ServedMetrics(limits: limits)
    var clients = try (0..<200).map { _ in try Client(served.address) }
    for client in clients { client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") }
    #expect(try served.serve { clients.count { $0.answers == 1 } >= 32 })
    try served.serve(for: 100 * millisecond) { false }
    #expect(clients.count { $0.answers == 1 } == 32, "beyond the limit nobody is served")
    // As each goes, one that waited takes its place, until all have been served or refused.
    var answered = 0
    let all = try served.serve(for: 60_000 * millisecond) {
      answered += clients.count { $0.answers == 1 }
      clients.removeAll { $0.answers == 1 || $0.isClosed }
      return clients.isEmpty
    }
    #expect(all && answered == 200, "\(answered)")
  }

  @Test("one address gets so many connections and no more")
  func perAddress() throws {
    var limits = MetricsServer.Limits.patient
    limits.connectionsPerAddress = 3
    var served = try ServedMetrics(limits: limits)
    let clients = try (0..<6).map { _ in try Client(served.address) }
    #expect(try served.serve { clients.count { $0.isClosed } == 3 })
    for client in clients where !client.isClosed { client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") }
    #expect(try served.serve { clients.count { $0.answers == 1 } == 3 })
  }

  @Test("who does not read a large answer holds up nobody")
  func slowReader() throws {
    var served = try ServedMetrics()
    served.body = [UInt8](repeating: 65, count: 20_000_000)
    let slow = try Client(served.address)
    slow.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    try served.serve(for: 200 * millisecond) { false }
    served.body = Array("# EOF\n".utf8)
    for _ in 0..<20 { #expect(try served.get("/metrics").content == "# EOF\n") }
    #expect(try served.serve { slow.text.utf8.count > 20_000_000 })
  }

  @Test("a question that is not answered is an error of ours, not a wait; a server that goes leaves nobody hanging")
  func unanswered() throws {
    let address: Address
    let client: Client
    do {
      let listener = try Address.ip4.listen()
      address = Address.ip4.bound(to: listener)
      var server = try MetricsServer(on: FileDescriptor(owning: listener))
      client = try Client(address)
      client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
      let end = monotonicNow() + 60_000 * millisecond
      var question: MetricsServer.Question?
      while question == nil, monotonicNow() < end {
        server.run()
        question = server.nextQuestion()
      }
      #expect(question == .metrics(.prometheusText))
      server.answer(notReady: nil)
      #expect(server.nextQuestion() == nil)
      while client.answers == 0, monotonicNow() < end { server.run() }
      #expect(client.text.status == "500")
      while question != .readiness, monotonicNow() < end {
        server.run()
        question = server.nextQuestion()
      }
    }
    #expect(client.isClosed)
  }

  @Test("memory stays where it is through thousands of requests and connections")
  func memory() throws {
    var limits = MetricsServer.Limits.patient
    limits.connectionsPerAddress = limits.connections
    var served = try ServedMetrics(limits: limits)
    served.body = [UInt8](repeating: 65, count: 200_000)
    func round() throws {
      for _ in 0..<100 { _ = try served.get("/metrics") }
      for _ in 0..<5 {
        let clients = try (0..<26).map { _ in try Client(served.address) }
        for client in clients { client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(try served.serve { clients.allSatisfy { $0.answers == 1 } })
      }
    }
    try round()
    let before = OwnUsage().residentBytes
    for _ in 0..<3 { try round() }
    let grown = OwnUsage().residentBytes - before
    // One answer in two that is not freed would be more; other tests of this process may take some meanwhile.
    #expect(grown < 70_000_000, "\(grown) bytes")
  }
}
