import TestSupport
import Testing

/// prefork as a job of an interactive shell, on a terminal that a script plays: ^Z, `fg`, `bg` and `kill %1` do what
/// they do to any program, and the signals that the terminal sends for that mean nothing else.
@Suite struct TerminalTests {
  /// An interactive bash on a terminal of its own, in the folder `$DIR`.
  static let stage = #"""
    import fcntl, os, pty, re, select, signal, socket, subprocess, sys, tempfile, termios, time
    folder = tempfile.TemporaryDirectory()
    DIR = folder.name
    master, slave = pty.openpty()
    shell = os.fork()
    if shell == 0:
        os.close(master)
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for number in range(3): os.dup2(slave, number)
        settings = dict(os.environ, PS1="ready> ", TERM="dumb", DIR=DIR, HISTFILE="")
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], settings)
    os.close(slave)
    seen, mark = b"", 0

    def give_up(what):
        print("no", what, "in", repr(seen[-2000:]), everybody(), flush=True)
        for stat in everybody(): os.kill(stat[0], signal.SIGKILL)
        os.kill(shell, signal.SIGKILL)
        os._exit(1)
    def await_all(what, ready):
        global seen
        limit = time.monotonic() + 60
        while not ready():
            if time.monotonic() > limit: give_up(what)
            if not select.select([master], [], [], 0.02)[0]: continue
            try: seen += os.read(master, 65536)
            except OSError: time.sleep(0.02)  # no process has the terminal open
    def see(text):
        global mark
        await_all(repr(text), lambda: text.encode() in seen[mark:])
        mark = seen.index(text.encode(), mark) + len(text.encode())
    def type(text): os.write(master, text.encode())
    # Not counting what the machine stalls for.
    def rest(seconds):
        for _ in range(round(seconds * 50)): time.sleep(0.02)
    def order(line):
        type(line + "\n")
        see("ready> ")
    # The shell continues a job that it kills if it knows that it is stopped.
    def await_stopped_job():
        stopped = False
        while not stopped:
            start = len(seen)
            order("jobs")
            stopped = b"+  Stopped" in seen[start:]
    # All of the shell's processes as (pid, name, state).
    def everybody():
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit(): continue
            try: stat = open("/proc/%s/stat" % name).read()
            except OSError: continue
            state, _, _, session = stat[stat.rindex(")") + 2:].split()[:4]
            if session == str(shell): found.append((int(name), stat[stat.index("(") + 1:stat.rindex(")")], state))
        return found
    # One that has ended is gone, however late the shell reaps it.
    def states(name): return sorted(s for _, n, s in everybody() if n == name and (s != "Z" or n == "bash"))
    def await_states(name, *wanted): await_all((name, wanted), lambda: states(name) == sorted(wanted))
    def content(name): return open(DIR + "/" + name).read() if os.path.exists(DIR + "/" + name) else ""
    def pid(name): return [stat[0] for stat in everybody() if stat[1] == name][0]
    def leave():
        type("exit\n")
        await_all("the end", lambda: not everybody() or states("bash") == ["Z"])
        os.waitpid(shell, 0)

    see("ready> ")
    order("stty -echo")

    """#

  static func play(_ story: String) throws -> ShellResult {
    try withFile(stage + story) { try shell("python3 \($0)") }
  }

  /// lesson 31 (gunicorn #1871): "workers multiplied because Linux sends TTIN".
  @Test("lesson 31: job control of a pipeline does not resize the pool; a process that sends the same signals does")
  func resizing() throws {
    let result = try Self.play(
      """
      order("(sleep 0.3; cat) | prefork run -w 1 -v -- cat -u >/dev/null 2>$DIR/log &")
      await_states("prefork", "T")
      for turn in range(3):
          type("fg\\n")
          await_states("prefork", "S")
          type("\\x1a")
          see("Stopped")
          see("ready> ")
          await_states("prefork", "T")
          type("bg\\n")
          see("ready> ")
          await_states("prefork", "T")
      type("fg\\n")
      await_states("prefork", "S")
      log = lambda: content("log")
      print(log().count("started"), "the pool now" in log())
      os.kill(pid("prefork"), signal.SIGTTIN)
      await_all("another worker", lambda: log().count("started") == 2)
      os.kill(pid("prefork"), signal.SIGTTOU)
      await_all("one fewer", lambda: "the pool now keeps 1 worker" in log())
      type("\\x04")
      see("ready> ")
      leave()
      """)
    #expect(result == ShellResult(output: "1 False\n", status: 0))
  }

  @Test("in the background of its terminal it is stopped when it reads, as cat is, and kill ends it")
  func killInTheBackground() throws {
    let result = try Self.play(
      """
      # The other one must be there to be stopped, too, or the shell takes the job to be running.
      for command in "prefork run -w 1 -- cat", "sh -c 'sleep 0.5; exec prefork run -w 1 -- cat' | sort":
          order(command + " &")
          await_states("prefork", "T")
          await_states("cat", "T")
          await_stopped_job()
          order("kill %%")
          await_states("prefork")
          await_states("cat")
      leave()
      print("ended")
      """)
    #expect(result == ShellResult(output: "ended\n", status: 0))
  }

  @Test("brought to the front it reads on; ^Z stops it with its workers, and time does not run")
  func foregroundAndBack() throws {
    var result = ShellResult(output: "", status: 0)
    // When the machine stalls the worker's sleep may be over before it can be stopped.
    let goesOn = try inOneOfFiveAttempts {
      result = try Self.play(Self.stoppedInTheMiddle)
      return result == ShellResult(output: "True False\n", status: 0)
    }
    #expect(goesOn, "\(result)")
  }

  private static let stoppedInTheMiddle =
    """
    order("prefork run -w 1 --timeout 5s -- sh -c 'while read -r a; do sleep 1.5; echo \\"<$a>\\"; done' &")
    await_states("prefork", "T")
    type("fg\\n")
    await_states("prefork", "S")
    type("one\\n")
    see("<one>")
    type("two\\n")
    await_states("sleep", "S")
    type("\\x1a")
    see("Stopped")
    await_states("prefork", "T")
    await_states("sleep", "T")
    rest(6)
    type("fg\\n")
    see("<two>")
    type("\\x04")
    see("ready> ")
    order("echo status $?")
    leave()
    print("status 0" in seen.decode(), "ran out of time" in seen.decode())
    """

  @Test(
    "a terminal that is not to be written by the background (tostop) stops no run because of its progress or messages")
  func tostop() throws {
    let result = try Self.play(
      """
      order("stty tostop")
      order("(seq 3; sleep 1; seq 3) | prefork run -v --progress always -w 1 -- cat >$DIR/out &")
      await_all("the results", lambda: content("out") == "1\\n2\\n3\\n" * 2)
      await_states("prefork")
      order("stty -tostop")
      leave()
      print("ran")
      """)
    #expect(result == ShellResult(output: "ran\n", status: 0))
  }

  @Test("top in the background waits for its terminal, and kill ends it, whether it was started there or put there")
  func top() throws {
    let result = try Self.play(
      """
      order("prefork serve -q --listen unix:$DIR/s -w 1 -- cat &")
      await_all("the server", lambda: os.path.exists(DIR + "/s.control"))
      order("TERM=xterm prefork top $DIR/s.control &")
      await_all("two", lambda: states("prefork") == ["S", "T"])
      await_stopped_job()
      order("kill %%")
      await_states("prefork", "S")
      type("TERM=xterm prefork top $DIR/s.control\\n")
      see("serving")
      type("\\x1a")
      see("Stopped")
      order("")
      type("bg\\n")
      see("ready> ")
      await_all("two", lambda: states("prefork") == ["S", "T"])
      type("fg\\n")
      see("serving")
      type("\\x1a")
      see("Stopped")
      order("")
      order("bg")
      await_all("two", lambda: states("prefork") == ["S", "T"])
      await_stopped_job()
      order("kill %%")
      await_states("prefork", "S")
      order("kill %1; wait")
      leave()
      print("ended")
      """)
    #expect(result == ShellResult(output: "ended\n", status: 0))
  }

  @Test("serve and check stop at ^Z with their workers, and go on with them")
  func otherCommands() throws {
    let result = try Self.play(
      """
      for command in "serve --listen unix:$DIR/s -w 2 -- cat", "check --reply-timeout 60s -- sleep 60":
          type("prefork " + command.replace("--reply-timeout", "-t") + " 2>&1\\n")
          worker = command.split()[-1] if "serve" in command else "sleep"
          await_all("workers", lambda: len(states(worker)) == (2 if "serve" in command else 1))
          rest(0.2)
          type("\\x1a")
          see("Stopped")
          await_all("a stop", lambda: set(states(worker)) == {"T"} and states("prefork") == ["T"])
          type("fg\\n")
          await_all("their going on", lambda: set(states(worker)) == {"S"} and states("prefork") == ["S"])
          type("\\x03")
          see("ready> ")
          await_states("prefork")
      leave()
      print("ended")
      """)
    #expect(result == ShellResult(output: "ended\n", status: 0))
  }

  @Test(
    "a terminal that hangs up ends what is in front of it",
    arguments: ["run -w 1 -- cat", "serve --listen unix:$DIR/s -w 1 -- cat"])
  func hangup(command: String) throws {
    let result = try Self.play(
      """
      type("prefork \(command) 2>&1\\n")
      await_states("cat", "S")
      rest(0.3)
      os.close(master)
      limit = time.monotonic() + 60
      while time.monotonic() < limit and (states("prefork") or states("cat")): time.sleep(0.02)
      print(states("prefork"), states("cat"))
      """)
    #expect(result == ShellResult(output: "[] []\n", status: 0))
  }
}
