import Messages
import TestSupport
import Testing
import Time

@testable import ServiceManager

/// What is told when: without a socket, without a clock.
@Suite struct OutboxTests {
  /// All that goes out at `now`, and then the time at which to look again.
  private func drain(_ outbox: inout Outbox, at now: Instant, flushing: Bool = false) -> [String] {
    var steps: [String] = []
    while true {
      switch outbox.next(at: now, flushing: flushing) {
      case .notify(let text): steps.append(text)
      case .write(let entry): steps.append(entry.message)
      case .wait(let deadline):
        if let deadline { steps.append("wait until \(deadline.sinceOrigin.count)") }
        return steps
      }
    }
  }

  @Test("states are told in their order, each in a message of its own")
  func order() {
    var outbox = Outbox()
    outbox.post(.ready)
    outbox.post(status: "4 workers")
    outbox.post(.reloading(77_000))
    outbox.post(.ready)
    outbox.post(.stopping)
    outbox.post(.ready)
    #expect(
      drain(&outbox, at: 0) == [
        "READY=1\nSTATUS=4 workers", "RELOADING=1\nMONOTONIC_USEC=77", "READY=1", "STOPPING=1",
      ])
    #expect(outbox.isEmpty)
  }

  @Test("a reload that nobody has heard of is overtaken by the next; being ready for the first time is not")
  func reloads() {
    var outbox = Outbox()
    outbox.post(.ready)
    for began: UInt64 in 1...1000 {
      outbox.post(.reloading(.origin + .microseconds(began)))
      outbox.post(.reloading(.origin + .microseconds(began)))
      outbox.post(.ready)
      outbox.post(.ready)
    }
    #expect(drain(&outbox, at: 0) == ["READY=1", "RELOADING=1\nMONOTONIC_USEC=1000", "READY=1"])
  }

  @Test("of statuses that come fast, the last is told, a second after the one before; the same one is not told again")
  func statuses() {
    var outbox = Outbox()
    outbox.post(status: "a")
    #expect(drain(&outbox, at: 5) == ["STATUS=a"])
    outbox.post(status: "b")
    outbox.post(status: "c\nREADY=1")
    #expect(drain(&outbox, at: 6) == ["wait until 1000000005"])
    #expect(drain(&outbox, at: 1_000_000_004) == ["wait until 1000000005"])
    #expect(drain(&outbox, at: 1_000_000_005) == ["STATUS=c READY=1"])
    outbox.post(status: "d")
    outbox.post(status: "c\nREADY=1")
    #expect(outbox.isEmpty)
    outbox.post(status: "e")
    #expect(drain(&outbox, at: 1_000_000_006, flushing: true) == ["STATUS=e"])
  }

  @Test("signs of life and wishes for more time do not pile up")
  func coalescing() {
    var outbox = Outbox()
    for time: UInt64 in 1...1000 {
      outbox.postAlive()
      outbox.postExtension(.microseconds(time))
    }
    #expect(drain(&outbox, at: 0) == ["EXTEND_TIMEOUT_USEC=1000\nWATCHDOG=1"])
    #expect(outbox.isEmpty)
  }

  @Test("messages for the journal are kept up to a limit; what is lost is counted, and told where it is missing")
  func losses() {
    var outbox = Outbox()
    let long = String(repeating: "x", count: 1024)
    for _ in 0..<1000 {
      outbox.post(JournalEntry(.info, long))
    }
    let first = drain(&outbox, at: 0)
    #expect(first.count * (1024 + 128) <= Outbox.mostBytes + 1152)
    #expect(first.last == "\(1000 - (first.count - 1)) messages lost: the journal did not keep up")
    #expect(first.dropLast().allSatisfy { $0 == long })
    outbox.post(JournalEntry(.info, "after"))
    #expect(drain(&outbox, at: 0) == ["after"])
    #expect(outbox.isEmpty)
  }

  @Test("states come before messages for the journal that wait")
  func precedence() {
    var outbox = Outbox()
    outbox.post(JournalEntry(.info, "a"))
    outbox.post(JournalEntry(.info, "b"))
    outbox.post(.stopping)
    #expect(drain(&outbox, at: 0) == ["STOPPING=1", "a", "b"])
  }

  @Test("a message's fields are what journalctl searches by")
  func fields() {
    var entry = JournalEntry(.warning, "worker 3 died\nof boredom", kind: .workerDeath)
    entry.slot = 3
    entry.workerPID = 4711
    entry.job = "a=b"
    entry.pool = "ocr"
    #expect(
      entry.fields == [
        "MESSAGE=worker 3 died\nof boredom", "PRIORITY=4", "SYSLOG_IDENTIFIER=prefork",
        "MESSAGE_ID=\(JournalEntry.Kind.workerDeath.rawValue)", "PREFORK_POOL=ocr", "PREFORK_SLOT=3",
        "PREFORK_WORKER_PID=4711", "PREFORK_JOB=a=b",
      ])
    for kind in JournalEntry.Kind.allCases {
      #expect(kind.rawValue.count == 32 && kind.rawValue.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    }
  }

  @Test("stderr is the journal only if it is the stream that systemd has named")
  func journal() {
    #expect(isJournal("8:1234", device: 8, inode: 1234))
    #expect(!isJournal("8:1235", device: 8, inode: 1234))
    #expect(!isJournal("", device: 0, inode: 0))
    #expect(!isJournal(nil, device: 0, inode: 0))
  }

  @Test("names of passed sockets say what they are for")
  func purposes() {
    #expect(PassedSocket.Purpose(name: "jobs") == .jobs(pool: nil))
    #expect(PassedSocket.Purpose(name: "jobs-ocr") == .jobs(pool: "ocr"))
    #expect(PassedSocket.Purpose(name: "control") == .control)
    #expect(PassedSocket.Purpose(name: "metrics") == .metrics)
    #expect(PassedSocket.Purpose(name: "unknown") == .unnamed)
    #expect(PassedSocket.Purpose(name: "prefork@ocr.socket") == .unnamed)
    #expect(PassedSocket.Purpose(name: "jobs-") == .unknown)
    #expect(PassedSocket.Purpose(name: "logs") == .unknown)
  }
}
