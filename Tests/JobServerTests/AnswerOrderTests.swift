import LinuxIO
import TestSupport
import Testing
import Time
import WireFormats

@testable import JobServer

/// The answers of one connection come out in the order of its jobs, however the jobs end.
@Suite struct AnswerOrderTests {
  private struct Client: ~Copyable {
    var order = AnswerOrder()
    var output = ByteQueue()

    mutating func answer(_ place: UInt64, _ text: String) {
      Array(text.utf8).withUnsafeBytes { order.answer(place, $0, as: .lines, to: &output) }
    }

    var lines: [String] {
      output.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.split(separator: "\n").map(String.init)
    }
  }

  @Test("what ends first waits for those before it, and comes out with them")
  func waits() {
    var client = Client()
    let places = (0..<3).map { _ in client.order.take() }
    client.answer(places[2], "third")
    client.answer(places[1], "second")
    #expect(client.lines.isEmpty)
    #expect(client.order.heldBytes == 11)
    #expect(client.order.pending == 3)
    client.answer(places[0], "first")
    #expect(client.lines == ["first", "second", "third"])
    #expect(client.order.heldBytes == 0)
    #expect(client.order.pending == 0)
  }

  @Test("an answer that waits can be withdrawn, one that is out cannot")
  func withdrawn() {
    var client = Client()
    let places = (0..<4).map { _ in client.order.take() }
    client.answer(places[2], "third")
    let isWithdrawn = client.order.withdraw(places[2])
    let isThere = client.order.withdraw(places[3])
    client.answer(places[0], "first")
    let isOut = client.order.withdraw(places[0])
    #expect([isWithdrawn, isThere, isOut] == [true, false, false])
    #expect(client.order.heldBytes == 0)
    client.answer(places[1], "second")
    client.answer(places[3], "fourth")
    let text = client.output.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    #expect(text == "first\nsecond\n\nfourth\n")
  }

  @Test("ten thousand jobs that end in any order are answered in theirs", arguments: [1, 2, 3] as [UInt64])
  func shuffled(seed: UInt64) {
    var random = SplitMix64(state: seed)
    var client = Client()
    var running: [UInt64] = []
    var answered = 0
    while answered < 10_000 {
      if running.count < 1 + Int(random.next() % 300), client.order.next < 10_000 {
        running.append(client.order.take())
      }
      guard !running.isEmpty, random.next() % 2 == 0 || client.order.next == 10_000 else { continue }
      // One that hangs for a while makes the others pile up.
      let choice = random.next() % 8 == 0 ? 0 : Int(random.next() % UInt64(running.count))
      let place = running.remove(at: choice)
      client.answer(place, "\(place)")
      answered += 1
      #expect(client.order.pending >= running.count)
    }
    #expect(client.lines == (0..<10_000).map { "\($0)" })
    #expect(client.order.heldBytes == 0)
  }

  @Test("nothing that came out is kept: a stream of jobs in order holds no memory")
  func inOrder() {
    var client = Client()
    for _ in 0..<1000 {
      let place = client.order.take()
      client.answer(place, "x")
      #expect(client.order.pending == 0)
    }
  }
}

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
