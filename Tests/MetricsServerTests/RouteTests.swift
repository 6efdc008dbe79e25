import Glibc
import LinuxIO
import Metrics
import MetricsServer
import TestSupport
import Testing
import Time

@Suite struct RouteTests {
  @Test("every way leads where it should")
  func routes() throws {
    var served = try ServedMetrics()
    #expect(try served.get("/").content == "prefork: /metrics /healthz /readyz\n")
    #expect(try served.get("/healthz").content == "ok\n")
    let metrics = try served.get("/metrics?x=1")
    #expect(metrics.status == "200" && metrics.content == "# EOF\n")
    for path in ["/metric", "/metrics/", "//", "/../etc/passwd", "*", "http://x/metrics"] {
      #expect(try served.get(path).status == "404", "\(path)")
    }
    #expect(served.asked == [.metrics(.prometheusText)])
  }

  @Test("the format is the one that the client prefers, and its type is told")
  func formats() throws {
    var served = try ServedMetrics()
    let old = try served.get("/metrics", headers: "Accept: */*\r\n")
    let new = try served.get("/metrics", headers: "Accept: application/openmetrics-text;version=1.0.0\r\n")
    #expect(old.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
    #expect(new.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"))
    #expect(new.contains("Vary: Accept\r\n"))
    #expect(served.asked == [.metrics(.prometheusText), .metrics(.openMetrics)])
  }

  @Test("ready or not: the reason stands in one line")
  func readiness() throws {
    var served = try ServedMetrics()
    let ready = try served.get("/readyz")
    served.notReady = "2 of 4\r\nworkers"
    let waiting = try served.get("/readyz")
    #expect(ready.status == "200" && ready.content == "ready\n")
    #expect(waiting.status == "503" && waiting.content == "2 of 4  workers\n")
  }

  @Test("HEAD tells the length and sends nothing")
  func head() throws {
    var served = try ServedMetrics()
    for path in ["/metrics", "/healthz", "/readyz"] {
      let answer = try served.get(path, method: "HEAD")
      #expect(answer.status == "200" && answer.content == "" && answer.contains("Content-Length: "), "\(path)")
    }
  }

  @Test("other methods are refused, with those that are not", arguments: ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
  func methods(method: String) throws {
    var served = try ServedMetrics()
    let answer = try served.get("/metrics", method: method)
    #expect(answer.status == "405" && answer.contains("Allow: GET, HEAD\r\n"))
    #expect(served.asked == [])
  }

  @Test(
    "a body is not read: the answer ends the connection",
    arguments: ["Content-Length: 100000000\r\n", "Transfer-Encoding: chunked\r\n"])
  func bodies(header: String) throws {
    var served = try ServedMetrics()
    let answer = try served.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\(header)\r\n")
    #expect(answer.status == "413" && served.asked == [])
    #expect(try served.get("/healthz", headers: "Content-Length: 0\r\n").status == "200")
  }

  @Test("IPv6 and unix sockets, and descriptors beyond 1024")
  func sockets() throws {
    var six = try ServedMetrics(.ip6)
    #expect(try six.get("/metrics").content == "# EOF\n")
    let folder = try #require(makeTemporaryFolder())
    defer { rmdir(folder) }
    let path = folder + "/metrics.sock"
    defer { unlink(path) }
    var unix = try ServedMetrics(.unix(path))
    #expect(try unix.get("/metrics").content == "# EOF\n")
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    try #require(limit.rlim_cur > 1500)
    var high = try ServedMetrics(descriptor: 1400)
    #expect(try high.get("/readyz").status == "200")
  }

  @Test("what is no listening socket is an error")
  func noSocket() throws {
    let pipe = try Pipe()
    let copy = fcntl(pipe.readEnd, F_DUPFD_CLOEXEC, 0)
    #expect(throws: MetricsServerError.self) { _ = try MetricsServer(on: FileDescriptor(owning: copy)) }
  }

  @Test("a real client, Python's urllib, gets what it asks for")
  func urllib() throws {
    var served = try ServedMetrics()
    served.body = Array(String(repeating: "x", count: 300_000).utf8)
    guard case .port4(let port) = served.address else { return }
    let program = """
      import urllib.request as u
      base = 'http://127.0.0.1:\(port)'
      print(len(u.urlopen(base + '/metrics', timeout=60).read()), end=' ')
      print(u.urlopen(u.Request(base + '/metrics', method='HEAD'), timeout=60).headers['Content-Length'], end=' ')
      try: u.urlopen(base + '/metrics', data=b'x', timeout=60)
      except u.HTTPError as e: print(e.code, e.headers['Allow'], end='')
      """
    let stream = try #require(popen("exec python3 -c \"\(program)\" 2>&1", "r"))
    let descriptor = fileno(stream)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var output: [UInt8] = []
    try served.serve(for: 120_000 * millisecond) {
      var block = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &block, block.count)
      if count > 0 { output += block[..<count] }
      return count == 0
    }
    #expect(pclose(stream) == 0)
    #expect(String(decoding: output, as: UTF8.self) == "300000 300000 405 GET, HEAD")
  }
}
