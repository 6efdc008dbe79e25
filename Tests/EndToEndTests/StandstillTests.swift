import Glibc
import Testing

/// Lesson 34 (keepalived #1883, hermes-agent #109742): a pause of ours is charged to no deadline. prefork is stopped,
/// alone or with its workers, for longer than the limits that it watches.
@Suite struct StandstillTests {
  /// Stops prefork (and its workers, `wholly`) for that time.
  private func freeze(_ session: Session, seconds: Double, wholly: Bool = false) {
    let workers = session.workers
    session.signal(SIGSTOP)
    if wholly { for worker in workers { kill(-worker, SIGSTOP) } }
    _ = pause(seconds)
    if wholly { for worker in workers { kill(-worker, SIGCONT) } }
    session.signal(SIGCONT)
  }

  @Test("a connection whose job came meanwhile is not idle", arguments: [1.5, 4])
  func connection(seconds: Double) throws {
    let server = try Server("-w 1 --idle-connection-timeout 3s")
    let client = try server.connect()
    client.send("a\n")
    #expect(client.next() == "a")
    _ = pause(2)
    server.session.signal(SIGSTOP)
    client.send("b\n")
    _ = pause(seconds)
    server.session.signal(SIGCONT)
    #expect(client.next() == "b")
    #expect(server.stop().status == 0)
  }

  @Test("a job is not out of time because we did not look", arguments: [false, true])
  func job(wholly: Bool) throws {
    let session = try Session(
      "exec prefork run -w 1 -t 3s --output records -- sh -c 'while read -r j; do echo begun >&2; sleep 0.3; echo $j; done'"
    )
    session.send("x\n")
    session.waitForError("begun")
    freeze(session, seconds: 4, wholly: wholly)
    #expect(session.nextLine()?.contains(#""outcome":"ok""#) == true)
    #expect(session.finish().status == 0)
  }

  @Test("a job that hangs runs out of its time all the same, and not before")
  func hangingJob() throws {
    let session = try Session(
      "exec prefork run -w 1 -t 1s --output records -- sh -c 'read -r j; echo begun >&2; exec sleep 300'")
    session.send("x\n")
    session.waitForError("begun")
    let start = monotonicTime()
    freeze(session, seconds: 1.2)
    #expect(session.nextLine()?.contains(#""outcome":"timeout""#) == true)
    let took = Double(monotonicTime() - start) / 1e9
    #expect(took > 1.2 + 0.6, "\(took) s")
    #expect(session.finish().status == 1)
  }

  @Test("a probe that was answered meanwhile, or is under way, has not failed", arguments: [false, true])
  func probe(wholly: Bool) throws {
    let worker = "sh -c 'while read -r j; do [ \"$j\" = ping ] && { echo probed >&2; sleep 0.2; }; echo $j; done'"
    let session = try Session(
      "exec prefork run -w 1 -v --probe ping --probe-interval 300ms --probe-timeout 3s -- \(worker)")
    session.waitForError("probed")
    freeze(session, seconds: 4, wholly: wholly)
    session.send("x\n")
    #expect(session.nextLine() == "x")
    let result = session.finish()
    #expect(result.status == 0)
    #expect(!result.errors.contains("failed its probe"), "\(result.errors)")
  }

  @Test("a worker whose sign of life came meanwhile does not hang")
  func watchdog() throws {
    let worker =
      "python3 -c 'import os, socket, sys, threading, time\n"
      + "a = os.environ[\"NOTIFY_SOCKET\"].replace(\"@\", \"\\0\", 1)\n"
      + "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(a); s.send(b\"READY=1\")\n"
      + "def live():\n    while True:\n        s.send(b\"WATCHDOG=1\"); time.sleep(0.1)\n"
      + "threading.Thread(target=live, daemon=True).start()\n"
      + "for line in sys.stdin: print(line, end=\"\", flush=True)'"
    let session = try Session("exec prefork run -w 1 -v --ready notify --worker-watchdog 3s -- \(worker)")
    session.send("x\n")
    #expect(session.nextLine() == "x")
    for _ in 0..<2 { freeze(session, seconds: 4, wholly: true) }
    session.send("y\n")
    #expect(session.nextLine() == "y")
    let result = session.finish()
    #expect(result.status == 0)
    #expect(!result.errors.contains("WATCHDOG=1"), "\(result.errors)")
  }

  @Test("a command that asks a server charges it with no pause of both")
  func controlCommand() throws {
    let server = try Server("-w 1")
    server.session.signal(SIGSTOP)
    let client = try Session("exec prefork status \(server.socket)")
    _ = pause(1)
    client.signal(SIGSTOP)
    // Longer than it waits for an answer.
    _ = pause(11)
    client.signal(SIGCONT)
    _ = pause(0.5)
    server.session.signal(SIGCONT)
    let result = client.finish()
    #expect(result.status == 0, "\(result.errors)")
    #expect(server.stop().status == 0)
  }

  @Test("the joblog keeps the time of day, and charges no pause to a job")
  func jobLog() throws {
    let path = String(try shell("mktemp -u").lines[0])
    defer { unlink(path) }
    let session = try Session(
      "exec prefork run -w 1 --joblog \(path) -- sh -c 'while read -r j; do sleep 0.1; echo $j; done'")
    session.send("a\n")
    #expect(session.nextLine() == "a")
    freeze(session, seconds: 2)
    session.send("b\n")
    #expect(session.nextLine() == "b")
    #expect(session.finish().status == 0)
    let starts = try contents(of: path).split(separator: "\n").dropFirst().compactMap {
      Double($0.split(separator: "\t")[2].drop { $0 == " " })
    }
    #expect(starts.count == 2 && starts[1] - starts[0] > 1.9, "\(starts)")
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    #expect(abs(Double(now.tv_sec) - starts[1]) < 600)
  }
}
