#!/usr/bin/env bash
# Not faulty itself: it tells what it was given, so that a test can see what prefork passes on. One line per job:
#
#     pid       its process, parent, process group and session
#     slot      PREFORK_SLOT, PREFORK_PROTOCOL, PREFORK_WORKER_ID
#     env NAME  the value of NAME as it stood at exec, or "unset"
#     names     the names of all variables at exec
#     fds       its open descriptors and what they are
#     signals   the masks of blocked and ignored signals, hex, as in /proc/PID/status (Bash always ignores SIGQUIT: 4)
#     cwd       its working directory
#     other     echoed
#
# prefork must: leave no descriptor open but 0, 1, 2; no signal blocked or ignored (SIGPIPE!); the worker alone in a
# process group of its own; PREFORK_* set; NOTIFY_SOCKET, LISTEN_* and WATCHDOG_* of prefork itself gone.
#
# In Bash, since Python ignores SIGPIPE at its start, and so cannot tell. Bash sets a few variables itself (PWD,
# SHLVL), so the environment is read from /proc, which shows it as it was at exec. And no command substitution:
# while Bash waits for one it blocks signals, and holds a pipe.

at_exec() { # NAME, or nothing for the names of all
  local entry
  while IFS= read -r -d '' entry; do
    if (($# == 0)); then
      reply+="${entry%%=*} "
    elif [[ $entry == "$1="* ]]; then
      reply=${entry#*=}
      return
    fi
  done <"/proc/$$/environ"
  (($# == 0)) && reply=${reply% } || reply=unset
}

descriptors() {
  local link number kind
  for link in "/proc/$$/fd/"*; do
    number=${link##*/}
    # The one that listed this directory is closed again; 255 is where Bash keeps this script.
    [[ -e $link ]] && ((number != 255)) || continue
    kind=other
    [[ -f $link ]] && kind=file
    [[ -d $link ]] && kind=folder
    [[ -p $link ]] && kind=pipe
    [[ -S $link ]] && kind=socket
    [[ -c $link ]] && kind=device
    reply+="$number=$kind "
  done
  reply=${reply% }
}

masks() {
  local name value
  while read -r name value; do
    case $name in
      SigBlk:) reply+="blocked=$value " ;;
      SigIgn:) reply+="ignored=$value " ;;
    esac
  done <"/proc/$$/status"
  reply=${reply% }
}

process() { # from /proc/PID/stat: what follows the name, which stands in brackets and may hold blanks
  local stat
  local -a fields
  IFS= read -r stat <"/proc/$$/stat"
  read -ra fields <<<"${stat##*) }"
  reply="pid=$$ ppid=${fields[1]} pgid=${fields[2]} sid=${fields[3]}"
}

while IFS= read -r job || [[ -n $job ]]; do
  reply=
  case $job in
    pid) process ;;
    slot) reply="slot=$PREFORK_SLOT protocol=$PREFORK_PROTOCOL worker=$PREFORK_WORKER_ID" ;;
    'env '*) at_exec "${job#env }" ;;
    names) at_exec ;;
    fds) descriptors ;;
    signals) masks ;;
    cwd) cd -P . && reply=$PWD ;;
    *) reply=$job ;;
  esac
  printf '%s\n' "${reply//$'\n'/ }" || exit
done
