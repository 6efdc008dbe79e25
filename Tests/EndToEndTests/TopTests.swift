import Testing

/// `prefork top` on a terminal that a script plays, against a server of a few lines. Whatever ends it, the terminal is
/// as it was.
@Suite struct TopTests {
  /// A shell of one job on a terminal of its own, which tells what becomes of it. Then the story of a test, and last
  /// how the terminal was left.
  static let stage = #"""
    import fcntl, json, os, pty, select, signal, socket, struct, sys, tempfile, termios, threading, time
    folder = tempfile.TemporaryDirectory()
    path = folder.name + "/pool.control"
    calls, peers = [], []

    def status(jobs):
        worker = {"pid": 812, "age": 5.0, "jobs": 7, "memory": 1 << 20, "job": 9, "jobElapsed": 0.5, "said": "\x1b[2Jboo"}
        slot = {"slot": 0, "state": "leased", "retiring": None, "failures": 0, "worker": worker}
        totals = dict.fromkeys("accepted queued delayed running failed timeout crashed quarantined cancelled expired".split(), 0)
        return {"name": "default", "phase": "serving", "age": 61.0, "command": ["cat"], "minimum": 1, "maximum": 1,
                "breakerOpen": False, "starts": 1, "deaths": 0, "recycled": 0, "jobs": dict(totals, ok=jobs), "runTimes": None,
                "slots": [slot], "connections": 0, "connectionsAccepted": 0, "clients": [], "listens": []}

    def answer(peer):
        try:
            text = b""
            while True:
                while b"\0" not in text:
                    part = peer.recv(65536)
                    if not part: return
                    text += part
                call, text = text.split(b"\0", 1)
                call = json.loads(call)
                method = call["method"].split(".")[-1]
                calls.append(method + " " + json.dumps(call["parameters"]))
                if method == "Watch":
                    for jobs in range(1000, 9999):
                        peer.sendall(json.dumps({"parameters": {"pools": [status(jobs)]}, "continues": True}).encode() + b"\0")
                        time.sleep(0.1)
                elif method == "Drain":
                    peer.sendall(b'{"error": "io.prefork.Pool.NotPermitted", "parameters": {"uid": 12}}\0')
                else: peer.sendall(b'{"parameters": {}}\0')
        except OSError: pass

    def listen():
        global listener
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(8)
    def accept(from_whom):
        while True:
            try: peer = from_whom.accept()[0]
            except OSError: return
            peers.append(peer)
            threading.Thread(target=answer, args=(peer,), daemon=True).start()
    def serve(): threading.Thread(target=accept, args=(listener,), daemon=True).start()
    def vanish():
        os.unlink(path)
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for peer in peers: peer.shutdown(socket.SHUT_RDWR)

    listen()
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(slave)
    news, tell = os.pipe()
    orders, order = os.pipe()
    leader = os.fork()
    if leader == 0:
        os.close(master)
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(slave, os.getpid())
            for number in (signal.SIGTTOU, signal.SIGHUP, signal.SIGPIPE): signal.signal(number, signal.SIG_DFL)
            for number in range(3): os.dup2(slave, number)
            os.execvpe("prefork", ["prefork", "top", "--interval", "100ms", (sys.argv + [path])[1]],
                       dict(os.environ, TERM=os.environ.get("TERM_OF_TOP", "xterm"), LC_ALL="C.UTF-8", SWIFT_BACKTRACE="enable=no"))
        os.write(tell, b"job %d\n" % job)
        while True:
            _, end = os.waitpid(job, os.WUNTRACED)
            os.tcsetpgrp(slave, os.getpid())
            if not os.WIFSTOPPED(end): break
            os.write(tell, b"stopped\n")
            os.read(orders, 1)
            os.tcsetpgrp(slave, job)
            os.killpg(job, signal.SIGCONT)
        how = b"killed by %d" % os.WTERMSIG(end) if os.WIFSIGNALED(end) else b"exit %d" % os.WEXITSTATUS(end)
        os.write(tell, how + b"\n")
        os._exit(0)
    os.close(tell)
    serve()
    seen, heard, mark = b"", b"", 0

    def await_all(what, ready):
        global seen, heard
        limit = time.monotonic() + 60
        while not ready():
            rest = limit - time.monotonic()
            if rest < 0:
                print("no", what, "in", repr(seen[-3000:]), repr(heard), calls)
                os.kill(job, signal.SIGKILL)
                os._exit(1)
            for source in select.select([master, news], [], [], min(rest, 0.1))[0]:
                part = os.read(source, 65536)
                if source == master: seen += part
                else: heard += part
    def see(text):
        global mark
        await_all(repr(text), lambda: text.encode() in seen[mark:])
        mark = seen.index(text.encode(), mark) + len(text.encode())
    def hear(text): await_all(text, lambda: text in heard.decode())
    def type(text): os.write(master, text.encode())
    hear("\n")
    job = int(heard.split()[1])

    """#

  /// Last: how it ended, and how the terminal was left.
  static let epilogue = #"""

