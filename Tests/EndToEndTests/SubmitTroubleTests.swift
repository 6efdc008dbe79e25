import Glibc
import TestSupport
import Testing

/// `prefork submit` when the server is not what it should be, or not there.
@Suite struct SubmitTroubleTests {
  private static let jobs = (1...5).map { "j\($0)\n" }.joined()

  @Test(
    "without --reconnect a lost connection ends the run with 69, and names what has no answer; --resume takes it up")
  func lost() throws {
    try withFile("") { log in
      let served = try serving("cut=2", to: "prefork submit --joblog \(log) $SERVER", input: Self.jobs)
      #expect(served.result.status == 69)
      #expect(served.result.output == "J1\nJ2\n")
      #expect(served.said.contains("has closed the connection"))
      #expect(served.said.contains("3 jobs without an answer may have been run or not: 3, 4, 5"), "\(served.said)")
      #expect(served.said.contains("hint: --reconnect 100ms..30s"))
      #expect(try contents(of: log).split(separator: "\n").count == 3)
      let rest = try serving("serve", to: "prefork submit --joblog \(log) --resume $SERVER", input: Self.jobs)
      #expect(rest.result.status == 0)
      #expect(rest.got == [[3, 4, 5]])
    }
  }

  @Test(
    "with --reconnect jobs without an answer are submitted again, in their order, and no settled one is",
    arguments: ["cut=2", "half=2"])
  func reconnects(script: String) throws {
    let served = try serving(
      script, "refuse=75", "cut=1", "serve", to: "prefork submit --reconnect 1ms..10ms $SERVER", input: Self.jobs)
    #expect(served.result.status == 0)
    #expect(served.result.lines == (1...5).map { "J\($0)" })
    #expect(served.got == [[1, 2, 3], [], [3, 4], [4, 5]])
    #expect(served.said.contains("without an answer will be submitted again"))
  }

  @Test("no settled job is submitted again, and none is lost, over many losses and whatever the order")
  func manyLosses() throws {
    let input = (1...300).map { "j\($0)\n" }.joined()
    let scripts = (1...12).map { "cut=\(3 * $0)" } + ["serve"]
    let result = try shell(fakeServer(scripts, "prefork submit --reconnect 1ms..2ms $SERVER"), input: input)
    let served = Served(result)
    #expect(result.status == 0)
    #expect(result.lines == (1...300).map { "J\($0)" })
    // Those of a connection that were answered are its first ones: none of them comes again.
    var answered = Set<Int>()
    for (number, got) in served.got.enumerated() {
      #expect(answered.isDisjoint(with: got), "connection \(number + 1)")
      answered.formUnion(got.prefix(number < 12 ? 3 * (number + 1) : got.count))
    }
    #expect(answered == Set(1...300))
  }

  @Test("a server that closes an idle connection harms nobody: the next job finds another")
  func idle() throws {
    let session = try Session(fakeServer(["idle=1", "serve"], "exec prefork submit $SERVER"))
    session.send("a\n")
    #expect(session.nextLine() == "A")
    session.wait(for: "the end of the connection") {
      processes(with: session.cookie, named: "prefork").allSatisfy { !holdsSocket($0) }
    }
    session.send("b\n")
    let served = Served(session.finish())
    #expect(served.result == ShellResult(output: "A\nB\n", status: 0, errors: served.result.errors))
    #expect(served.said == "")
  }

  private func holdsSocket(_ pid: pid_t) -> Bool {
    names(in: "/proc/\(pid)/fd").contains { name in
      var target = [CChar](repeating: 0, count: 64)
      let count = readlink("/proc/\(pid)/fd/\(name)", &target, target.count)
      let text = String(decoding: target.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
      return text.hasPrefix("socket:")
    }
  }

  @Test("with --reconnect a server that is not there yet is waited for")
  func late() throws {
    let served = try serving("late=300", to: "prefork submit --reconnect 5ms..50ms $SERVER", input: Self.jobs)
    #expect(served.result.status == 0)
    #expect(served.result.lines.count == 5)
  }

  @Test("a server that is not there: 69, at once, with what to try; with --reconnect-timeout a little later")
  func absent() throws {
    let once = try shell("prefork submit /nowhere/jobs.sock", input: "a\n")
    #expect(once.status == 69)
    #expect(
      once.errors.hasPrefix(
        "prefork: cannot connect to unix:/nowhere/jobs.sock: No such file or directory (ENOENT)\nhint: is the server running"
      ))
    let waiting = "prefork submit --reconnect 5ms..20ms --reconnect-timeout 100ms /nowhere/jobs.sock"
    let later = try shell(waiting, input: "a\n")
    #expect(later.status == 69)
    #expect(later.errors.contains("next try in"))
  }

  @Test("a wait for the server can be interrupted")
  func interruptedWait() throws {
    let session = try Session("exec prefork submit --reconnect 10s..20s /nowhere/jobs.sock")
    session.send("a\n")
    session.waitForError("next try in")
    session.signal(15)
    #expect(session.finish().status == 143)
  }

  @Test("a server that greets nobody is given up after --connect-timeout")
  func mute() throws {
    let served = try serving("mute", to: "prefork submit --connect-timeout 200ms $SERVER", input: Self.jobs)
    #expect(served.result.status == 69)
    #expect(served.said.contains("has not greeted us within 0.2 s"), "\(served.said)")
  }

