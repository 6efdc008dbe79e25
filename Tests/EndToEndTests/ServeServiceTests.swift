import Glibc
import Testing

/// What a service manager hears of `prefork serve`, and what it hands over.
@Suite struct ServeServiceTests {
  static func play(_ script: String) throws -> ShellResult { try ServiceManagerOfTest.run(script) }

  @Test("it is ready when the least number of workers is, and not before: a model takes its time")
  func ready() throws {
    let worker = """
      touch FOLDER/up.$PREFORK_SLOT; until test -e FOLDER/go.$PREFORK_SLOT; do sleep 0.02; done
      echo up; exec cat
      """
    let result = try Self.play(
      """
      worker = '''\(worker)'''.replace("FOLDER", folder)
      service = Service(["--listen", "unix:FOLDER/jobs", "-w", "2..3", "--ready", "line", "-q", "--", "sh", "-c", worker])
      wait_until(lambda: os.path.exists(folder + "/up.0") and os.path.exists(folder + "/up.1"))
      client = connect()
      service.wait_for("EXTEND_TIMEOUT_USEC=15000000")
      open(folder + "/go.0", "w")
      service.wait_for("STATUS=starting: 1 of 3 workers; 0 jobs running, 0 waiting, 0 ok; 1 connection")
      service.listen_for(0.3)
      print(service.kinds())
      open(folder + "/go.1", "w")
      service.wait_for("READY=1")
      if "STATUS=2" not in service.heard[-1][1]: service.wait_for("STATUS=2 of 3 workers; 0 jobs running, ")
      print(service.end(signal.SIGTERM))
      """)
    #expect(result == ShellResult(output: "[]\n0\n", status: 0))
  }

  @Test("a pool that wants no workers until there are jobs is ready at once")
  func readyWithoutWorkers() throws {
    let result = try Self.play(
      """
      service = Service(["--listen", "unix:FOLDER/jobs", "-w", "0..2", "-q", "--", "cat"])
      service.wait_for("READY=1")
      client = connect()
      client.sendall(b"hello\\n")
      print(answers(client), end="")
      print(service.end(signal.SIGTERM))
      """)
    #expect(result == ShellResult(output: "hello\n0\n", status: 0))
  }

  @Test("while it drains it asks for more time; the status comes at most once a second")
  func time() throws {
    let result = try Self.play(
      """
      # It sleeps little by little: a stall of the machine is no time to the server, and must be none to it.
      worker = "while read n; do for i in $(seq $n); do sleep 0.01; done; echo $n; done"
      service = Service(["--listen", "unix:FOLDER/jobs", "-w", "1", "-q", "--", "sh", "-c", worker])
      service.wait_for("READY=1")
      client = connect()
      client.sendall(b"1\\n" * 100 + b"250\\n")
      service.listen_for(2)
      os.kill(service.pid, signal.SIGTERM)
      service.wait_for("STOPPING=1")
      service.wait_for("EXTEND_TIMEOUT_USEC=15000000")
      print(len(answers(client).splitlines()), service.end())
      service.listen_for(0.1)
      times = [at for at, text in service.heard if "STATUS=" in text]
      # Those that are told because of an event come at once, the last one at the end.
      print(len(times) <= times[-1] - times[0] + 2, len(times) >= 3, service.kinds())
      """)
    #expect(result == ShellResult(output: "101 0\nTrue True ['READY', 'STOPPING']\n", status: 0))
  }

  @Test("signs of life come as often as the watchdog wants them, and none from a process that stands still")
  func watchdog() throws {
    let result = try Self.play(
      """
      service = Service(["--listen", "unix:FOLDER/jobs", "-w", "1", "-q", "--", "cat"], watchdog=4)
      # In a time that does not run while the machine stalls.
      now, times = 0, []
      while len(times) < 4:
          start = time.monotonic()
          lines = service.hear(0.05) or []
          now += min(time.monotonic() - start, 0.15)
          if "WATCHDOG=1" in lines: times.append(now)
      print(max(later - earlier for earlier, later in zip(times, times[1:])) < 4)
      os.kill(service.pid, signal.SIGSTOP)
      service.listen_for(0.5)
      print([line for line in service.listen_for(4) if line == "WATCHDOG=1"])
      os.kill(service.pid, signal.SIGCONT)
      service.wait_for("WATCHDOG=1")
      print(service.end(signal.SIGTERM))
      """)
    #expect(result == ShellResult(output: "True\n[]\n0\n", status: 0))
  }

