/// The options of a command as a Markdown table with the columns group, option, default and meaning, for the README.
public func markdownTable(for command: Command) -> String {
  var text = "| group | option | default | meaning |\n|---|---|---|---|\n"
  for group in command.groups {
    var title = group.title
    for option in group.options {
      for spelling in option.spellings {
        let label = "`\(option.label(spelling, aligned: false))`"
        let fallback = option.defaultText ?? (spelling.isDefault ? "yes" : "")
        text += "| " + [title, label, fallback, spelling.help].map(cell).joined(separator: " | ") + " |\n"
        title = ""
      }
    }
  }
  return text
}

/// A bar would end the cell, in code as well.
private func cell(_ text: String) -> String {
  text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
}
