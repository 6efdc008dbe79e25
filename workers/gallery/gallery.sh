#!/usr/bin/env bash
# Runs the programs of this folder cold (started anew for each job) and warm (by prefork), and prints a table.
#
#     make gallery                 # installs what they need, and runs them all
#     make gallery ONE=psql
#     workers/gallery/gallery.sh PATH_TO_PREFORK FOLDER_OF_PYTHON_PACKAGES [NAME...]
#     workers/gallery/gallery.sh --needs apt|pip|pip-alone [NAME...]     # what is to be installed
#
# Each NAME.sh here is a page about one program: what it needs, its jobs, and the two ways to run it, with one worker
# and one job at a time, so that the ratio is that of the programs and not of the CPUs. Cold is measured on a sample.
# Warm is all jobs, from the start of prefork to its exit, the start of the worker included. The answers of both ways
# are compared.
# GALLERY_JOBS and GALLERY_SAMPLE bound how many jobs there are, and how many of them are run cold.
#
# Exit status: 0; 1 if a program could not be run, or its answers differ; 64 for a wrong call.
set -u
export LC_ALL=C.UTF-8 # a dot in EPOCHREALTIME

gallery=$(cd -- "$(dirname -- "$0")" && pwd)
root=$(cd -- "$gallery/../.." && pwd)

fail() { # STATUS MESSAGE
  printf 'gallery: %s\n' "$2" >&2
  exit "$1"
}

# ------------------------------------------------------------------------------------- what the page of a program sets

load() { # NAME
  title='' apt='' pip='' pip_alone='' option='' around='' count=200 sample=10
  prepare() { :; } # makes what jobs need, in the folder where it is called
  jobs() { :; }    # prints `count` jobs, one a line
  cold() { :; }    # JOB: prints its answer, one line
  warm() { :; }    # jobs on stdin: prints the answers, one a line, in their order
  same() { cmp -s "$1" "$2"; } # COLD WARM: whether two files of answers are equal
  [[ -f $gallery/$1.sh && $1 != gallery ]] || fail 64 "there is no $1 in $gallery"
  # shellcheck source=/dev/null
  . "$gallery/$1.sh"
}

# ----------------------------------------------------------------------------------------------- measuring one program

clock() { # VARIABLE COMMAND...: sets the variable to the microseconds that the command took
  local -n took=$1
  local start=${EPOCHREALTIME/./} status
  "${@:2}"
  status=$?
  took=$((${EPOCHREALTIME/./} - start))
  return "$status"
}

all_cold() {
  local job
  while IFS= read -r job; do cold "$job" </dev/null || return; done <sample.jobs >cold.answers
}

all_warm() { warm <all.jobs >warm.answers; }

milliseconds() { # MICROSECONDS
  printf '%d.%d ms' $(($1 / 1000)) $(($1 / 100 % 10))
}

least() { # VARIABLE LIMIT
  (($1 <= $2)) || printf -v "$1" '%d' "$2"
}

# In the folder for its files. Prints a row of the table.
measure() { # NAME
  local took_cold took_warm
  load "$1"
  least count "${GALLERY_JOBS:-$count}"
  least sample "${GALLERY_SAMPLE:-$sample}"
  prepare || fail 1 "$1: cannot be prepared"
  jobs | head -n "$count" >all.jobs
  head -n "$sample" all.jobs >sample.jobs
  clock took_cold all_cold || fail 1 "$1: cold, it failed"
  clock took_warm all_warm || fail 1 "$1: warm, it failed"
  local answers
  answers=$(wc -l <warm.answers)
  [[ $answers == "$count" ]] || fail 1 "$1: $answers answers to $count jobs"
  head -n "$sample" warm.answers >sample.answers
  if ! same cold.answers sample.answers; then
    diff cold.answers sample.answers | cut -c 1-200 | head -n 10 >&2
    fail 1 "$1: what it answered warm (>) is not what it answered cold (<)"
  fi
  local per_cold=$((took_cold / sample)) per_warm=$((took_warm / count))
  printf '%-18s %-44s %5d %12s %12s %9s\n' "$1" "$title" "$count" "$(milliseconds $per_cold)" \
    "$(milliseconds $per_warm)" "$((10 * per_cold / per_warm / 10)).$((10 * per_cold / per_warm % 10)) x"
}

# ---------------------------------------------------------------------------------------------------------------- main

if [[ ${1-} == --measure ]]; then # called by ourselves, perhaps inside of a program that makes a server for it
  prefork=$2 python_packages=$3
  export PYTHONPATH=$root/workers/sdk/python:$python_packages
  unset PYTHONUNBUFFERED
  cd -- "$5" || exit 1
  measure "$4"
  exit
fi

all() { for page in "$gallery"/*.sh; do page=${page##*/}; [[ $page == gallery.sh ]] || echo "${page%.sh}"; done; }

if [[ ${1-} == --needs ]]; then
  (($# >= 2)) || fail 64 'usage: gallery.sh --needs apt|pip|pip-alone [NAME...]'
  kind=${2/-/_}
  shift 2
  (($# > 0)) || set -- $(all)
  for name; do
    load "$name"
    echo "${!kind}"
  done | tr ' ' '\n' | grep . | sort -u
  exit
fi

(($# >= 2)) || fail 64 'usage: gallery.sh PATH_TO_PREFORK FOLDER_OF_PYTHON_PACKAGES [NAME...]'
prefork=$(realpath -- "$1") python_packages=$(realpath -m -- "$2")
shift 2
[[ -x $prefork ]] || fail 66 "$prefork is no program: build it first (\`make build\`)"
(($# > 0)) || set -- $(all)
folder=$(mktemp -d) || fail 73 'no temporary folder could be made'
trap 'rm -rf -- "$folder"' EXIT

printf '%-18s %-44s %5s %12s %12s %9s\n' name program jobs cold warm faster
status=0
for name; do
  load "$name"
  if [[ -n $option ]] && ! "$prefork" run --help | grep -q -- "$option"; then
    echo "gallery: $name is left out: this prefork has no $option" >&2
    continue
  fi
  mkdir -p "$folder/$name" && chmod 755 "$folder" "$folder/$name"
  printf -v command '%q ' "$gallery/gallery.sh" --measure "$prefork" "$python_packages" "$name" "$folder/$name"
  if [[ -n $around ]]; then
    "$root/$around" "$command" || status=1
  else
    eval "$command" || status=1
  fi
done
exit "$status"
