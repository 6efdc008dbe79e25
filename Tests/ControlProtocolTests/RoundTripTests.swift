import TestSupport
import Testing
import Time

@testable import ControlProtocol

/// What one side writes, the other reads.
@Suite struct RoundTripTests {
  @Test("any request arrives as it was sent", arguments: 0..<4)
  func requests(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    var client = Client()
    for _ in 0..<500 {
      let request = generator.request()
      client.session.receive(request.message.span.bytes)
      #expect(client.session.nextRequest() == request)
      #expect(client.answers() == [])
      client.session.refuse(.stopping)
      _ = client.answers()
    }
  }

  @Test("any state of a pool arrives as it is, to the nanosecond", arguments: 0..<4)
  func statuses(seed: UInt64) throws {
    var generator = SplitMix64(state: seed)
    for _ in 0..<200 {
      let reply = ControlReply.status(generator.some { $0.status() })
      let message = Array(reply.message(continues: true).dropLast())
      #expect(!message.contains(0))
      let answer = try ControlAnswer(message, to: .watch(pool: nil, interval: 1))
      #expect(answer == ControlAnswer(reply, continues: true))
    }
  }

  @Test("any list of jobs arrives as it is", arguments: 0..<4)
  func jobs(seed: UInt64) throws {
    var generator = SplitMix64(state: seed)
    for _ in 0..<200 {
      let reply = ControlReply.jobs(generator.some { $0.job() })
      let answer = try ControlAnswer(reply.message(continues: false).dropLast(), to: .jobs(pool: nil, limit: 1))
      #expect(answer == ControlAnswer(reply, continues: false))
    }
  }

  @Test("any error arrives as it is", arguments: 0..<4)
  func errors(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    for _ in 0..<500 {
      let error = generator.error()
      #expect(throws: ReplyError.refused(error)) { try ControlAnswer(error.message.dropLast(), to: .reload) }
    }
  }

  @Test("what a newer server adds is passed over, and an error that is not known is shown as it is")
  func newer() throws {
    var status = PoolStatus(name: "a", phase: .serving)
    status.listens = ["unix:/a"]
    let text = String(decoding: ControlReply.status([status]).message(continues: false).dropLast(), as: UTF8.self)
    let newer = text.replacing(#""phase":"#, with: #""new":[{"x":1}],"phase":"#)
    #expect(try ControlAnswer(Array(newer.utf8), to: .status(pool: nil)).reply == .status([status]))
    let error = #"{"error":"io.prefork.Pool.Tired","parameters":{"since":5}}"#
    #expect(throws: ReplyError.refused(.unknown("io.prefork.Pool.Tired", parameters: #"{"since":5}"#))) {
      try ControlAnswer(Array(error.utf8), to: .reload)
    }
  }

  @Test(
    "an answer that makes no sense is told with its reason",
    arguments: [
      ("", "not JSON: byte 0: nothing where a value must be"), ("[]", "not an object"),
      ("{}", #""pools" is missing"#), (#"{"parameters":{"pools":[{}]}}"#, #""name" is missing"#),
      (#"{"parameters":{"pools":7}}"#, #""pools" is not an array of objects"#),
      (
        #"{"parameters":{"pools":[{"name":"a","phase":"asleep"}]}}"#,
        #""phase" is not one of starting, serving, draining, stopping"#
      ),
    ])
  func nonsense(text: String, reason: String) {
    #expect(throws: ReplyError.malformed(reason)) { try ControlAnswer(Array(text.utf8), to: .status(pool: nil)) }
  }

  @Test("the description of the interface names every word, member, method and error that goes over the wire")
  func description() throws {
    var generator = SplitMix64(state: 1)
    var words: Set<String> = []
    for _ in 0..<100 {
      let text = String(decoding: ControlReply.status([generator.status()]).json, as: UTF8.self)
      words.formUnion(text.matches(of: #/[{,]"([a-z][A-Za-z0-9]*)":/#).map { String($0.1) })
      words.insert(generator.request().method)
      let error = generator.error().name
      if error.hasPrefix("io.prefork.Pool.") { words.insert(String(error.dropFirst(16))) }
    }
    words.formUnion(PoolStatus.Phase.allCases.map(\.rawValue))
    words.formUnion(SlotStatus.State.allCases.map(\.rawValue))
    words.formUnion(JobStatus.State.allCases.map(\.rawValue))
    #expect(words.count > 70)
    let lines = PoolInterface.description.split(separator: "\n").filter { !$0.contains("#") }.joined(separator: " ")
    let known = Set(lines.split { !$0.isLetter && !$0.isNumber }.map(String.init))
    #expect(words.subtracting(known).isEmpty)
  }
}
