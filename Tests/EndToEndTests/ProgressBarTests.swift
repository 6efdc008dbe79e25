import Glibc
import Testing

/// Workers that draw on their stderr with carriage returns, as tqdm and Hugging Face's libraries do.
@Suite struct ProgressBarTests {
  /// 100 states of a bar, as tqdm writes them.
  private static let bar =
    "i=0; while [ $i -le 100 ]; do printf '\\rLoading: %3d%%|####' $i >&2; i=$((i+1)); done"

  @Test(arguments: ["", "-v"]) func ofABarTheLastStateIsShownAsALineOfItsOwn(option: String) throws {
    let result = try shell(
      "echo a | prefork run \(option) -w 1 -- sh -c \(shellWord(Self.bar + "; echo >&2; echo loaded >&2; exec cat"))")
    #expect(result.output == "a\n")
    let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("worker 0: ") }
    #expect(lines == ["worker 0: Loading: 100%|####", "worker 0: loaded"], "\(result.errors)")
    #expect(!result.errors.contains("\r"))
  }

  @Test func aBarThatIsNotEndedIsShownWithItsWorkersEnd() throws {
    let result = try shell(
      "echo a | prefork run -w 1 --restart-budget 1/10s -- sh -c \(shellWord(Self.bar + "; exit 3"))")
    #expect(result.status == 69)
    let lines = result.errors.split(separator: "\n").filter { $0.contains("Loading") && !$0.hasPrefix("hint: ") }
    #expect(lines == ["worker 0: Loading: 100%|####"], "\(result.errors)")
  }

  /// One that hangs half way, or takes its time: where it stands is shown after a few seconds.
  @Test func aBarThatPausesIsShown() throws {
    let session = try Session("exec prefork run -w 1 -- sh -c 'printf \"10%%\\r20%%\\r\" >&2; exec cat'")
    session.waitForError("worker 0: 20%\n")
    #expect(!session.errorText.contains("10%"))
    #expect(session.finish().errors == "worker 0: 20%\n")
  }

  /// It goes on for long: now and then a state is shown, and not each of them.
  @Test func aBarThatGoesOnDoesNotFloodTheLog() throws {
    let worker = "i=0; while [ $i -lt 450 ]; do printf '\\r%d' $i >&2; sleep 0.01; i=$((i+1)); done; exec cat"
    let start = monotonicTime()
    let result = try shell("echo a | prefork run -w 1 -- sh -c \(shellWord(worker))")
    let seconds = Int((monotonicTime() - start) / 1_000_000_000)
    #expect(result.output == "a\n")
    // On a slow machine the job is also named, as one that runs for ten seconds.
    let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("worker 0: ") }
    #expect((2...seconds / 3 + 1).contains(lines.count), "\(seconds) s: \(result.errors)")
    #expect(lines.last == "worker 0: 449")
  }

  @Test func linesOfAnotherSystemEndWithBothCharacters() throws {
    let result = try shell("echo a | prefork run -w 1 -- sh -c 'printf \"one\\r\\n\\r\\ntwo\\r\\n\" >&2; exec cat'")
    #expect(result.errors == "worker 0: one\nworker 0: \nworker 0: two\n")
  }
}
