import ControlProtocol
import TestSupport
import Testing
import Time
import TopView

/// Whole screens, as an operator sees them.
@Suite struct FrameTests {
  @Test("an ordinary terminal shows all of a small pool")
  func ordinaryTerminal() {
    var view = sampleView()
    var pool = samplePool()
    view.take([pool], at: 0)
    for (jobs, now) in [(100, 1), (500, 2), (900, 3)] as [(Int, UInt64)] {
      pool.jobs.ok += jobs
      pool.jobs.failed += 1
      view.take([pool], at: .origin + now * second)
    }
    #expect(
      screen(view, at: .origin + 3 * second) == """
        default  serving  up 3h 12m  unix:/run/x.sock
        command   ./model.py --model large
        workers   2..4  3 serving  2 busy  1 idle  1 backing off  1 died  2 recycled
        jobs      3 queued  2 running  2783 ok  15 not ok  501/s
        not ok    11 failed (1.0/s)  4 timeout
        run time  median 12 ms  90 % 40 ms  99 % 1.2 s
        rate                                           ▁▄█  peak 901/s in 40s
        [4 slots]  2 clients
          SLOT STATE         PID    AGE  JOBS  MEMORY    JOB    FOR SAYS
        >    0 leased        812  3h12m   641  100 MB  #1299 8.0 ms
             1 idle          813  3h12m   630  101 MB               model loaded
             2 retiring      990  1m05s    29  102 MB  #1300  1.5 s goes: memory
             3 backing off                                          2 failed starts










        q quit  ? help  r recycle  R all  +/- scale  d drain  s sort  Tab clients
        """)
  }

  @Test("a small window shows what matters most, in as many lines as it has")
  func smallWindow() {
    var view = sampleView(columns: 40, rows: 10)
    view.take([samplePool()], at: 0)
    #expect(
      screen(view) == """
        default  serving  up 3h 12m
        2..4 workers  3 serving  2 busy  1 idle
        3 queued  2 running  1283 ok  12 not ok
          SLOT STATE        JOBS  MEMORY    FOR
        >    0 leased        641  100 MB 8.0 ms
             1 idle          630  101 MB
             2 retiring       29  102 MB  1.5 s
             3 backing off

        q quit  ? help  r recycle  R all  s sort
        """)
  }

  @Test("workers that fail to start, a drain and a lost connection stand in plain sight, also without Unicode")
  func trouble() {
    var view = sampleView(columns: 80, rows: 16, hasUnicode: false)
    var pool = samplePool()
    pool.isBreakerOpen = true
    pool.phase = .draining
    pool.slots[1].worker?.said = "prêt, 準備"
    view.take([pool], at: 0)
    pool.jobs.ok += 10
    view.take([pool], at: .origin + 2 * second)
    view.lost("nobody listens", at: .origin + 3 * second)
    view.lost("nobody listens", at: .origin + 4 * second)
    #expect(
      screen(view, at: .origin + 8 * second) == """
        default  draining  up 3h 12m  unix:/run/x.sock
        lost the connection 5 s ago, trying again (nobody listens)
        BREAKER OPEN: workers fail to start, starts are held back, 1 wait
        DRAINING: no new jobs are taken, 5 to finish
        command   ./model.py --model large
        workers   2..4  3 serving  2 busy  1 idle  1 backing off  1 died  2 recycled
        jobs      3 queued  2 running  1293 ok  12 not ok  5.0/s
        run time  median 12 ms  90 % 40 ms  99 % 1.2 s
        rate                                            ##  peak 5.0/s in 40s
        [4 slots]  2 clients   1-3 of 4
          SLOT STATE         PID    AGE  JOBS  MEMORY    JOB    FOR SAYS
        >    0 leased        812  3h12m   641  100 MB  #1299 8.0 ms
             1 idle          813  3h12m   630  101 MB               pr?t, ??
             2 retiring      990  1m05s    29  102 MB  #1300  1.5 s goes: memory

        q quit  ? help  r recycle  R all  +/- scale  d drain  s sort  Tab clients
        """)
    view.take([pool], at: .origin + 9 * second)
    #expect(!screen(view, at: .origin + 9 * second).contains("lost"))
  }

  @Test("the clients have a table of their own")
  func clients() {
    var view = sampleView(columns: 80, rows: 12)
    view.take([samplePool()], at: 0)
    _ = view.press(.tab, at: 0)
    #expect(
      screen(view) == """
        default  serving  up 3h 12m  unix:/run/x.sock
        workers   2..4  3 serving  2 busy  1 idle  1 backing off  1 died  2 recycled
        jobs      3 queued  2 running  1283 ok  12 not ok  -/s
        run time  median 12 ms  90 % 40 ms  99 % 1.2 s
         4 slots  [2 clients]
            NO PEER                                  AGE QUEUED RUNNING SETTLED  UNREAD
        >   40 pid 2100 (uid 1000)                   30s      3       2      60     0 B
             7 127.0.0.1:51234                     1h06m      0       0    1235  3.0 MB



        q quit  ? help  r recycle  R all  +/- scale  d drain  s sort  Tab slots
        """)
  }

  @Test("before the first status, and of a pool without slots, there is a screen, too")
  func nothing() {
    var view = sampleView(columns: 50, rows: 6)
    #expect(
      screen(view) == """
        prefork top  unix:/run/x.sock
        connecting to unix:/run/x.sock



        q quit  ? help  r recycle  R all  +/- scale
        """)
    view.take([PoolStatus(name: "empty", phase: .starting)], at: 0)
    #expect(view.type("jkrG") == nil)
    #expect(screen(view).hasPrefix("empty  starting  up 0s"))
    view.take([], at: .origin + second)
    #expect(view.type("R") == nil)
    #expect(screen(view, at: .origin + second).contains("there is no pool to recycle"))
  }

  @Test("what is red, green or blue is said in words, too; the chosen row has a mark")
  func neverColourAlone() {
    var view = sampleView()
    view.take([samplePool()], at: 0)
    for line in view.frame(at: 0) {
      if line.runs.contains(where: { $0.tint == .chosen }) {
        #expect(line.text.hasPrefix("> "))
        continue
      }
      for run in line.runs where ![.plain, .strong, .faint].contains(run.tint) && !run.text.contains("█") {
        #expect(run.text.contains { $0.isLetter } || run.text.allSatisfy { $0 == " " }, "\(run)")
      }
    }
  }
}