  @Test("a server that is too busy to accept anybody is given up, too; meanwhile a signal is heard")
  func fullBacklog() throws {
    let server =
      "import os,socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0); "
      + "c=socket.socket(socket.AF_UNIX); c.connect(sys.argv[1]); sys.exit(os.spawnvp(os.P_WAIT,'sh',['sh','-c',sys.argv[2]]))"
    let start = { (line: String) in
      "d=$(mktemp -d); SERVER=$d/s python3 -c \(shellWord(server)) $d/s \(shellWord(line)); s=$?; rm -r $d; exit $s"
    }
    let given = try shell(start("prefork submit --connect-timeout 700ms $SERVER; exit $?"), input: "a\n")
    #expect(given.status == 69)
    #expect(given.errors.contains("no answer within 700 ms"), "\(given.errors)")
    // What runs in the background of a script has no stdin, unless it is given.
    let line = "exec 3<&0; prefork submit --connect-timeout 1h $SERVER <&3 & sleep 0.5; kill $!; wait $!; exit $?"
    #expect(try shell(start(line), input: "a\n").status == 143)
  }

  @Test("a server that does not want us: busy is 75, not permitted is 77, with its words")
  func refusals() throws {
    for code: Int32 in [75, 77] {
      let served = try serving("refuse=\(code)", to: "prefork submit $SERVER", input: Self.jobs)
      #expect(served.result.status == code)
      #expect(served.said.contains("does not take us: words with \(code)"))
    }
    let forever = try serving("refuse=77", to: "prefork submit --reconnect 1ms..2ms $SERVER", input: Self.jobs)
    #expect(forever.result.status == 77)
    #expect(forever.got.count == 1)
  }

  @Test("a job for which there is no room is expired; the others are done, and the status is 75")
  func busy() throws {
    let served = try serving("busy=2", to: "prefork submit $SERVER", input: Self.jobs)
    #expect(served.result == ShellResult(output: "J1\n\nJ3\nJ4\nJ5\n", status: 75, errors: served.result.errors))
    #expect(served.said.contains("job 2 expired: busy: 9 jobs wait"))
  }

  @Test(
    "a server that is none of ours, or talks nonsense, is left at once with 76 and its first words",
    arguments: [
      #"say=HTTP/1.1\x20400\x20Bad\x20Request\r\n\r\n"#, #"say=x"#, #"say={}\n"#, #"say=\x00\xff\xff"#, #"say=\n"#,
      #"say={"prefork":"9","records":2}\n"#,
      #"answer={"id":999,"seq":1,"outcome":"ok","result":"x","attempts":1}"#,
      #"answer={"id":1,"seq":1,"outcome":"ok","result":"x","attempts":1}"#,
      #"answer={"id":{id},"seq":1,"outcome":"wonderful","result":"x","attempts":1}"#,
      #"answer={"id":{id},"seq":1,"outcome":"failed","result":"x","attempts":1}"#,
      #"answer={"id":{id},"seq":1,"outcome":"ok","attempts":1}"#,
      #"answer={"id":"{id}","seq":1,"outcome":"ok","result":"","attempts":1}"#, "answer=[]", "answer=ok", "answer=",
      "half=2",
    ])
  func nonsense(script: String) throws {
    let served = try serving(script, to: "prefork submit $SERVER", input: Self.jobs)
    #expect(served.result.status == 76, "\(served.result)")
    let first = served.said.split(separator: "\n").first ?? ""
    #expect(
      first.contains("is no prefork server, or a broken one: ") || first.contains("in the middle of an answer"),
      "\(served.said)")
    #expect(first.count < 300)
  }

  @Test("a server that never ends a line costs no more memory than the longest answer")
  func endless() throws {
    let server = "(printf '{\"prefork\":\"'; exec cat /dev/zero)"
    let listen =
      "python3 -c 'import os,socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\nc,_=s.accept(); os.dup2(c.fileno(),1); s.close(); os.execvp(\"sh\",[\"sh\",\"-c\",sys.argv[2]])' $d/s \(shellWord(server))"
    let result = try shell(
      "d=$(mktemp -d); \(listen) 2>/dev/null & until [ -S $d/s ]; do sleep 0.01; done; "
        + "(ulimit -v 2000000; prefork submit $d/s; echo $?); rm -r $d; wait", input: "a\n")
    #expect(result.output == "76\n")
    #expect(result.errors.contains("a line of more than 65536 bytes"), "\(result.errors)")
  }

  @Test("a socket that lets nobody in is 77", .enabled(if: isInstalled("setpriv"), "setpriv is not installed"))
  func forbidden() throws {
    let line =
      "chmod 0 ${SERVER#unix:}; chmod 711 $(dirname ${SERVER#unix:}); setpriv --reuid 65534 --clear-groups -- $(command -v prefork) submit $SERVER"
    let asRoot = try shell("[ $(id -u) = 0 ]").status == 0
    let served = try serving(
      "serve", to: asRoot ? line : "chmod 0 ${SERVER#unix:}; prefork submit $SERVER", input: "a\n")
    #expect(served.result.status == 77, "\(served.result)")
    #expect(served.said.contains("Permission denied"))
  }

  @Test("an address that is none is wrong usage, with what is right")
  func badAddresses() throws {
    for (address, words) in [
      ("foo", "did you mean unix:foo?"),
      ("tcp:localhost", "has no port; want tcp:HOST:PORT, such as tcp:127.0.0.1:7000"),
      ("''", "ADDRESS"), ("", "no ADDRESS given"), ("./a b", "unexpected argument"),
    ] {
      let result = try shell("prefork submit \(address)")
      #expect(result.status == 64)
      #expect(result.errors.contains(words), "\(result.errors)")
    }
  }
}