    await_all("end", lambda: heard.count(b"\n") > 1 and (b"exit" in heard or b"killed" in heard))
    print(heard.decode().split("\n")[-2])
    print("terminal as before" if termios.tcgetattr(slave) == before else "terminal changed")
    # What it wrote last may be read after the news of its end.
    await_all("screen left", lambda: b"\x1b[?1049h" not in seen or seen.endswith(b"\x1b[?1049l"))
    print("screen left" if b"\x1b[?25h\x1b[?1049l" in seen else "screen not left")
    print("smuggled" if b"\x1b[2Jboo" in seen else "\n".join(call for call in calls if not call.startswith("Watch")))
    """#

  static func play(_ story: String, address: String = "", terminal: String = "xterm") throws -> ShellResult {
    try withFile(stage + story + epilogue) { try shell("TERM_OF_TOP=\(terminal) python3 \($0) \(address)") }
  }

  private func left(_ end: String, calls: String = "") -> ShellResult {
    ShellResult(output: "\(end)\nterminal as before\nscreen left\n\(calls)\n", status: 0)
  }

  @Test(
    "it leaves the terminal as it was",
    arguments: [
      ("type('q')", "exit 0"), ("type('\\x03')", "killed by 2"), ("type('\\x1c')", "killed by 3"),
      ("os.kill(job, signal.SIGTERM)", "killed by 15"), ("os.kill(job, signal.SIGHUP)", "killed by 1"),
      ("os.kill(job, signal.SIGSEGV)", "killed by 11"), ("os.kill(job, signal.SIGABRT)", "killed by 6"),
      ("os.kill(job, signal.SIGILL)", "killed by 4"),
    ])
  func leaving(how: String, end: String) throws {
    let result = try Self.play("see('1001 ok')\n\(how)")
    #expect(result == left(end), "\(result)")
  }

  @Test("Ctrl-Z gives the terminal back and fg takes it again, also after a SIGSTOP that nobody sees coming")
  func stopping() throws {
    let story = """
      see('1001 ok')
      for stop in (lambda: type('\\x1a'), lambda: os.kill(job, signal.SIGTSTP), lambda: os.kill(job, signal.SIGSTOP)):
          count = heard.count(b'stopped')
          stop()
          await_all('stop', lambda: heard.count(b'stopped') > count)
          if count < 2: assert termios.tcgetattr(slave) == before
          mark = len(seen)
          termios.tcsetattr(slave, termios.TCSANOW, before)
          os.write(order, b'f')
          see('\\x1b[?1049h')
          see('default')
      type('q')
      """
    #expect(try Self.play(story) == left("exit 0"))
  }

  @Test("keys reach the server, and its answers the screen")
  func keys() throws {
    let story = """
      see('1001 ok')
      type('r')
      see('recycle slot 0 of default: accepted')
      type('+')
      see('scale default to 2: accepted')
      type('dy')
      see('drain default: refused: uid 12 may not control this pool')
      type('?')
      see('Ctrl-L')
      type('\\x1b')
      see('SLOT')
      type('\\x1b[6~\\x0c')
      see('\\x1b[2J')
      type('q')
      """
    #expect(
      try Self.play(story)
        == left(
          "exit 0",
          calls: """
            Recycle {"pool": "default", "slots": [0]}
            Scale {"pool": "default", "minimum": 2, "maximum": 2}
            Drain {"pool": "default"}
            """))
  }

  @Test("when the server goes it says so, and finds the next one")
  func serverGone() throws {
    let story = """
      see('1001 ok')
      vanish()
      see('lost the connection')
      see(' s ago, trying again (the socket is gone)')
      listen()
      serve()
      see('1000 ok')
      type('q')
      """
    #expect(try Self.play(story) == left("exit 0"))
  }

  @Test("a server that says nothing any more is told of, too; a new window is filled")
  func silenceAndResize() throws {
    let story = """
      see('1001 ok')
      fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 10, 40, 0, 0))
      see('\\x1b[10;1H')
      fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
      see('\\x1b[30;1H')
      time.sleep = lambda time: threading.Event().wait()
      see('lost the connection')
      type('q')
      """
    #expect(try Self.play(story) == left("exit 0"))
  }

  @Test("without a terminal, or without a server, it says what is wrong and what to try; no screen is touched")
  func refusals() throws {
    let status = try shell("prefork top /nowhere/pool.sock </dev/null")
    #expect(
      status == ShellResult(output: "", status: 64, errors: "prefork: top needs a terminal; try prefork status\n"))
    #expect(
      try Self.play("see('prefork: no socket at /nowhere/pool.sock')", address: "/nowhere/pool.sock")
        == ShellResult(output: "exit 69\nterminal as before\nscreen not left\n\n", status: 0))
    #expect(
      try Self.play("see('cursor, and TERM is dumb; try prefork status')", terminal: "dumb")
        == ShellResult(output: "exit 64\nterminal as before\nscreen not left\n\n", status: 0))
  }
}
