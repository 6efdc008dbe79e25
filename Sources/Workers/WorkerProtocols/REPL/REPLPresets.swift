/// The programs whose dialects are known.
public enum REPLPreset: String, Sendable, CaseIterable {
  case psql, sqlite3, python, node, bc, exiftool, gnuplot, octave
  case r = "R"
  case gdb, sh

  /// How the program is spoken to.
  ///
  /// Where a program can run a text, the job is given to it as one, so that an open quote ends with its job; the others
  /// get the job as it is.
  public var dialect: REPLDialect {
    switch self {
    // Errors of statements are shown by the mark, those of backslash commands on stderr only. The last error is
    // remembered until it is set back, also when a later statement of the job succeeds.
    case .psql:
      REPLDialect(
        name: rawValue, settings: Self.psqlReset,
        message: REPLTemplate(
          stringLiteral: "\\echo {begin}\n{job}\n;\n\\echo {nonce} :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE {nonce}\n"
            + Self.psqlReset),
        .sqlState, errorPattern: #"^(invalid command |\\[a-z]+: |.*: No such file or directory$)"#)
    case .sqlite3:
      REPLDialect(
        name: rawValue, end: ".print {nonce}\n", jobEnd: "\n;\n", mark: "{nonce}\n",
        errorPattern: "^(Parse error|Runtime error|Error)")
    case .python:
      REPLDialect(
        name: rawValue, settings: Self.pythonSettings, message: "__prefork__(\"{begin}\", \"{nonce}\", b{string})\n",
        .status, farewell: "raise SystemExit\n")
    case .node:
      REPLDialect(
        name: rawValue, settings: Self.nodeSettings, message: "void __prefork__(\"{begin}\", \"{nonce}\", {string})\n",
        .status, needsText: true)
    // Warnings are no errors.
    case .bc:
      REPLDialect(
        name: rawValue, end: "print \"{nonce}\\n\"\n", mark: "{nonce}\n",
        errorPattern: #"[Ee]rror|^\(standard_in\) [0-9]+: [^(]"#)
    case .exiftool:
      REPLDialect(
        name: rawValue, end: "-execute{number}\n", mark: "{ready{number}}\n",
        farewell: "-stay_open\nFalse\n", errorPattern: "^Error")
    case .gnuplot:
      REPLDialect(
        name: rawValue, settings: "set print \"-\"\n",
        message: """
          print "{begin}"
          {job}
          print "{nonce} ", GPVAL_ERRNO, " ", GPVAL_ERRMSG, " {nonce}"
          reset errors

          """, .status)
    case .octave:
      REPLDialect(name: rawValue, message: Self.octaveMessage, .status)
    case .r:
      REPLDialect(
        name: rawValue, settings: Self.rSettings, message: ".prefork(\"{begin}\", \"{nonce}\", {string})\n", .status)
    case .gdb:
      REPLDialect(
        name: rawValue, settings: Self.gdbSettings,
        message: "python _prefork(\"{begin}\", \"{nonce}\", b{string})\n", .status)
    // A subshell, so that a job can neither end the shell nor read the next job; SIGINT ends it alone.
    case .sh:
      REPLDialect(
        name: rawValue, settings: "trap : INT\n",
        message: "echo {begin}; (eval {word}) </dev/null; printf '%s %s %s\\n' {nonce} \"$?\" {nonce}\n", .exitStatus)
    }
  }

  /// The usual command.
  public var command: [String] {
    switch self {
    case .psql: ["psql", "-X", "-q"]
    case .sqlite3: ["sqlite3"]
    case .python: ["python3", "-i", "-q"]
    case .node: ["node", "-i"]
    case .bc: ["bc", "-q"]
    case .exiftool: ["exiftool", "-stay_open", "True", "-@", "-"]
    case .gnuplot: ["gnuplot"]
    case .octave: ["octave", "--no-gui", "-q"]
    case .r: ["R", "--no-save", "--no-echo"]
    case .gdb: ["gdb", "-q", "-nx"]
    case .sh: ["sh"]
    }
  }

  private static let psqlReset = "\\set LAST_ERROR_SQLSTATE 00000\n\\set LAST_ERROR_MESSAGE ''\n"

  /// Values of expressions are printed as at the prompt. The mark is written past `sys.stdout`, which may be replaced.
  private static let pythonSettings = #"""
    exec("import sys; sys.ps1 = sys.ps2 = ''")
    def __prefork__(begin, nonce, job, names=("ast", "linecache", "os", "sys", "traceback")):
      ast, linecache, os, sys, traceback = map(__import__, names)
      def write(text):
        rest = text.encode("utf-8", "surrogateescape")
        while rest: rest = rest[os.write(1, rest):]
      def flush():
        for stream in (sys.stdout, sys.stderr):
          try: stream.flush()
          except Exception: pass
      flush()
      write(begin + "\n")
      status = "0"
      try:
        text = job.decode("utf-8", "surrogateescape")
        linecache.cache["<job>"] = (len(text), None, text.splitlines(True), "<job>")
        body = ast.Interactive(ast.parse(text, "<job>").body)
        exec(compile(body, "<job>", "single"), sys.modules["__main__"].__dict__)
      except BaseException as error:
        frames = error.__traceback__
        while frames and frames.tb_frame.f_code.co_filename != "<job>": frames = frames.tb_next
        status = "1 " + "".join(traceback.format_exception(type(error), error, frames))
      flush()
      write(nonce + " " + status.rstrip() + " " + nonce + "\n")


    """#

  /// A promise is waited for.
  private static let nodeSettings = #"""
    {
    const { repl } = require("repl"), vm = require("vm"), { inspect } = require("util");
    repl.setPrompt("");
    repl.ignoreUndefined = true;
    globalThis.__prefork__ = async (begin, nonce, job) => {
    let status = "0";
    process.stdout.write(begin + "\n");
    try {
    const value = await vm.runInThisContext(Buffer.from(job, "latin1").toString(), "job");
    if (value !== undefined) console.log(typeof value === "string" ? value : inspect(value));
    } catch (error) {
    const ours = / \(?(node:|REPL\d)/;
    const lines = (error instanceof Error ? error.stack : inspect(error)).split("\n");
    status = "1 " + lines.filter((line) => !ours.test(line)).join("\n");
    }
    process.stdout.write(nonce + " " + status + " " + nonce + "\n");
    };
    }

    """#

  /// One line, which has been read before the job can read from stdin.
  private static let octaveMessage = REPLTemplate(
    stringLiteral: #"printf("{begin}\n"); prefork__ = "0"; "#
      + #"try, eval({string}); catch prefork__, prefork__ = ["1 " prefork__.message]; end_try_catch; "#
      + #"fflush(stdout); printf("{nonce} %s {nonce}\n", prefork__); fflush(stdout);"# + "\n")

  private static let rSettings = #"""
    .prefork <- function(begin, nonce, job) {
      cat(begin, "\n", sep = "")
      status <- tryCatch({
        for (part in parse(text = job, keep.source = FALSE)) {
          result <- withVisible(eval(part, globalenv()))
          if (result$visible) print(result$value)
        }
        "0"
      }, error = function(error) paste("1", conditionMessage(error)), interrupt = function(condition) "1 interrupted")
      cat(nonce, " ", status, " ", nonce, "\n", sep = "")
    }

    """#

  private static let gdbSettings = #"""
    set prompt
    set confirm off
    set pagination off
    set width 0
    python
    def _prefork(begin, nonce, job):
      gdb.write(begin + "\n")
      status = "0"
      try:
        if job: gdb.execute(job.decode("utf-8", "surrogateescape"), False, False)
      except (gdb.error, KeyboardInterrupt) as error:
        status = "1 " + (str(error) or "interrupted")
      gdb.flush(gdb.STDOUT)
      gdb.write(nonce + " " + status + " " + nonce + "\n")
      gdb.flush(gdb.STDOUT)
    end

    """#
}
