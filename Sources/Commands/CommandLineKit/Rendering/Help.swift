/// The help of one command, for lines of at most `width` characters.
public func help(for command: Command, of tool: Tool, width: Int = 80) -> String {
  let columns = TwoColumns(column: 28, width: width)
  var sections = [heading(tool.name, command, width)]
  if !command.examples.isEmpty { sections.append("Examples:\n" + examples(command)) }
  sections += command.groupsWithHelp.map { "\(capitalized($0.title)):\n" + options($0.options, columns) }
  sections += command.discussion.map { wrapped($0, width: width).joined(separator: "\n") + "\n" }
  if !command.exitStatuses.isEmpty { sections.append("Exit status:\n" + exitStatuses(command, width)) }
  return sections.joined(separator: "\n")
}

/// The help of the tool: short enough for one screen.
public func help(for tool: Tool, width: Int = 80) -> String {
  let column = 4 + (tool.commands.filter { $0.family == nil }.map { $0.usageWithoutOptions.count }.max() ?? 0)
  let columns = TwoColumns(column: min(column, 32), width: width)
  var text = wrapped("\(tool.name): \(tool.summary)", width: width).joined(separator: "\n") + "\n\nCommands:\n"
  var families: Set<String> = []
  for command in tool.commands {
    guard let family = command.family else {
      text += columns.rendered(command.usageWithoutOptions, command.summary)
      continue
    }
    if !families.insert(family).inserted { continue }
    let names = tool.commands.filter { $0.family == family }.map(\.name).joined(separator: ", ")
    text += columns.rendered(names, family)
  }
  let first = tool.commands.filter { !$0.examples.isEmpty }.prefix(1)
  for command in first { text += "\nExamples:\n" + examples(command) }
  text += "\nOptions:\n"
  text += columns.rendered("-h, --help", "show this help or, behind a command, its own")
  text += columns.rendered("-V, --version", "show the version")
  for command in first { text += "\n`\(tool.name) \(command.name) --help` shows the options of \(command.name).\n" }
  return text
}

extension Command {
  fileprivate var usageWithoutOptions: String {
    operands.usage.isEmpty ? name : "\(name) \(operands.usage)"
  }
}

private func heading(_ tool: String, _ command: Command, _ width: Int) -> String {
  let title = wrapped("\(tool) \(command.name): \(command.summary)", width: width).joined(separator: "\n")
  let other = command.usageWithFile.map { "       \(tool) \($0)\n" } ?? ""
  return "\(title)\n\nUsage: \(tool) \(command.usage)\n\(other)"
}

private func options(_ options: [OptionDeclaration], _ columns: TwoColumns) -> String {
  var text = ""
  for option in options {
    for spelling in option.spellings {
      let note = option.defaultNote(spelling).map { " " + unbroken("(\($0))") } ?? ""
      text += columns.rendered(option.label(spelling, aligned: true), spelling.help + note)
    }
  }
  return text
}

private func examples(_ command: Command) -> String {
  command.examples.map { "  \($0.commandLine)\n      \($0.explanation)\n" }.joined()
}

private func exitStatuses(_ command: Command, _ width: Int) -> String {
  let columns = TwoColumns(column: 8, width: width)
  return command.exitStatuses.map { columns.rendered(String($0.status), $0.meaning) }.joined()
}

func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
