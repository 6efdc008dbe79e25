/// fish asks every line's condition: a function finds where the cursor stands.
func fishCompletion(for tool: Tool) -> String {
  let at = "__\(tool.name)_at"
  var text = """
    # fish completion for \(tool.name). To use it now: \(tool.name) completions fish | source
    # For ever: \(tool.name) completions fish > ~/.config/fish/completions/\(tool.name).fish

    # True if the cursor stands at: command, COMMAND (its options and operand), COMMAND.worker, COMMAND.argument.
    function \(at)
      set -l words (commandline -opc)
      set -e words[1]
      set -l place command
      set -l with_value
      set -l takes_worker no
      while set -q words[1]
        set -l word $words[1]
        set -e words[1]
        if test $place = command
          set place $word
          switch $word

    """
  for command in tool.commands {
    guard case .commandLine = command.operands else { continue }
    text += "      case \(command.name)\n        set takes_worker yes\n"
    text += "        set with_value \(command.spellingsWithValue.joined(separator: " "))\n"
  }
  text += """
          end
        else if test $takes_worker = yes
          if test "$word" = --
            set place $place.worker
            set -q words[1]; and set place (string replace worker argument $place)
            break
          else if contains -- $word $with_value
            set -e words[1]
          else if not string match -q -- '-?*' $word
            set place $place.argument
            break
          end
        end
      end
      contains -- $place $argv
    end

    complete -c \(tool.name) -f

    """
  text += "complete -c \(tool.name) -n '\(at) command' -s h -l help -d 'show help'\n"
  text += "complete -c \(tool.name) -n '\(at) command' -s V -l version -d 'show the version'\n"
  for command in tool.commands {
    text += "complete -c \(tool.name) -n '\(at) command' -a \(command.name) -d \(fishQuoted(command.summary))\n"
  }
  for command in tool.commands { text += fishCommand(command, tool.name, at) }
  return text
}

private func fishCommand(_ command: Command, _ tool: String, _ at: String) -> String {
  let start = "complete -c \(tool) -n '\(at) \(command.name)'"
  var text = ""
  for option in command.options {
    for spelling in option.spellings {
      text += start
      if let short = spelling.short { text += " -s \(short)" }
      text += " -l \(spelling.long)"
      if option.placeholder != nil { text += " -x" }
      if !option.choices.isEmpty { text += " -a \(fishQuoted(option.choices.joined(separator: " ")))" }
      text += " -d \(fishQuoted(spelling.help))\n"
    }
  }
  switch command.operands {
  case .none: break
  case .choice(_, let choices, _): text += "\(start) -a \(fishQuoted(choices.joined(separator: " ")))\n"
  case .words(let operands): if operands.contains(where: \.isFile) { text += "\(start) -F\n" }
  case .commandLine:
    text += "complete -c \(tool) -n '\(at) \(command.name) \(command.name).worker' -a '(__fish_complete_command)'\n"
    text += "complete -c \(tool) -n '\(at) \(command.name).argument' -F\n"
  }
  return text
}

/// `text` in single quotes for fish, where only a quote and a backslash are special.
private func fishQuoted(_ text: String) -> String {
  text.reduce(into: "'") { result, character in
    if character == "'" || character == "\\" { result += "\\" }
    result.append(character)
  } + "'"
}
