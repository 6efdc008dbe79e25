import TestSupport
import Testing
import Time

@testable import ControlProtocol

/// Bytes that are no Varlink end the session, with a reason and without much memory.
@Suite struct HostileBytesTests {
  @Test(
    "what is no call ends the session with its reason",
    arguments: [
      ("\0", "not JSON: byte 0: nothing where a value must be"),
      ("GET / HTTP/1.1\r\n\0", "not JSON: byte 0: \"G\" where a value must be"),
      ("[]\0", "not an object"), ("{}\0", #""method" is missing"#),
      (#"{"method":7}"# + "\0", #""method" is not a string"#),
      (#"{"method":"a.b","parameters":[]}"# + "\0", #""parameters" is not an object"#),
      (#"{"method":"a.b","method":"a.c"}"# + "\0", #"two members are named "method""#),
      (#"{"method":"a.b","more":1}"# + "\0", #""more" is not true or false"#),
    ])
  func noCall(text: String, reason: String) {
    var client = Client()
    #expect(client.send(call("Nonsense") + text + call("Reload")) == nil)
    #expect(client.session.failure == .malformed(reason))
    #expect(client.answers().count == 1)
    #expect(client.session.isOver)
    #expect(client.send(call("Reload")) == nil)
  }

  @Test("1 GiB without a NUL ends the session after 1 MiB")
  func endless() {
    var client = Client()
    let block = [UInt8](repeating: UInt8(ascii: "["), count: 65536)
    var blocks = 0
    while client.session.failure == nil, blocks < 16384 {
      client.session.receive(block.span.bytes)
      #expect(client.session.nextRequest() == nil)
      blocks += 1
    }
    #expect(client.session.failure == .tooLong(limit: 1 << 20))
    #expect(blocks == 17)
    #expect(client.session.isOver)
  }

  @Test("objects nested as deeply as 1 MiB allows cost no stack")
  func deep() {
    var client = Client()
    let deep = #"{"method":"a.b","parameters":"# + String(repeating: #"{"a":"#, count: 200_000) + "\0"
    #expect(client.send(deep) == nil)
    #expect(client.session.failure != nil)
  }

  @Test("an object of a hundred thousand members is refused")
  func wide() {
    var client = Client()
    let members = (0..<100_000).map { #""\#($0)":1"# }.joined(separator: ",")
    #expect(client.send("{\(members)}\0") == nil)
    #expect(client.session.failure == .malformed("more than 256 members"))
  }

  @Test("calls without end behind a watch end the session, and nobody answers it any more")
  func flood() {
    var client = Client()
    #expect(client.send(call("Watch", "{}", #","more":true"#)) != nil)
    client.session.reply(.status([]))
    let calls = Array(String(repeating: call("Reload"), count: 1000).utf8)
    for _ in 0..<40 { client.session.receive(calls.span.bytes) }
    #expect(client.session.failure == .tooLong(limit: 1 << 20))
    client.session.reply(.status([]))
    client.session.refuse(.stopping)
    #expect(client.answers().count == 1)
    #expect(client.session.isOver)
  }

  @Test("half a call at the end is told")
  func cutOff() {
    var client = Client()
    #expect(client.send(call("Reload") + "{\"meth") == .reload)
    client.session.endInput()
    client.session.reply(.done)
    #expect(client.session.nextRequest() == nil)
    #expect(client.session.failure == .cutOff)
    #expect(client.answers().count == 1)
    #expect(client.session.isOver)
  }

  @Test("damaged calls give requests, errors or the end, and nothing else", arguments: 0..<8)
  func damaged(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    var ends = 0
    var refusals = 0
    var requests = 0
    for _ in 0..<400 {
      var client = Client()
      for _ in 0..<5 {
        var bytes = generator.request().message
        for _ in 0..<Int.random(in: 0...2, using: &generator) { damage(&bytes, &generator) }
        for chunk in chunks(bytes, &generator) { client.session.receive(chunk.span.bytes) }
        while client.session.nextRequest() != nil {
          requests += 1
          client.session.refuse(.stopping)
        }
      }
      client.session.endInput()
      #expect(client.session.nextRequest() == nil)
      if client.session.failure != nil { ends += 1 }
      let answers = client.answers()
      refusals += answers.count
      for answer in answers { #expect(throws: ReplyError.self) { try ControlAnswer(Array(answer.utf8), to: .reload) } }
      #expect(client.session.isOver)
    }
    #expect(ends > 50 && requests > 200 && refusals > requests)
  }

  @Test("damaged answers give an answer or an error", arguments: 0..<4)
  func damagedAnswers(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    var good = 0
    for _ in 0..<300 {
      var bytes = Array(ControlReply.status([generator.status()]).message(continues: false).dropLast())
      damage(&bytes, &generator)
      do throws(ReplyError) {
        _ = try ControlAnswer(bytes, to: .status(pool: nil))
        good += 1
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(good > 0 && good < 300)
  }

  private func damage(_ bytes: inout [UInt8], _ generator: inout SplitMix64) {
    guard let place = bytes.indices.randomElement(using: &generator) else { return }
    let interesting = Array("\0{}[]\",:\\-.eE0917utn \u{FF}".utf8)
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: bytes.remove(at: place)
    case 1: bytes.insert(interesting.randomElement(using: &generator)!, at: place)
    case 2: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
    default: bytes.replaceSubrange(place..<place, with: bytes[place...].prefix(9))
    }
  }

  private func chunks(_ bytes: [UInt8], _ generator: inout SplitMix64) -> [[UInt8]] {
    var chunks: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Int.random(in: 1...40, using: &generator)
      chunks.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return chunks
  }
}
