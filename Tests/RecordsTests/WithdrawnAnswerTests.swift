import Records
import JSON
import Testing

@Suite struct WithdrawnAnswerTests {
  @Test("what a server writes is read back")
  func roundTrip() {
    let line = WithdrawnAnswer.line(id: Array("17".utf8), reason: "worker 0 (pid 812) wrote \"b\\n\"")
    #expect(line.last == UInt8(ascii: "\n"))
    let bytes = Array(line.dropLast())
    let read = WithdrawnAnswer(bytes.span.bytes)
    #expect(read?.id == 17)
    #expect(read?.reason == "worker 0 (pid 812) wrote \"b\\n\"")
  }

  @Test(
    "other lines are none of these",
    arguments: ["", "{}", "17", #"{"id":"x","withdrawn":"y"}"#, #"{"id":3,"outcome":"ok"}"#])
  func others(line: String) {
    let bytes = Array(line.utf8)
    let read = WithdrawnAnswer(bytes.span.bytes)
    #expect(read == nil)
  }
}
