import JSON
import LinuxIO
import Records

/// The first bytes of a client that wants records whatever the server's formats are (`prefork submit`). They hold the
/// delimiters of lines and of nul, so that no plain client waits for us while we wait to see more.
enum Greeting {
  static let wanted = RecordsGreeting.request

  /// The first bytes that each of our own clients sends to a control socket: they must not be run as a job.
  private static let control = Array(#"{"method":"io.prefork.Pool."#.utf8)

  /// What the first bytes are.
  enum Look: Equatable {
    /// Not enough to decide.
    case incomplete
    /// Those of a plain client.
    case plain
    /// The request for records.
    case records
    /// Meant for the control socket.
    case control
    /// Of a protocol that is not ours.
    case foreign(ForeignProtocol)
  }

  /// The answer to that.
  static func answer(pool: String, version: String, maximumJobSize: Int, mostUnsettled: Int) -> [UInt8] {
    JSONWriter.object { line in
      line.member("prefork", version)
      line.member("records", 1)
      line.member("pool", pool)
      line.member("max-job-size", maximumJobSize)
      line.member("most-unsettled", mostUnsettled)
    } + [UInt8(ascii: "\n")]
  }

  /// The answer when the client is turned away; a code of sysexits.h.
  static func refusal(_ reason: String, code: Int, version: String) -> [UInt8] {
    JSONWriter.object { line in
      line.member("prefork", version)
      line.member("error", reason)
      line.member("code", code)
    } + [UInt8(ascii: "\n")]
  }

  /// `isTCP`: the client came by TCP, and may be a browser.
  static func look(at unread: borrowing ByteQueue, isOver: Bool, isTCP: Bool) -> Look {
    unread.withUnsafeBytes { bytes in
      for (beginning, look) in [(wanted, Look.records), (control, .control)] {
        let length = min(bytes.count, beginning.count)
        guard (0..<length).allSatisfy({ bytes[$0] == beginning[$0] }) else { continue }
        if length == beginning.count { return look }
        return isOver ? .plain : .incomplete
      }
      return ForeignProtocol.look(at: bytes, isOver: isOver, isTCP: isTCP)
    }
  }
}
