import LinuxIO
import Testing

@testable import JobServer

/// The first bytes of a client say whether it wants records.
@Suite struct GreetingTests {
  private func look(_ bytes: [UInt8], isOver: Bool = false, isTCP: Bool = true) -> Greeting.Look {
    var queue = ByteQueue()
    bytes.withUnsafeBytes { queue.append($0) }
    return Greeting.look(at: queue, isOver: isOver, isTCP: isTCP)
  }

  @Test("each beginning of the request for records is waited with, the whole of it is one")
  func grows() {
    for count in 0..<Greeting.wanted.count {
      #expect(look(Array(Greeting.wanted[..<count])) == .incomplete, "\(count)")
    }
    #expect(look(Greeting.wanted) == .records)
    #expect(look(Greeting.wanted + Array("{}\n".utf8)) == .records)
  }

  @Test("a plain client is one from its first other byte on, and at its end in any case")
  func plain() {
    #expect(look(Array("hello".utf8)) == .plain)
    #expect(look([0x16] + Array("hello".utf8)) == .plain)
    #expect(look([0x16], isOver: true) == .plain)
    #expect(look([0]) == .plain)
    #expect(look([0x0A]) == .plain)
  }

  @Test("a request line of HTTP is one at its end, in any form over TCP, and with a CR over a unix socket")
  func http() {
    let line = Array("GET /x HTTP/1.1".utf8)
    for count in 1...line.count { #expect(look(Array(line[..<count])) == .incomplete, "\(count)") }
    #expect(look(line + [0x0A]) == .foreign(.http) && look(line + [0x0D, 0x0A, 0x0A]) == .foreign(.http))
    #expect(look(line, isOver: true) == .foreign(.http) && look(line + [0]) == .foreign(.http))
    #expect(look(line + [0x0A], isTCP: false) == .plain)
    #expect(look(line + [0x0D, 0x0A], isTCP: false) == .foreign(.http))
    #expect(look(Array("GET /x HTTP/1.1 \n".utf8)) == .plain)
    // A page chooses how long its addresses are: the end of a very long line is not waited for.
    let rest = String(repeating: "x", count: 9000)
    #expect(look(Array("GET /\(rest)".utf8)) == .foreign(.http))
    #expect(look(Array("GET /\(rest)".utf8), isTCP: false) == .plain)
    #expect(look(Array("SELECT /\(rest)".utf8)) == .plain && look(Array("GET \(rest)".utf8)) == .plain)
    #expect(look(Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)) == .plain)
  }

  @Test("a handshake of TLS shows itself by two bytes")
  func tls() {
    #expect(look([0x16]) == .incomplete && look([0x16, 3]) == .foreign(.tls) && look([0x16, 4]) == .plain)
  }
}
