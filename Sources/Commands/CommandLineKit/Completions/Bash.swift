/// Needs nothing but bash. The function finds out where the cursor stands: at the command, in its options, at a value,
/// at the worker or in the worker's arguments, for which bash completes file names.
func bashCompletion(for tool: Tool) -> String {
  let function = "_\(tool.name)"
  let names = tool.commandNames.joined(separator: " ")
  return """
    # bash completion for \(tool.name). To use it now: source <(\(tool.name) completions bash)
    # For ever: \(tool.name) completions bash > ~/.local/share/bash-completion/completions/\(tool.name)
    \(function)() {
      local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
      COMPREPLY=()
      if ((COMP_CWORD == 1)); then
        \(function)_offer '\(names) --help --version'
        return
      fi
      # Bash splits --name=value into three words.
      if [[ $current == = ]]; then
        current=
      elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
      fi
      case ${COMP_WORDS[1]} in
    \(tool.commands.map { bashCommand($0, function) }.joined())  esac
    }

    # Offers what begins like the current word, and no file names.
    \(function)_offer() {
      compopt +o default 2>/dev/null
      local word
      for word in $1; do
        if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi
      done
    }

    # Sets operand to the index of the first word that is no option; $1 lists the options that take a value.
    \(function)_find_operand() {
      operand=2
      while ((operand < COMP_CWORD)); do
        case ${COMP_WORDS[operand]} in
        --) ((operand++)); return ;;
        -?*)
          if [[ ${COMP_WORDS[operand+1]-} == = ]]; then
            ((operand += 2))
          elif [[ " $1 " == *" ${COMP_WORDS[operand]} "* ]]; then
            ((operand++))
          fi
          ((operand++)) ;;
        *) return ;;
        esac
      done
    }

    complete -o default -F \(function) \(tool.name)

    """
}

private func bashCommand(_ command: Command, _ function: String) -> String {
  var text = "  \(command.name))\n"
  var words = command.options.flatMap { $0.spellings.map { "--\($0.long)" } }.joined(separator: " ")
  switch command.operands {
  case .none, .words: break
  case .choice(_, let choices, _): words += " " + choices.joined(separator: " ")
  case .commandLine:
    text += """
          local operand
          \(function)_find_operand '\(command.spellingsWithValue.joined(separator: " "))'
          if ((operand < COMP_CWORD)); then return; fi
          if [[ ${COMP_WORDS[operand-1]-} == -- ]]; then
            if [[ $current != */* ]]; then mapfile -t COMPREPLY < <(compgen -c -- "$current"); fi
            return
          fi

      """
  }
  let valued = command.options.filter { $0.placeholder != nil }
  if !valued.isEmpty { text += "    case $previous in\n" }
  for option in valued {
    let pattern = option.spellings.flatMap(\.words).joined(separator: "|")
    text += "    \(pattern)) \(function)_offer '\(option.choices.joined(separator: " "))'; return ;;\n"
  }
  if !valued.isEmpty { text += "    esac\n" }
  if case .words = command.operands {
    // What is offered by nobody is completed as the name of a file.
    text += "    if [[ $current != -* ]]; then return; fi\n"
  }
  if case .commandLine = command.operands {
    // A worker may stand without a -- before it.
    text += "    if [[ $current != -* ]]; then mapfile -t COMPREPLY < <(compgen -c -- \"$current\"); return; fi\n"
    words += " --"
  }
  return text + "    \(function)_offer '\(words)' ;;\n"
}
