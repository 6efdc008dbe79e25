import Testing

/// What people type who come from xargs, GNU parallel or a shell: the likely mistake is named.
@Suite struct ForeignHabitTests {
  @Test(arguments: [
    ("-j 4", "-j", "`-w N`"), ("-j4", "-j", "`-w N`"), ("--jobs 4", "--jobs", "`-w N`"),
    ("--jobs=4", "--jobs", "`-w N`"),
    ("-P 4", "-P", "`-w N`"), ("-P0", "-P", "`-w N`"), ("--max-procs=4", "--max-procs", "`-w N`"),
    ("-n 1", "-n", "not placed into arguments"), ("-n1", "-n", "not placed into arguments"),
    ("-I {}", "-I", "not placed into arguments"), ("-I{}", "-I", "not placed into arguments"),
    ("-L 1", "-L", "not placed into arguments"), ("-N1", "-N", "not placed into arguments"),
    ("-0", "-0", "`--input nul`"), ("--null", "--null", "`--input nul`"), ("-d ,", "-d", "tr ',' '\\n'"),
    ("-a list", "-a", "`< FILE`"), ("--arg-file=list", "--arg-file", "`< FILE`"),
    ("--pipe", "--pipe", "the stdin of the workers"), ("--colsep ,", "--colsep", "splits it into columns"),
    ("--bar", "--bar", "`--progress always`"),
    ("-u", "-u", "`--unordered`"), ("-q0", "-0 in -q0", "`--input nul`"),
  ])
  func anOptionOfXargsOrParallelIsAnsweredWithOurs(words: String, named: String, advice: String) throws {
    let result = try shell("echo a | prefork run \(words) -- cat")
    #expect(result.status == 64)
    #expect(result.errors.hasPrefix("prefork: unknown option \(named)"), "\(result.errors)")
    let hint = result.errors.split(separator: "\n").last ?? ""
    #expect(hint.hasPrefix("hint: ") && hint.contains(advice), "\(result.errors)")
  }

  @Test func alsoWithoutACommandAndWithTheOthers() throws {
    #expect(try shell("prefork -j4 cat").errors.hasPrefix("prefork: unknown option -j\nhint: `-w N` sets"))
    #expect(try shell("prefork serve --jobs 4 -- cat").errors.contains("hint: `-w N` sets"))
    #expect(try shell("prefork check -P 4 -- cat").errors.contains("hint: `-w N` sets"))
    let submit = try shell("prefork submit -w 4 ./x.sock")
    #expect(submit.status == 64 && submit.errors.contains("hint: the server has the workers"), "\(submit.errors)")
    #expect(try shell("prefork submit -0 ./x.sock").errors.contains("`--input nul`"))
  }

  @Test(arguments: ["{}", "{.}", "out/{}.png"])
  func aPlaceForAJobIsNamed(word: String) throws {
    let result = try shell("echo a | prefork run -- cat -- '\(word)'")
    #expect(result.errors.hasPrefix("hint: \(word) is not replaced by a job: the worker reads jobs from its stdin"))
    #expect(result.errors.contains("-- sh -c 'while IFS= read -r job; do cat \"$job\"; done'"), "\(result.errors)")
    #expect(!(try shell("echo a | prefork run -q -- cat -- '\(word)'").errors.contains("is not replaced")))
  }

  @Test func jobsOnTheCommandLineAreNamed() throws {
    let result = try shell("prefork run -- cat ::: a b </dev/null")
    #expect(result.errors.hasPrefix("hint: ::: means nothing here; jobs are the lines of stdin: "), "\(result.errors)")
    #expect(result.errors.contains("`printf '%s\\n' A B | prefork run -- cat`"), "\(result.errors)")
  }

  /// What only looks like it: text of a program, and parallel itself.
  @Test(arguments: ["python3 -c 'd = {}\nimport sys\nfor l in sys.stdin: print(l.strip(), flush=True)'", "cat"])
  func bracesOfAProgramTextAreNot(worker: String) throws {
    #expect(try shell("echo a | prefork run -- \(worker)") == ShellResult(output: "a\n", status: 0))
  }

  @Test(arguments: [
    ("'cat -u'", "`cat -u`", "`-- cat -u`"), ("'  cat   -u '", "`  cat   -u `", "`-- cat -u`"),
    ("'./model.py --fast'", "`./model.py --fast`", "`-- ./model.py --fast`"),
    ("'cat | tr a b'", "`cat | tr a b`", "`-- sh -c 'cat | tr a b'`"),
  ])
  func aWholeCommandLineInOneWordIsNamed(word: String, program: String, meant: String) throws {
    for command in ["run --restart-budget 1/10s", "check"] {
      let result = try shell("echo a | prefork \(command) -- \(word)")
      #expect(result.status == 69)
      let all = result.errors + result.output
      #expect(
        all.contains("the program is named \(program), with a blank: did you mean \(meant)?"), "\(command): \(all)")
      #expect(!all.contains("give a path like"), "\(all)")
    }
  }

  /// It is fine to have blanks in a name.
  @Test func aProgramWhoseNameHasABlankRuns() throws {
    let result = try shell(
      "d=$(mktemp -d); ln -s /bin/cat \"$d/my cat\"; echo a | prefork run -- \"$d/my cat\"; s=$?; rm -r \"$d\"; exit $s"
    )
    #expect(result == ShellResult(output: "a\n", status: 0))
  }

  @Test(arguments: [
    ("python3 workers/faulty/block_buffered.py", "Python: print(..., flush=True), or python3 -u"),
    ("workers/faulty/block_buffered.py", "Python: print(..., flush=True), or python3 -u"),
    ("sed s/a/b/", "sed -u"),
    ("sort", "sort, wc, tac and the like want all of their input first: they cannot be workers"),
    (
      "sh -c 'while read -r job; do :; done'",
      "Try python3 -u, $stdout.sync = true (Ruby), $| = 1 (Perl), fflush(), mawk -W interactive, sed -u, "
        + "grep --line-buffered, jq --unbuffered, or stdbuf -oL; `prefork check` shows more"
    ),
  ])
  func aSilentWorkerIsToldWhatFitsIt(worker: String, remedy: String) throws {
    let result = try shell("echo a | prefork run -w 1 -t 3s --stop-timeout 1s -- \(worker)")
    #expect(result.errors.contains("does it buffer its output? \(remedy). Or does it wait"), "\(result.errors)")
  }
}
