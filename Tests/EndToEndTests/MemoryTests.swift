import Testing

/// How much memory a worker may hold.
@Suite struct MemoryTests {
  static let leaks = "workers/faulty/leaks.py"

  @Test(arguments: ["leak", "child"])
  func overMaxRssAWorkerIsReplacedAfterItsJob(_ how: String) throws {
    let session = try Session("exec prefork run -v -w 1 --surge 0 --max-rss 80M --jitter 0 -- \(Self.leaks)")
    let first = session.ask("nothing", times: 1)
    session.wait(for: "the next look at its memory") { pause(0.3) }
    #expect(session.ask("\(how) 100", times: 1) == first, "the job that broke the limit has its answer")
    #expect(session.ask("nothing", times: 1) != first)
    session.waitForError("worker 0 retires: it holds too much memory")
    #expect(session.finish().status == 0)
  }

  @Test func belowMaxRssItStays() throws {
    let session = try Session("exec prefork run -w 1 --surge 0 --max-rss 500M -- \(Self.leaks)")
    let first = session.ask("leak 50", times: 1)
    session.wait(for: "the next look at its memory") { pause(0.3) }
    #expect(session.ask("leak 50", times: 1) == first)
    session.wait(for: "the next look at its memory") { pause(0.3) }
    #expect(session.ask("nothing", times: 1) == first)
    #expect(session.finish().status == 0)
  }

  @Test func withSurgeItServesUntilItsReplacementIsReady() throws {
    let result = try shell(
      "yes 'leak 3' | head -n 300 | prefork run -v -w 2 --max-rss 120M -- \(Self.leaks)")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.lines.count == 300)
    #expect(Set(result.lines).count > 2, "some were replaced")
  }

  @Test func overKillRssAWorkerIsStoppedInTheMiddleOfItsJob() throws {
    let result = try shell("printf 'a\\nhold 200\\nb\\n' | prefork run -w 1 --kill-rss 150M -- \(Self.leaks)")
    #expect(result.status == 1)
    #expect(result.lines.count == 3)
    #expect(result.lines[1].isEmpty)
    #expect(result.errors.contains("of memory, over 150 MB (--kill-rss)"), "\(result.errors)")
    #expect(result.errors.contains("into job 2"), "\(result.errors)")
    #expect(result.errors.contains("1 crashed"), "\(result.errors)")
  }

  /// What cannot be enforced is said, once, and the rest is done.
  @Test func limitsOfTheKernelAreEnforcedOrSaidNotToBe() throws {
    let result = try shell(
      "printf 'a\\nleak 300\\nb\\n' | prefork run -w 1 --memory-max 200M --pids-max 50 -- \(Self.leaks)")
    #expect(result.lines.count == 3)
    if result.status == 0 {
      #expect(result.errors.split(separator: "\n").count { $0.contains("--memory-max is not enforced: ") } == 1)
    } else {
      #expect(result.errors.contains("out of memory: the kernel's OOM killer (memory.max 200"), "\(result.errors)")
    }
  }
}
