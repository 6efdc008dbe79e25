import Testing

@testable import CommandLineKit

/// Commands that take words of their own kinds, and commands that share an entry in the help of their tool.
@Suite struct OperandTests {
  static let send = Command(
    name: "send", summary: "send numbers to a place", groups: [OptionGroup("all", [Sample.dry])],
    operands: .words([
      .one("PLACE", .text(placeholder: "PLACE", example: "here"), isFile: true),
      .any("NUMBER", ValueKind<Int>.integer(in: 1...9)),
    ]), family: "do things with places")
  static let clear = Command(
    name: "clear", summary: "clear a place",
    operands: .words([.one("PLACE", .text(placeholder: "PLACE", example: "here"), isFile: true)]),
    family: "do things with places")
  static let tool = Tool(
    name: "tool", version: "1", summary: "does things", discussion: [], commands: [send, Sample.list, clear])

  static func message(_ arguments: String...) -> String? {
    do throws(UsageError) {
      _ = try tool.parse(arguments)
      return nil
    } catch {
      return error.message.split(separator: "\n").first.map(String.init)
    }
  }

  @Test("words are counted and checked, wherever the options stand")
  func words() throws {
    guard case .command(let parsed) = try Self.tool.parse(["send", "here", "-d", "1", "2", "--", "3"]) else {
      Issue.record("not a command")
      return
    }
    #expect(parsed.operands == ["here", "1", "2", "3"])
    #expect(parsed[Sample.dry])
    #expect(Self.message("send", "here") == nil)
    #expect(Self.message("send") == "tool: no PLACE given")
    #expect(Self.message("clear", "here", "there") == "tool: unexpected argument there")
    #expect(
      Self.message("send", "here", "1", "12", "x")
        == "tool: NUMBER: \"12\" is too large; want a whole number from 1 to 9, such as 1")
    #expect(Self.message("clear", "") == "tool: PLACE: the value is empty; want a text, such as here")
  }

  @Test("usage shows them, and a family has one entry, where its first command stands")
  func shown() {
    #expect(Self.send.usage == "send [options] PLACE [NUMBER...]")
    #expect(
      help(for: Self.tool).contains(
        """
        Commands:
          send, clear
                do things with places
          list  list all

        """), "\(help(for: Self.tool))")
  }

  @Test("the shells complete a place with the names of files")
  func completions() {
    #expect(completionScript(for: Self.tool, shell: .zsh).contains("'1:PLACE:_files' \\\n        '*:NUMBER: '"))
    #expect(completionScript(for: Self.tool, shell: .fish).contains("complete -c tool -n '__tool_at send' -F\n"))
    #expect(completionScript(for: Self.tool, shell: .bash).contains("if [[ $current != -* ]]; then return; fi\n"))
  }
}
