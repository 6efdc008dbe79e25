import Text

/// The worker is completed by zsh's own completion for that program, as behind sudo.
func zshCompletion(for tool: Tool) -> String {
  let function = "_\(tool.name)"
  let commands = tool.commands.map { "      \(shellQuoted("\($0.name):\($0.summary)"))\n" }.joined()
  return """
    #compdef \(tool.name)
    # zsh completion for \(tool.name). To use it now: source <(\(tool.name) completions zsh)
    # For ever: \(tool.name) completions zsh > a file named \(function) in a folder of $fpath
    \(function)() {
      local curcontext="$curcontext" state state_descr line context
      typeset -A opt_args
      _arguments -C \\
        '(- : *)'{-h,--help}'[show help]' \\
        '(- : *)'{-V,--version}'[show the version]' \\
        '1:command:->command' \\
        '*::argument:->argument'
      case $state in
      command)
        local -a commands=(
    \(commands)    )
        _describe -t commands '\(tool.name) command' commands ;;
      argument)
        case $line[1] in
    \(tool.commands.map(zshCommand).joined())    esac ;;
      esac
    }

    if [[ $funcstack[1] == \(function) ]]; then
      \(function) "$@"
    else
      compdef \(function) \(tool.name)
    fi

    """
}

private func zshCommand(_ command: Command) -> String {
  var specifications = command.options.flatMap(zshOption)
  switch command.operands {
  case .none: break
  case .choice(let name, let choices, _):
    specifications.append(shellQuoted("1:\(name):(\(choices.joined(separator: " ")))"))
  case .words(let operands):
    for (place, operand) in operands.enumerated() {
      let position = operand.isRepeated ? "*" : "\(place + 1)"
      specifications.append(shellQuoted("\(position):\(operand.name):\(operand.isFile ? "_files" : " ")"))
    }
  case .commandLine(let program, _):
    specifications.append(shellQuoted("(-)1:\(program): _command_names -e"))
    specifications.append("'*::argument: _normal'")
  }
  let lines = specifications.map { "        \($0)" }.joined(separator: " \\\n")
  return "    \(command.name))\n      _arguments -s -S \\\n\(lines) ;;\n"
}

private func zshOption(_ option: OptionDeclaration) -> [String] {
  // Without a list of what it excludes, an option that was given is not offered again; the others stay.
  option.spellings.map { spelling in
    let exclusions = (option.isExclusive ? option.spellings : [spelling]).flatMap(\.words).joined(separator: " ")
    var action = ""
    if let placeholder = option.placeholder {
      let values = option.choices.isEmpty ? " " : "(\(option.choices.joined(separator: " ")))"
      action = ":\(zshEscaped(option.choices.isEmpty ? placeholder : "value")):\(values)"
    }
    let text = shellQuoted("[\(zshEscaped(spelling.help))]\(action)")
    let takesValue = option.placeholder != nil
    let long = "--\(spelling.long)\(takesValue ? "=" : "")"
    guard let short = spelling.short else { return "'(\(exclusions))\(long)'\(text)" }
    return "'(\(exclusions))'{-\(short)\(takesValue ? "+" : ""),\(long)}\(text)"
  }
}

/// Brackets and colons end a part of a specification.
private func zshEscaped(_ text: String) -> String {
  text.reduce(into: "") { result, character in
    if "[]:\\".contains(character) { result += "\\" }
    result.append(character)
  }
}