  @Test("SIGHUP is a reload, told with the time at which it began, and replaces the workers")
  func reload() throws {
    let result = try Self.play(
      """
      service = Service(["--listen", "unix:FOLDER/jobs", "-w", "1", "-q", "--", "sh", "-c", "while read l; do echo $$; done"])
      service.wait_for("READY=1")
      def worker():
          client = connect()
          client.sendall(b"who\\n")
          return answers(client)
      old, before = worker(), time.monotonic_ns() // 1000
      os.kill(service.pid, signal.SIGHUP)
      message = service.wait_for("RELOADING=1")
      began = int([line for line in message if line.startswith("MONOTONIC_USEC=")][0].split("=")[1])
      print(before <= began <= time.monotonic_ns() // 1000)
      service.wait_for("READY=1")
      wait_until(lambda: worker() != old)
      print(service.end(signal.SIGTERM))
      service.listen_for(0.1)
      print(service.kinds())
      """)
    #expect(
      result == ShellResult(output: "True\n0\n['READY', 'RELOADING', 'READY', 'STOPPING']\n", status: 0))
  }

  @Test("a drain of the last pool that control asks for is a stop, too")
  func drain() throws {
    let result = try Self.play(
      """
      service = Service(["--listen", "unix:FOLDER/jobs", "-w", "1", "-q", "--", "cat"])
      service.wait_for("READY=1")
      os.system("prefork drain " + folder + "/jobs 2>/dev/null")
      service.wait_for("STOPPING=1")
      print(service.end())
      """)
    #expect(result == ShellResult(output: "0\n", status: 0))
  }

  // MARK: Passed sockets

  @Test("what clients have sent to a passed socket before the server was started is answered, to each its own")
  func activation() throws {
    let result = try Self.play(
      """
      jobs = listen("jobs")
      one, other = connect(), connect()
      one.sendall(b"a\\nb\\nc\\n")
      other.sendall(b"1\\n2")
      other.shutdown(socket.SHUT_WR)
      service = Service(["-w", "2", "--", "perl", "-pe", "BEGIN { $| = 1 } $_ = uc"], [("x.socket", jobs)])
      service.wait_for("READY=1")
      print(repr(answers(one)), repr(other.makefile().read()))
      print(service.end(signal.SIGTERM), os.path.exists(folder + "/jobs"))
      """)
    #expect(result.output == "'A\\nB\\nC\\n' '1\\n2\\n'\n0 True\n")
    #expect(result.errors.contains("/jobs, which was passed to us\n"))
  }

  @Test(
    "who may use a passed socket is what the mode of its file says; --allow-user still says who of those",
    .enabled(if: getuid() == 0, "only root can be somebody else"))
  func rights() throws {
    let result = try Self.play(
      """
      jobs = listen("jobs")
      os.chmod(folder, 0o711)
      os.chmod(folder + "/jobs", 0o666)
      def somebody():
          reader, writer = os.pipe()
          if os.fork() == 0:
              try:
                  os.setuid(65534)
                  client = connect()
                  client.sendall(b"hello\\n")
                  os.write(writer, answers(client).encode() or b"nothing")
              except OSError: os.write(writer, b"refused")
              finally: os._exit(0)
          os.close(writer)
          return os.read(reader, 100)
      for words in ([], ["--allow-user", "root"]):
          service = Service(words + ["-w", "1", "-q", "--", "cat"], [("jobs", jobs)])
          print(somebody())
          service.end(signal.SIGTERM)
          os.unlink(folder + "/notify")
      """)
    #expect(result.output == "b'hello\\n'\nb'refused'\n" || result.output == "b'hello\\n'\nb'nothing'\n")
    #expect(result.errors == "")
  }

  @Test("each passed socket goes where its name says; one that has no place is named and closed")
  func names() throws {
    let result = try Self.play(
      """
      sockets = [(name, listen(name)) for name in ("jobs-b", "metrics", "control", "jobs", "jobs-c", "rubbish")]
      with open(folder + "/pools.yaml", "w") as file:
          file.write("pools: {a: {listen: ['unix:%s/a'], command: [cat], workers: 1}, b: {command: [cat], workers: 1}}" % folder)
      service = Service(["--config", "FOLDER/pools.yaml"], sockets)
      for _, listener in sockets: listener.close()
      service.wait_for("READY=1")
      for name in ("a", "jobs-b"):
          client = connect(name)
          client.sendall(name.encode() + b"\\n")
          print(answers(client), end="")
      client = connect("metrics")
      client.sendall(b"GET /readyz HTTP/1.0\\r\\n\\r\\n")
      print(client.makefile().readline().strip())
      print(os.popen("prefork status unix:" + folder + "/control --pool b | wc -l").read().strip() != "0")
      for name in ("jobs", "jobs-c", "rubbish"):
          try: connect(name)
          except ConnectionRefusedError: print("refused", name)
      print(service.end(signal.SIGTERM))
      """)
    #expect(
      result.lines == [
        "a", "jobs-b", "HTTP/1.1 200 OK", "True", "refused jobs", "refused jobs-c", "refused rubbish", "0",
      ])
    for words in [
      "is closed: there are several pools; FileDescriptorName=jobs-POOL says which one is meant",
      "is closed: there is no pool \"c\"; there is a, b",
      "the passed socket \"rubbish\" (unix:",
      "is closed: FileDescriptorName= may be jobs, jobs-POOL, control or metrics",
    ] {
      #expect(result.errors.contains(words), "\(result.errors)")
    }
  }

  @Test("where the control socket is passed, no path for one is derived, however long those of the others are")
  func passedControl() throws {
    let result = try Self.play(
      """
      control = listen("control")
      path = folder + "/" + "x" * (105 - len(folder))
      for words in (["--listen", "unix:" + path], ["--config", "FOLDER/pools.yaml"]):
          with open(folder + "/pools.yaml", "w") as file:
              file.write("{listen: 'unix:%s', command: [cat], workers: 1}" % path)
          operands = ["-w", "1", "--", "cat"] if words[0] == "--listen" else []
          service = Service(words + operands, [("control", control)])
          service.wait_for("READY=1")
          print(os.system("prefork reload unix:" + folder + "/control"))
          print(os.popen("prefork status unix:" + folder + "/control | grep -c listens").read().strip())
          print(service.end(signal.SIGTERM))
          service.inbox.close()
          os.remove(folder + "/notify")
      """)
    #expect(result.output == "0\n1\n0\n0\n1\n0\n", "\(result)")
  }

  @Test("without any socket to take jobs from it does not start, and says what to try")
  func noSocket() throws {
    let result = try shell("prefork serve -- cat")
    #expect(
      result
        == ShellResult(
          output: "", status: 64,
          errors: "prefork: there is no socket to take jobs from\nhint: give one with --listen unix:/PATH or "
            + "tcp:HOST:PORT, or let a systemd .socket unit pass one\n"))
    try withFile("pools: {a: {listen: ['unix:/nowhere/a'], command: [cat]}, b: {command: [cat]}}\n") { path in
      let result = try shell("prefork serve --config \(path)")
      #expect(result.status == 78)
      #expect(result.errors.hasPrefix("prefork: the pool b has no socket to take jobs from\n"))
    }
  }

  @Test("workers get the limit on open files that we had, not the one that we need")
  func descriptors() throws {
    let result = try Self.play(
      """
      import resource
      resource.setrlimit(resource.RLIMIT_NOFILE, (300, 4000))
      for limit, words in (("300", []), ("77", ["--rlimit", "nofile=77"])):
          shutil.rmtree(folder); os.mkdir(folder)
          worker = "while read l; do ulimit -Sn; done"
          service = Service(["--listen", "unix:FOLDER/jobs", "-w", "1", "-q"] + words + ["--", "sh", "-c", worker])
          service.wait_for("READY=1")
          client = connect()
          client.sendall(b"?\\n")
          print(answers(client).strip() == limit, "4000" in open("/proc/%d/limits" % service.pid).read().split("open files")[1].split()[0])
          service.end(signal.SIGTERM)
      """)
    #expect(result == ShellResult(output: "True True\nTrue True\n", status: 0))
  }

  static let activator = "systemd-socket-activate"

  @Test(
    "systemd-socket-activate starts it on the first connection, and nothing of that connection is lost",
    .enabled(if: isInstalled(activator), "the package systemd, with systemd-socket-activate, is not installed"))
  func socketActivate() throws {
    let result = try shell(
      """
      folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
      systemd-socket-activate -l "$folder/jobs" "$(command -v prefork)" serve -q -w 2 -- cat 2>/dev/null & server=$!
      until test -S "$folder/jobs"; do sleep 0.02; done
      seq 1000 | python3 -c '
      import socket, sys
      client = socket.socket(socket.AF_UNIX)
      client.connect(sys.argv[1])
      client.sendall(sys.stdin.buffer.read())
      client.shutdown(socket.SHUT_WR)
      print(client.makefile().read() == "".join("%d\\n" % n for n in range(1, 1001)))' "$folder/jobs"
      kill $server; wait $server; echo $?
      """)
    #expect(result == ShellResult(output: "True\n0\n", status: 0))
  }
}
