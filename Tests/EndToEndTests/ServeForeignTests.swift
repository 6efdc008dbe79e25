import Glibc
import Testing

/// Those that speak another protocol to a job socket are answered in it, and nothing of what they send is run: a web
/// page can make a browser send to 127.0.0.1 what it likes.
@Suite struct ServeForeignTests {
  private static let worker = #"sh -c 'while read -r x; do echo "$x" >>"$DIR/seen"; echo "$x"; done'"#

  private func server(_ options: String = "", listen: String = "--listen tcp:127.0.0.1:0") throws -> Server {
    try Server("-w 1 \(options)", worker: Self.worker, listen: listen)
  }

  @Test(
    "a request of HTTP is answered with 400, none of its lines is run, and one message reports it",
    arguments: [
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "GET / HTTP/1.0\n\n", "GET / HTTP/1.1", "OPTIONS * HTTP/1.1\r\n\r\n",
      "POST /x HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nrm\n-rf\n/\n\0\n",
      "CONNECT example.org:443 HTTP/1.1\r\n\r\n", "M-SEARCH * HTTP/1.1\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /\(String(repeating: "a", count: 5000)) HTTP/1.1\r\n\r\n",
      "GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\r\nrm -rf /\n",
    ])
  func http(request: String) throws {
    for format in ["lines", "nul", "records"] {
      let server = try server("--input \(format)")
      let client = try Client(port: server.port)
      client.send(request)
      client.endInput()
      let answer = client.rest()
      #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && answer.contains("--metrics-listen"), "\(answer)")
      let next = try Client(port: server.port)
      let end = format == "nul" ? "\0" : "\n"
      next.send((format == "records" ? #"{"job":"x"}"# : "x") + end)
      #expect(next.next() == "x")
      #expect(server.lines(of: "seen").count == 1)
      client.close()
      next.close()
      let result = server.stop()
      #expect(result.status == 0)
      #expect(result.errors.ranges(of: "speaks HTTP to a job socket: nothing of it is run").count == 1)
    }
  }

  @Test("a request that comes byte by byte, or without an end, is one all the same")
  func slowly() throws {
    let server = try server()
    let client = try Client(port: server.port)
    for character in "GET /x HTTP/1.1\r" {
      client.send(String(character))
      _ = pause(0.005)
    }
    #expect(client.isSilent(for: 0.1))
    client.send("\nHost: a")
    #expect(client.rest().hasPrefix("HTTP/1.1 400 "))
    client.close()
    #expect(server.lines(of: "seen") == [])
    #expect(server.stop().status == 0)
  }

  @Test("the first bytes of TLS are answered with an alert")
  func tls() throws {
    let server = try server()
    let client = try Client(port: server.port)
    client.send([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, 0x0A, 0x0A])
    #expect(Array(client.rest().utf8).starts(with: [0x15, 3, 1, 0, 2, 2, 70]))
    client.close()
    #expect(server.lines(of: "seen") == [])
    #expect(server.stop().errors.contains("speaks TLS to a job socket: nothing of it is run"))
  }

  @Test(
    "jobs that merely look alike are jobs",
    arguments: [
      "GET / ", "GET", "GET / HTTP", "GET / HTTP/1", "get / HTTP/1.1", "GET / HTTP/1.1 ", "POST a letter",
      " GET / HTTP/1.1", "GIT:HTTP/1.1",
    ])
  func jobs(job: String) throws {
    let server = try server()
    let client = try Client(port: server.port)
    client.send(job + "\n")
    #expect(client.next() == job.trimmingPrefix(" ").trimmingSuffix(" "))
    client.close()
    #expect(server.stop().status == 0)
  }

  @Test("a later line is a job whatever it is; over a unix socket, a first one without a CR, too")
  func later() throws {
    let tcp = try server()
    let client = try Client(port: tcp.port)
    client.send("x\nGET / HTTP/1.1\r\n")
    #expect(client.next(2) == ["x", "GET / HTTP/1.1\r"])
    client.close()
    #expect(tcp.stop().status == 0)
    let unix = try server(listen: "--listen unix:$DIR/s")
    let local = try unix.connect()
    local.send("GET /from/a/log HTTP/1.1\n")
    #expect(local.next() == "GET /from/a/log HTTP/1.1")
    let curl = try unix.connect()
    curl.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(curl.rest().hasPrefix("HTTP/1.1 400 "))
    #expect(unix.stop().status == 0)
  }
}

extension String {
  fileprivate func trimmingPrefix(_ character: Character) -> String { String(drop { $0 == character }) }
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    String(reversed().drop { $0 == character }.reversed())
  }
}
