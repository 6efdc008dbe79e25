import Testing

/// A service manager of a few lines of Python: it opens sockets, starts `prefork serve` with them as sd_listen_fds(3)
/// wants it, and hears what sd_notify(3) tells. A test is a script on it that prints what it has seen.
enum ServiceManagerOfTest {
  static let library = #"""
    import os, select, shutil, signal, socket, sys, tempfile, time

    folder = tempfile.mkdtemp()
    running = []

    def clean():
        shutil.rmtree(folder, ignore_errors=True)
        for pid in running: os.kill(pid, signal.SIGKILL)

    def listen(name):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(folder + "/" + name)
        listener.listen(16)
        return listener

    def connect(name="jobs"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(folder + "/" + name)
        return client

    def answers(client):
        """All that comes until the server has answered everything that was sent."""
        client.shutdown(socket.SHUT_WR)
        return client.makefile().read()

    class Service:
        def __init__(self, words, sockets=(), watchdog=0):
            self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.inbox.bind(folder + "/notify")
            self.heard = []  # (time, text)
            descriptors = [os.dup(listener.fileno()) for _, listener in sockets]
            self.pid = os.fork()
            if self.pid:
                for one in descriptors: os.close(one)
                running.append(self.pid)
                return
            try:
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                # Out of the way first: a number from 3 on may be in use already.
                descriptors = [os.dup2(one, 100 + place) for place, one in enumerate(descriptors)]
                for place, one in enumerate(descriptors): os.dup2(one, 3 + place)
                os.closerange(3 + len(descriptors), 200)
                os.environ["NOTIFY_SOCKET"] = folder + "/notify"
                if sockets:
                    os.environ["LISTEN_PID"] = str(os.getpid())
                    os.environ["LISTEN_FDS"] = str(len(sockets))
                    os.environ["LISTEN_FDNAMES"] = ":".join(name for name, _ in sockets)
                if watchdog:
                    os.environ["WATCHDOG_PID"] = str(os.getpid())
                    os.environ["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
                os.execvp("prefork", ["prefork", "serve"] + [word.replace("FOLDER", folder) for word in words])
            finally:
                os._exit(127)

        def hear(self, seconds):
            """The next message, if one comes in time."""
            if not select.select([self.inbox], [], [], max(0, seconds))[0]: return None
            text = self.inbox.recv(65536).decode()
            self.heard.append((time.monotonic(), text))
            return text.split("\n")

        def listen_for(self, seconds):
            """All lines that come within that time, which does not run while the machine stalls."""
            lines = []
            while seconds > 0:
                start = time.monotonic()
                lines += self.hear(min(seconds, 0.05)) or []
                seconds -= min(time.monotonic() - start, 0.15)
            return lines

        def wait_for(self, line, seconds=120):
            """The message with a line that begins so."""
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                message = self.hear(end - time.monotonic()) or []
                if any(one.startswith(line) for one in message): return message
            raise SystemExit("no %s; heard %s" % (line, self.heard))

        def end(self, *signals):
            for one in signals: os.kill(self.pid, one)
            running.remove(self.pid)
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

        def kinds(self):
            """What was heard of, in order, without repetitions."""
            kinds = []
            for _, text in self.heard:
                for line in text.split("\n"):
                    kind = line.split("=")[0]
                    if kind in ("READY", "RELOADING", "STOPPING"): kinds.append(kind)
            return kinds

    def wait_until(condition, seconds=120):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end: raise SystemExit("it never came true")
            time.sleep(0.01)

    """#

  /// Runs the script; its folder and what it started are gone afterwards.
  static func run(_ script: String) throws -> ShellResult {
    let body = script.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
    let text =
      library + "try:\n" + body.joined(separator: "\n") + "\nfinally:\n    clean()\n"
    return try withFile(text) { try shell("exec python3 \($0)") }
  }
}
