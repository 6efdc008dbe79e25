#!/usr/bin/env python3
"""A job socket that behaves as it is told, for `prefork submit`: fake_server.py SCRIPT... -- LINE

Each SCRIPT is what one connection meets, the last of them every further one. LINE is run by sh, with the address in $SERVER; its exit
status is ours. What each connection has got is told on stderr when it is over. Jobs are answered with their text in upper case.

  serve          answers each job as it comes
  places=N       lets N jobs be on their way (usually 64)
  size=N         takes lines of N bytes
  behind         answers only when no more jobs have come for a moment, the last first
  cut=N          closes after N answers, the next job read
  idle=N         closes after N answers, if nothing is unanswered
  half=N         likewise, in the middle of an answer
  after=PATH     waits before each answer until there is such a file
  busy=N         has no room for the Nth job
  late=MS        listens only after so long
  mute           greets nobody
  answer=TEXT    answers each job with this line ({id} is the job's)
  say=TEXT       says this instead of a greeting, and waits
  refuse=CODE    does not want this client
Several of them stand in one word, with spaces between. Words in a job: `fail` fails, `bytes` is answered with 0xFF, `lines` with two lines."""
import base64, json, os, select, signal, socket, subprocess, sys, tempfile, threading, time

REQUEST = b"\x16prefork records 1\0\n"


def options(script):
    parts = dict((part.split("=", 1) + [""])[:2] for part in script.split())
    return lambda name, kind=int: kind(parts[name]) if name in parts else None


class Connection(threading.Thread):
    def __init__(self, peer, script):
        super().__init__(daemon=True)
        self.peer, self.option, self.got, self.unanswered, self.answers = peer, options(script), [], [], 0
        self.unread = b""

    def run(self):
        try:
            self.serve()
        except OSError:
            pass
        self.peer.close()

    def line(self, text):
        self.peer.sendall(text.encode() + b"\n")

    def read(self, count=None):
        """So many bytes, or a line; less at the end; None if nothing comes for a moment and somebody waits for an answer."""
        while len(self.unread) < count if count else b"\n" not in self.unread:
            # Little by little: a stall of the machine, which keeps the client from sending, takes one of them.
            if self.unanswered and not any(select.select([self.peer], [], [], 0.02)[0] for _ in range(5)):
                return None
            block = self.peer.recv(1 << 16)
            if not block:
                break
            self.unread += block
        end = count if count else self.unread.find(b"\n") + 1
        taken, self.unread = self.unread[:end], self.unread[end:]
        return taken

    def until_the_end(self):
        while self.peer.recv(1 << 16):
            pass

    def serve(self):
        first = self.read(len(REQUEST))
        if first != REQUEST:
            return print(f"server: the first bytes are {first!r}", file=sys.stderr)
        if self.option("mute", str) is not None:
            return self.until_the_end()
        if (said := self.option("say", str)) is not None:
            self.peer.sendall(said.encode().decode("unicode_escape").encode("latin1"))
            return self.until_the_end()
        if (code := self.option("refuse")) is not None:
            return self.line(json.dumps({"prefork": "0.1.0", "error": f"words with {code}", "code": code}))
        greeting = {"prefork": "0.1.0", "records": 1, "pool": "default", "most-unsettled": self.option("places") or 64}
        greeting["max-job-size"] = self.option("size") or 64 << 20
        self.line(json.dumps(greeting))
        while (line := self.read()) != b"":
            if line is None:
                while self.unanswered:
                    self.answer(self.unanswered.pop())
                continue
            self.got.append(json.loads(line))
            self.unanswered.append(self.got[-1])
            if len(line) - 1 > greeting["max-job-size"]:
                print("server: a line is too long", file=sys.stderr)
            if len(self.unanswered) > greeting["most-unsettled"]:
                print("server: too many jobs are on their way", file=sys.stderr)
            if self.option("cut") == self.answers:
                return
            if self.option("half") == self.answers:
                return self.peer.sendall(b'{"id":')
            if self.option("behind", str) is None:
                self.answer(self.unanswered.pop(0))
            if self.option("idle") == self.answers:
                return

    def answer(self, job):
        while (path := self.option("after", str)) is not None and not os.path.exists(path):
            time.sleep(0.01)
        self.answers += 1
        text = job["job"] if "job" in job else base64.b64decode(job["job_base64"]).decode("latin1")
        if not isinstance(text, str):
            text = json.dumps(text)
        if (said := self.option("answer", str)) is not None:
            return self.line(said.replace("{id}", str(job["id"])))
        record = {"id": job["id"], "seq": len(self.got), "outcome": "ok"}
        end = {"attempts": 1, "slot": 3, "pid": 4711, "queued": 0.5, "ran": 0.25, "cpu": 0.125, "rss": -4096}
        if self.option("busy") == self.answers:
            record |= {"outcome": "expired", "error": {"message": "busy: 9 jobs wait", "code": 75}}
            end = {"attempts": 0}
        elif "fail" in text:
            error = {"message": "worker 3 (pid 4711) died of SIGSEGV", "signal": 11, "stderr": "ouch"}
            record |= {"outcome": "crashed", "error": error}
            end["attempts"] = job.get("retries", 0) + 1
        elif "bytes" in text:
            record["result_base64"] = "/w=="
        elif "lines" in text:
            record["result"] = "two\nlines"
        else:
            record["result"] = text.upper()
        self.line(json.dumps(record | end))


def accept(listener, scripts, connections, lock):
    while True:
        peer, _ = listener.accept()
        connection = Connection(peer, scripts[min(len(connections), len(scripts) - 1)])
        # A connection in the list may be joined, so it is started first; the lock keeps the client's end from being seen before it is listed.
        with lock:
            connection.start()
            connections.append(connection)


def main():
    place = sys.argv.index("--")
    scripts, line = sys.argv[1:place], sys.argv[place + 1]
    connections, lock, early = [], threading.Lock(), []
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    for number in signals:  # those for a client that has printed something, and that is being started here
        signal.signal(number, lambda number, _: early.append(number))
    with tempfile.TemporaryDirectory() as folder:
        address = os.path.join(folder, "jobs.sock")
        listener = socket.socket(socket.AF_UNIX)
        client = subprocess.Popen(["sh", "-c", line], env=os.environ | {"SERVER": "unix:" + address}) if "late=" in scripts[0] else None
        if client:
            time.sleep(options(scripts[0])("late") / 1000)
        listener.bind(address)
        listener.listen(64)
        # Signals are for this thread: of one that another thread got, it would not hear while it waits for the client.
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        threading.Thread(target=accept, args=(listener, scripts, connections, lock), daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        client = client or subprocess.Popen(["sh", "-c", line], env=os.environ | {"SERVER": "unix:" + address})
        sys.stdin.close()
        for number in signals:
            signal.signal(number, lambda number, _: client.send_signal(number))
        for number in early:
            client.send_signal(number)
        status = client.wait()
        with lock:
            served = list(connections)
        for number, connection in enumerate(served, 1):
            connection.join(60)
            ids = " ".join(str(job["id"]) for job in connection.got)
            print(f"server: connection {number} got {ids}", file=sys.stderr)
            for job in connection.got:
                if set(job) - {"id", "job"}:
                    print("server: " + json.dumps(job), file=sys.stderr)
    sys.exit(status if status >= 0 else 128 - status)


main()
