import TestSupport
import Testing
import Time

@testable import ControlProtocol

/// A client calls, the server answers.
@Suite struct SessionTests {
  @Test("a call comes out as a request, and its answer goes back")
  func oneCall() {
    var client = Client()
    #expect(
      client.send(call("Scale", #"{"minimum":2,"maximum":8,"pool":"a"}"#)) == .scale(pool: "a", minimum: 2, maximum: 8))
    #expect(client.answers() == [])
    client.session.reply(.done)
    #expect(client.answers() == [#"{"parameters":{}}"#])
    #expect(client.session.request == nil)
  }

  @Test("a call may come in pieces, each of one byte")
  func pieces() {
    var client = Client()
    let bytes = Array(call("GetStatus"))
    for byte in bytes.dropLast() { #expect(client.send(String(byte)) == nil) }
    #expect(client.send("\0") == .status(pool: nil))
  }

  @Test("calls that come together are answered in their order, one at a time")
  func pipelining() {
    var client = Client()
    let info = "{\"method\":\"org.varlink.service.GetInfo\"}\0"
    #expect(client.send(call("GetMetrics") + info + call("Nonsense") + call("Reload")) == .metrics)
    #expect(client.session.nextRequest() == nil)
    #expect(client.answers() == [])
    client.session.reply(.metrics("# EOF\n"))
    #expect(client.session.nextRequest() == .reload)
    client.session.refuse(.reloadFailed("line 3"))
    #expect(
      client.answers() == [
        ##"{"parameters":{"text":"# EOF\n"}}"##,
        #"{"parameters":{"vendor":"prefork","product":"prefork","version":"1.2.3","url":"https://example.org","#
          + #""interfaces":["org.varlink.service","io.prefork.Pool"]}}"#,
        #"{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"io.prefork.Pool.Nonsense"}}"#,
        #"{"error":"io.prefork.Pool.ReloadFailed","parameters":{"reason":"line 3"}}"#,
      ])
  }

  @Test("who wants no answer gets none, not even an error")
  func oneway() {
    var client = Client()
    #expect(
      client.send(call("Reload", "{}", #","oneway":true"#) + call("Nonsense", "{}", #","oneway":true"#)) == .reload)
    client.session.reply(.done)
    #expect(client.session.nextRequest() == nil)
    #expect(client.send(call("Drain", "{}", #","oneway":true,"more":true"#)) == .drain(pool: nil, waits: false))
    client.session.reply(.accepted)
    #expect(client.session.request == nil)
    #expect(client.answers() == [])
    #expect(client.session.failure == nil)
  }

  @Test("a watch goes on until it is refused, and what was called behind it waits")
  func watch() {
    var client = Client()
    let parameters = #"{"interval":0.25}"#
    #expect(
      client.send(call("Watch", parameters, #","more":true"#) + call("Reload"))
        == .watch(pool: nil, interval: 250_000_000))
    for _ in 0..<3 {
      client.session.reply(.status([]))
      #expect(client.answers() == [#"{"parameters":{"pools":[]},"continues":true}"#])
      #expect(client.session.nextRequest() == nil)
    }
    client.session.refuse(.stopping)
    #expect(client.answers() == [#"{"error":"io.prefork.Pool.Stopping","parameters":{}}"#])
    #expect(client.session.nextRequest() == .reload)
  }

  @Test("a watch without more is an error")
  func watchOnce() {
    var client = Client()
    #expect(client.send(call("Watch")) == nil)
    #expect(client.answers() == [#"{"error":"org.varlink.service.ExpectedMore","parameters":{}}"#])
  }

  @Test("who drains and waits gets a first and a last answer; who does not wait, one")
  func drain() {
    var client = Client()
    #expect(client.send(call("Drain", "{}", #","more":true"#)) == .drain(pool: nil, waits: true))
    client.session.reply(.accepted)
    #expect(client.session.nextRequest() == nil)
    client.session.reply(.done)
    #expect(client.answers() == [#"{"parameters":{},"continues":true}"#, #"{"parameters":{}}"#])
    #expect(client.send(call("Stop", #"{"pool":null}"#)) == .stop(pool: nil, waits: false))
    client.session.reply(.accepted)
    #expect(client.answers() == [#"{"parameters":{}}"#])
    #expect(client.session.request == nil)
  }

  @Test(
    "a parameter that is missing, unknown or of the wrong kind is named",
    arguments: [
      ("Scale", "{}", "minimum"), ("Scale", #"{"minimum":-1}"#, "minimum"), ("Scale", #"{"minimum":1.5}"#, "minimum"),
      ("Scale", #"{"minimum":1,"maximum":"2"}"#, "maximum"), ("Scale", #"{"minimum":1,"max":2}"#, "max"),
      ("Scale", #"{"minimum":1e99}"#, "minimum"), ("Scale", #"{"minimum":99999999999999999999}"#, "minimum"),
      ("GetStatus", #"{"pool":7}"#, "pool"), ("GetStatus", #"{"name":"x"}"#, "name"), ("Reload", #"{"x":null}"#, "x"),
      ("Recycle", #"{"slots":[1,-2]}"#, "slots"), ("Recycle", #"{"slots":1}"#, "slots"),
      ("Recycle", #"{"slots":[null]}"#, "slots"), ("CancelJob", "{}", "job"), ("CancelJob", #"{"job":-1}"#, "job"),
      ("ListJobs", #"{"limit":0}"#, "limit"), ("ListJobs", #"{"limit":10001}"#, "limit"),
    ])
  func wrongParameters(method: String, parameters: String, name: String) {
    var client = Client()
    #expect(client.send(call(method, parameters)) == nil)
    #expect(client.answers() == [invalid(name)])
    #expect(client.send(call("Reload")) == .reload)
  }

  @Test("an interval is from 0.1 to 3600 s", arguments: ["0", "0.0999", "3600.1", "-1", "1e400", "true"])
  func intervals(interval: String) {
    var client = Client()
    #expect(client.send(call("Watch", #"{"interval":\#(interval)}"#, #","more":true"#)) == nil)
    #expect(client.answers() == [invalid("interval")])
  }

  @Test("numbers may be written as other languages write them")
  func spellings() {
    var client = Client()
    #expect(client.send(call("CancelJob", #"{"job":18446744073709551615}"#)) == .cancelJob(pool: nil, job: .max))
    client.session.reply(.done)
    #expect(client.send(call("ListJobs", #"{"limit":1.0e1}"#)) == .jobs(pool: nil, limit: 10))
    client.session.reply(.done)
    #expect(client.send(call("ListJobs", #"{"limit":null}"#)) == .jobs(pool: nil, limit: 100))
  }

  @Test("the service describes both of its interfaces, and no other")
  func descriptions() {
    var client = Client()
    for (name, description) in [
      ("io.prefork.Pool", PoolInterface.description), ("org.varlink.service", PoolInterface.serviceDescription),
    ] {
      #expect(client.send(describe(#"{"interface":"\#(name)"}"#)) == nil)
      let answer = client.answers()
      #expect(answer.count == 1)
      #expect(answer[0].contains("interface \(name)"))
      #expect(description.contains("\ninterface \(name)\n"))
    }
    _ = client.send(
      describe(#"{"interface":"a.b"}"#) + describe("{}") + #"{"method":"a.b.C"}"# + "\0" + #"{"method":"C"}"# + "\0")
    #expect(
      client.answers() == [
        #"{"error":"org.varlink.service.InterfaceNotFound","parameters":{"interface":"a.b"}}"#, invalid("interface"),
        #"{"error":"org.varlink.service.InterfaceNotFound","parameters":{"interface":"a.b"}}"#,
        #"{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"C"}}"#,
      ])
  }

  @Test("a connection is never upgraded")
  func upgrade() {
    var client = Client()
    #expect(client.send(call("Reload", "{}", #","upgrade":true"#)) == nil)
    #expect(client.answers()[0].contains("MethodNotImplemented"))
  }

  @Test("a client that sends no more still gets its answers; then it is over")
  func halfClosed() {
    var client = Client()
    #expect(client.send(call("Reload") + call("GetMetrics")) == .reload)
    client.session.endInput()
    #expect(!client.session.isOver)
    client.session.reply(.done)
    #expect(client.session.nextRequest() == .metrics)
    client.session.reply(.metrics(""))
    #expect(client.session.nextRequest() == nil)
    #expect(!client.session.isOver)
    _ = client.answers()
    #expect(client.session.isOver)
    #expect(client.session.failure == nil)
  }

  @Test("a client that does not read is not listened to")
  func slowReader() {
    var client = Client()
    let text = String(repeating: "x", count: 1 << 20)
    #expect(client.send(call("GetMetrics") + call("Reload")) == .metrics)
    client.session.reply(.metrics(text))
    #expect(client.session.nextRequest() == nil)
    client.session.removeOutput(1 << 19)
    #expect(client.session.nextRequest() == .reload)
  }

  @Test("nothing is read from a client while many of its calls wait, but a long call is read to its end")
  func wantsInput() {
    var client = Client()
    #expect(client.session.wantsInput)
    _ = client.send(#"{"method":"a.b","parameters":{"a":""# + String(repeating: "x", count: 900_000))
    #expect(client.session.wantsInput)
    #expect(client.send("\"}}\0" + call("GetMetrics")) == .metrics)
    #expect(client.session.wantsInput)
    _ = client.send(String(repeating: call("Reload"), count: 15_000))
    #expect(!client.session.wantsInput)
    client.session.reply(.metrics(""))
    while client.session.nextRequest() != nil { client.session.reply(.done) }
    #expect(client.session.wantsInput)
    #expect(client.answers().count == 15_002)
    client.session.endInput()
    #expect(!client.session.wantsInput)
  }

  private func describe(_ parameters: String) -> String {
    #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":\#(parameters)}"# + "\0"
  }
}
