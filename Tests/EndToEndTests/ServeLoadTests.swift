import Testing

/// Many clients at once, and those who mean no good, against `prefork serve`: nothing is lost or mixed up for others,
/// and nothing grows. Each story is a program in Python that starts a server of its own and says `fine` at the end, or
/// what was not.
@Suite(.serialized) struct ServeLoadTests {
  /// Starts servers, and looks at them from outside.
  static let tools = #"""
    import atexit, os, random, resource, select, signal, socket, subprocess, sys, tempfile, time
    def too_late(*_): raise TimeoutError("it takes too long")
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(240)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 16384),) * 2)
    folder = tempfile.TemporaryDirectory()
    path = folder.name + "/pool"
    # Answers a line with itself, "big" with a million bytes, and "slow" after a moment.
    worker = ["python3", "-c", '''
    import sys, time
    for line in sys.stdin:
        if line == "slow\\n": time.sleep(0.2)
        sys.stdout.write("x" * 1000000 + "\\n" if line == "big\\n" else line)
        sys.stdout.flush()
    ''']
    class Server:
        def __init__(self, *options):
            self.process = subprocess.Popen(["prefork", "serve", "--listen", "unix:" + path, *options, "--", *worker])
            atexit.register(self.process.kill)
            while True:
                try:
                    with connect() as client: ask(client, b"ready?"); break
                except OSError: time.sleep(0.02)
            time.sleep(0.1)
        def descriptors(self): return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        def memory(self):
            with open(f"/proc/{self.process.pid}/statm") as file: return int(file.read().split()[1]) * 4096
        def ticks(self):
            with open(f"/proc/{self.process.pid}/stat") as file: fields = file.read().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])
        def stop(self):
            self.process.terminate()
            status = self.process.wait()
            assert status == 0, f"it ended with {status}"
            print("fine")
        def wait_for(self, what, condition):
            end = time.time() + 60
            while not condition():
                assert time.time() < end, what
                time.sleep(0.02)
    def connect():
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        client.connect(path)
        return client
    # Of a client that waits for one answer: what came behind it would be lost.
    def read_line(client):
        line = b""
        while not line.endswith(b"\n"):
            part = client.recv(65536)
            if not part: raise ConnectionError("closed in the middle of a line")
            line += part
        return line[:-1]
    def ask(client, question):
        client.sendall(question + b"\n")
        answer = read_line(client)
        assert answer == question, f"{question[:50]} was answered with {answer[:50]}"

    """#

  /// Clients that send in pieces of any size, of whom some shut their sending side down and some vanish.
  static let crowd = #"""
    seed, format, clients, jobs = int(sys.argv[1]), sys.argv[2], 1000, 20
    chance = random.Random(seed)
    server = Server("-w", "4", "--input", format, "--output", format) if format == "lines" else None
    if server is None:
        ask = lambda client, question: (client.sendall(b'{"job":"x"}\n'), read_line(client))
        server = Server("-w", "4", "--input", format, "--output", format)
    before = server.descriptors()
    class Client:
        def __init__(self, number):
            self.number, self.socket = number, connect()
            self.socket.setblocking(False)
            questions = [f"{number}-{job}-{'y' * chance.randrange(200)}" for job in range(jobs)]
            self.answers = {f"{number}.{job}": question for job, question in enumerate(questions)}
            lines = questions if format == "lines" else [
                f'{{"id":"{number}.{job}","job":"{question}"}}' for job, question in enumerate(questions)]
            self.unsent = "".join(line + "\n" for line in lines).encode()
            self.read, self.next = b"", 0
            self.vanishes_after = chance.randrange(jobs) if chance.random() < 0.1 else None
            self.half_closes = chance.random() < 0.5
        def send(self):
            size = chance.choice([1, 7, 100, 4000])
            self.unsent = self.unsent[self.socket.send(self.unsent[:size]):]
            if not self.unsent and self.half_closes: self.socket.shutdown(socket.SHUT_WR)
        def receive(self):
            block = self.socket.recv(65536)
            if not block: raise ConnectionError(f"client {self.number} was left with {len(self.answers)} jobs")
            *lines, self.read = (self.read + block).split(b"\n")
            for line in lines: self.check(line.decode())
        def check(self, line):
            if format == "lines": key, result = f"{self.number}.{self.next}", line
            else: key, result = line.split('"')[3], line.split('"result":"')[1].split('"')[0]
            self.next += 1
            wanted = self.answers.pop(key)
            assert result == wanted, f"{wanted} was answered with {line}"
        def is_done(self): return not self.answers or (self.vanishes_after or jobs) < self.next
    everybody = {}
    poll = select.epoll()
    for number in range(clients):
        client = Client(number)
        everybody[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN | select.EPOLLOUT)
    while everybody:
        ready = poll.poll(60)
        assert ready, f"{len(everybody)} clients wait for ever"
        for descriptor, events in ready:
            client = everybody[descriptor]
            if events & select.EPOLLIN: client.receive()
            elif events & select.EPOLLOUT:
                client.send()
                if not client.unsent: poll.modify(descriptor, select.EPOLLIN)
            if client.is_done():
                poll.unregister(descriptor)
                del everybody[descriptor]
                client.socket.close()
    server.wait_for("descriptors are left", lambda: server.descriptors() == before)
    server.stop()
    """#

  static func run(_ story: String, _ arguments: String = "") throws -> ShellResult {
    try withFile(tools + story) {
      try shell("exec timeout 300 python3 \($0) \(arguments) 2>&1 | tail -n 20", seconds: 320)
    }
  }

  @Test(
    "a thousand clients at once each get the answers to their own questions",
    arguments: [(1, "lines"), (2, "records")])
  func crowd(seed: Int, format: String) throws {
    let result = try Self.run(Self.crowd, "\(seed) \(format)")
    #expect(result.output.hasSuffix("fine\n"), "\(result.output)")
  }

  @Test("two thousand silent clients take little memory and no time, and leave nothing behind")
  func silentClients() throws {
    let result = try Self.run(
      #"""
      server = Server("-w", "2")
      descriptors, memory = server.descriptors(), server.memory()
      silent = [connect() for _ in range(2000)]
      server.wait_for("not all are let in", lambda: server.descriptors() == descriptors + 2000)
      grown = server.memory() - memory
      assert grown < 2000 * 8192, f"{grown} bytes for 2000 silent clients"
      ticks = server.ticks()
      time.sleep(1)
      assert server.ticks() - ticks <= 1, f"{server.ticks() - ticks} ticks in an idle second"
      for client in random.sample(silent, 200): ask(client, b"awake")
      for client in silent: client.close()
      server.wait_for("descriptors are left", lambda: server.descriptors() == descriptors)
      server.stop()
      """#)
    #expect(result.output.hasSuffix("fine\n"), "\(result.output)")
  }

  @Test("clients that come and go by the thousand, with jobs unread and half sent, leave nothing behind")
  func storm() throws {
    let result = try Self.run(
      #"""
      server = Server("-w", "2")
      def storm(count):
          for number in range(count):
              client = connect()
              if number % 4 == 1: client.sendall(b"one\ntwo\n")
              if number % 4 == 2: client.sendall(b"half a job")
              if number % 4 == 3: ask(client, b"whole")
              client.close()
      storm(1000)
      server.wait_for("descriptors are left", lambda: server.descriptors() <= 40)
      memory = server.memory()
      storm(4000)
      server.wait_for("descriptors are left", lambda: server.descriptors() <= 40)
      assert server.memory() - memory < 4 << 20, f"{server.memory() - memory} bytes more"
      server.stop()
      """#)
    #expect(result.output.hasSuffix("fine\n"), "\(result.output)")
  }

  @Test("of a client that does not read no further job is started, and its answers come when it reads")
  func slowReader() throws {
    let result = try Self.run(
      #"""
      # Jobs that are parked at a worker have been started, and the other's small ones would make it one to park at.
      server = Server("-w", "2", "--prefetch", "1")
      memory = server.memory()
      slow = connect()
      slow.sendall(b"big\n" * 60)
      other = connect()
      end = time.time() + 1.5
      while time.time() < end: ask(other, b"small")
      grown = server.memory() - memory
      assert grown < 20 << 20, f"{grown >> 20} MiB for one who does not read"
      reader = slow.makefile("rb")
      for _ in range(60): assert reader.readline() == b"x" * 1000000 + b"\n"
      ask(slow, b"and on")
      server.stop()
      """#)
    #expect(result.output.hasSuffix("fine\n"), "\(result.output)")
  }

  @Test("a client that fell silent is heard again, though the queue was full of others' jobs meanwhile")
  func heardAgain() throws {
    let result = try Self.run(
      #"""
      server = Server("-w", "1", "--queue", "3")
      one, two, three = connect(), connect(), connect()
      time.sleep(0.2)
      # All that they say is there in one turn of the loop.
      server.process.send_signal(signal.SIGSTOP)
      one.sendall(b"1\n")
      two.sendall(b"slow\n" * 10)
      three.sendall(b"3\n")
      server.process.send_signal(signal.SIGCONT)
      assert read_line(one) == b"1"
      time.sleep(0.3)
      ask(one, b"again")
      # They have not read their answers: the server would wait for that.
      two.close()
      three.close()
      server.stop()
      """#)
    #expect(result.output.hasSuffix("fine\n"), "\(result.output)")
  }

  @Test("clients with half of a big job keep nobody out, and when they go, whoever waited for their room goes on")
  func halfJobs() throws {
    let result = try Self.run(
      #"""
      server = Server("-w", "1", "--max-job-size", "300k")
      # Over all the room that unfinished jobs have (four of the longest), each under the limit of its own.
      halves = [connect() for _ in range(8)]
      for client in halves: client.setblocking(False)
      unsent = {client: 290000 for client in halves}
      end = time.time() + 3
      while time.time() < end:
          for client in halves:
              try: unsent[client] -= client.send(b"h" * min(65536, unsent[client])) if unsent[client] else 0
              except BlockingIOError: pass
          time.sleep(0.01)
      small, big = connect(), connect()
      for _ in range(20): ask(small, b"s" * 6000)
      big.setblocking(False)
      job = b"b" * 280000 + b"\n"
      sent = big.send(job)
      time.sleep(0.2)
      for client in halves: client.close()
      big.settimeout(60)
      big.sendall(job[sent:])
      assert read_line(big) == job[:-1]
      server.stop()
      """#)
    #expect(result.output.hasSuffix("fine\n"), "\(result.output)")
  }
}
