import Testing
import WireFormats

@testable import WorkerProtocols

/// The four framings as protocols. How they cut a stream is tested with `FrameDecoder`.
@Suite struct FramedCodecTests {
  private func encoded(_ job: String, _ framing: Framing) -> String {
    var bytes: [UInt8] = []
    var codec = framing.makeCodec(maximumReplySize: 10)
    let job = Array(job.utf8)
    job.withUnsafeBytes { codec.encode($0, id: 7) { bytes += $0 } }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("a job goes out in its frame, an empty one, too")
  func encoding() {
    #expect(encoded("job", .lines) == "job\n")
    #expect(encoded("", .lines) == "\n")
    #expect(encoded("job", .nul) == "job\0")
    #expect(encoded("job", .length4) == "\0\0\0\u{3}job")
    #expect(encoded("twelve bytes", .netstring) == "12:twelve bytes,")
  }

  @Test("the job itself is one of the pieces, so that a large one need not be copied", arguments: Framing.allCases)
  func sharing(framing: Framing) {
    let job = [UInt8](repeating: 1, count: 100)
    var codec = framing.makeCodec(maximumReplySize: 10)
    job.withUnsafeBytes { bytes in
      var places: [UnsafeRawPointer?] = []
      codec.encode(bytes, id: 1) { places.append($0.baseAddress) }
      #expect(places.contains(bytes.baseAddress))
    }
  }

  private func decoded(_ text: String, _ framing: Framing) -> WorkerMessage {
    var codec = framing.makeCodec(maximumReplySize: 10)
    return codec.decode(Array(text.utf8).span.bytes)
  }

  @Test("a whole frame is a reply, half of one is not there yet")
  func replies() {
    #expect(decoded("one\ntwo\n", .lines) == .reply(payload: 0..<3, consumed: 4))
    #expect(decoded("3:one,3:two,", .netstring) == .reply(payload: 2..<5, consumed: 6))
    #expect(decoded("on", .lines) == .needMore(consumed: 0))
    #expect(decoded("", .length4) == .needMore(consumed: 0))
  }

  @Test("a reply over the limit is known before its end has come; what is no frame breaks the protocol")
  func breaches() {
    #expect(decoded("eleven bytes and more", .lines) == .oversize)
    #expect(decoded("\0\0\0\u{B}", .length4) == .oversize)
    guard case .violation(let reason) = decoded("hello\n", .netstring) else {
      Issue.record("a netstring begins with a digit")
      return
    }
    #expect(reason.contains("where a digit or the \":\" after the length must be"))
  }
}
