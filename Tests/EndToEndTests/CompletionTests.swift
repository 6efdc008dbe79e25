import CommandLineKit
import Testing

@testable import prefork

/// The completion scripts in the shells they are for. The word under the cursor is the last one.
@Suite struct CompletionTests {
  static let cases: [(words: [String], contains: [String], misses: [String])] = [
    (["prefork", ""], ["run", "help", "completions", "man"], ["bash"]),
    (["prefork", "r"], ["run"], ["help"]),
    (["prefork", "run", "--pro"], ["--protocol"], ["--output"]),
    (["prefork", "run", "--protocol", "n"], ["nul", "netstring"], ["lines"]),
    (["prefork", "run", "-k", "--lease-order", ""], ["lifo", "fifo"], ["--workers", "cat"]),
    (["prefork", "completions", ""], ["bash", "zsh", "fish"], ["run", "cat"]),
    (["prefork", "help", "m"], ["man"], ["run"]),
    (["prefork", "run", "--", "hea"], ["head"], ["--help"]),
    (["prefork", "run", "-w", "4", "hea"], ["head"], ["--help"]),
    (["prefork", "run", "--", "prefork-no-such-worker", "--pro"], [], ["--protocol"]),
    (["prefork", "run", "prefork-no-such-worker", "--pro"], [], ["--protocol"]),
    (["prefork", "run", "-w", "4", "-k", "prefork-no-such-worker", "--pro"], [], ["--protocol"]),
    (["prefork", "run", "-w", ""], [], ["cat", "--workers"]),
    (["prefork", "c"], ["check", "completions"], ["run"]),
    (["prefork", "check", "--pro"], ["--protocol", "--probe", "--probe-timeout"], ["--probe-interval"]),
    (["prefork", "check", "--ready", "n"], ["none", "notify"], ["line"]),
    (["prefork", "check", "--", "hea"], ["head"], ["--help"]),
    (["prefork", "re"], ["recycle", "reload"], ["run"]),
    (["prefork", "status", "--j"], ["--json"], ["--pool"]),
    (["prefork", "scale", "--"], ["--pool", "--help"], ["--json"]),
    (["prefork", "jobs", "--li"], ["--limit"], ["cat"]),
  ]

  @Test(.enabled(if: isInstalled("bash"), "bash is not installed"), arguments: cases)
  func bashCompletes(words: [String], contains: [String], misses: [String]) throws {
    let line = words.map(shellWord).joined(separator: " ")
    let offered = try candidates(
      of: .bash, "bash", "-u",
      ahead: """
        COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); _prefork
        for word in "${COMPREPLY[@]}"; do printf '%s\\n' "$word"; done
        """)
    check(offered, contains, misses)
  }

  @Test(.enabled(if: isInstalled("bash"), "bash is not installed"))
  func bashCompletesAValueBehindAnEqualsSign() throws {
    let setup = "COMP_WORDS=(prefork run --protocol = n); COMP_CWORD=4; _prefork; echo ${COMPREPLY[@]}"
    #expect(try candidates(of: .bash, "bash", "", ahead: setup) == ["nul netstring"])
  }

  @Test(.enabled(if: isInstalled("fish"), "fish is not installed"), arguments: cases)
  func fishCompletes(words: [String], contains: [String], misses: [String]) throws {
    let line = words.joined(separator: " ")
    let offered = try candidates(of: .fish, "fish", "--no-config", ahead: "complete -C \(shellWord(line))")
    check(offered.compactMap { $0.split(separator: "\t").first.map(String.init) }, contains, misses)
  }

  @Test(.enabled(if: isInstalled("zsh"), "zsh is not installed"), arguments: cases)
  func zshCompletes(words: [String], contains: [String], misses: [String]) throws {
    try withFile(completionScript(for: preforkTool, shell: .zsh)) { script in
      try withFile(Self.zshCapture) { capture in
        let line = shellWord(words.joined(separator: " "))
        let result = try shell("timeout 120 zsh -f \(capture) \(script) \(line) </dev/null")
        #expect(result.status == 0)
        check(result.output.split(separator: "\n").map(String.init), contains, misses)
      }
    }
  }

  private func check(_ offered: [String], _ contains: [String], _ misses: [String]) {
    for word in contains { #expect(offered.contains(word), "\(word) is not among \(offered.prefix(20))") }
    for word in misses { #expect(!offered.contains(word), "\(word) is among \(offered.prefix(20))") }
  }

  /// What the shell prints after it read the script and then `ahead`.
  private func candidates(of kind: Shell, _ program: String, _ flags: String, ahead: String) throws -> [String] {
    try withFile(completionScript(for: preforkTool, shell: kind) + "\n" + ahead + "\n") { path in
      let result = try shell("\(program) \(flags) \(path) </dev/null")
      #expect(result.status == 0 || kind == .fish)
      return result.output.split(separator: "\n").map(String.init)
    }
  }

  /// zsh completes only at a terminal: an inner zsh gets one by zpty, and its `compadd` tells what is offered.
  private static let zshCapture = #"""
    zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z "PROMPT=; autoload -Uz compinit; compinit -u -D; source ${(q)1}"
    zpty -w z 'finish () { print -r -- "HIT:END"; exit }; bindkey "^I" complete-word'
    zpty -w z 'compadd () {
      if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
      local -a hits
      builtin compadd -A hits "$@"
      for hit in $hits; do print -r -- "HIT:$hit"; done
      builtin compadd "$@"
    }'
    zpty -w z 'comppostfuncs=(finish); print REA""DY'
    zpty -r -m z ready '*READY*'
    zpty -n -w z "$2"$'\t'
    zpty -r -m z out '*HIT:END*'
    zpty -d z
    print -r -- "$out" | tr -d '\r' | sed -n 's/.*HIT://p' | sed '/^END$/d'
    """#
}
