/// The manual page of the tool, section 1, for the man macros (groff_man(7)): the tool, its commands, the options of
/// each, examples and exit statuses.
public func manPage(for tool: Tool) -> String {
  let title = tool.name.uppercased()
  var text = ".TH \(roff(title)) 1 \"\" \"\(roff("\(tool.name) \(tool.version)"))\" \"User Commands\"\n"
  text += ".SH NAME\n\(roff(tool.name)) \\- \(roff(tool.summary))\n"
  text += ".SH SYNOPSIS\n.nf\n"
  for usage in tool.commands.flatMap({ [$0.usage, $0.usageWithFile].compactMap(\.self) }) {
    text += "\\fB\(roff(tool.name))\\fR \(roff(usage))\n"
  }
  text += "\\fB\(roff(tool.name))\\fR \(roff("--version"))\n.fi\n"
  if !tool.discussion.isEmpty { text += ".SH DESCRIPTION\n" + paragraphs(tool.discussion) }
  text += ".SH COMMANDS\n"
  for command in tool.commands { text += entry("\\fB\(roff(command.name))\\fR", command.summary) }
  for command in tool.commands { text += sections(command) }
  return text
}

private func sections(_ command: Command) -> String {
  var text = ""
  if !command.groups.isEmpty {
    text += ".SH \(roff("OPTIONS OF \(command.name.uppercased())"))\n"
    for group in command.groupsWithHelp {
      text += ".SS \(roff(capitalized(group.title)))\n" + options(group.options)
    }
  }
  if !command.discussion.isEmpty {
    text += ".SH \(roff("NOTES ON \(command.name.uppercased())"))\n" + paragraphs(command.discussion)
  }
  if !command.exitStatuses.isEmpty {
    text += ".SH \(roff("EXIT STATUS OF \(command.name.uppercased())"))\n"
    for status in command.exitStatuses { text += entry("\\fB\(status.status)\\fR", status.meaning) }
  }
  if !command.examples.isEmpty {
    text += ".SH \(roff("EXAMPLES OF \(command.name.uppercased())"))\n"
    for example in command.examples {
      text += ".PP\n\(line(capitalized(example.explanation))):\n"
      text += ".PP\n.RS 4\n.nf\n\(line(example.commandLine))\n.fi\n.RE\n"
    }
  }
  return text
}

private func options(_ options: [OptionDeclaration]) -> String {
  var text = ""
  for option in options {
    for spelling in option.spellings {
      var label = "\\fB\(roff(spelling.label(aligned: false)))\\fR"
      if let placeholder = option.placeholder { label += " \\fI\(roff(placeholder))\\fR" }
      let note = option.defaultNote(spelling).map { " (\($0))" } ?? ""
      text += entry(label, capitalized(spelling.help) + note + ".")
    }
  }
  return text
}

/// A tagged paragraph. The label is roff already.
private func entry(_ label: String, _ text: String) -> String { ".TP\n\(label)\n\(line(text))\n" }

private func paragraphs(_ texts: [String]) -> String { texts.map { ".PP\n\(line($0))\n" }.joined() }

/// A line of text that cannot be taken for a request, whatever it begins with.
private func line(_ text: String) -> String {
  (text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" : "") + roff(text)
}

/// Escapes what roff would read as its own. A bare `-` would be typeset as a hyphen, which cannot be copied and typed.
private func roff(_ text: String) -> String {
  var result = ""
  for character in text {
    switch character {
    case "\\": result += "\\e"
    case "-": result += "\\-"
    case "'": result += "\\(aq"
    case "`": result += "\\(ga"
    case "\"": result += "\\(dq"
    case "~": result += "\\(ti"
    case "^": result += "\\(ha"
    default: result.append(character)
    }
  }
  return result
}
