#!/usr/bin/env bash
# Runs the same jobs cold (a process per job) and warm (prefork), and shows the time saved. About ten seconds.
#
#     workers/examples/demo.sh PATH_TO_PREFORK
#
# Both ways run the very same program, unicode_search.py, as many at a time, from the same file of queries. Cold is
# measured on a sample, since all of it would take minutes; what is extrapolated says so. Warm is all jobs, from the
# start of prefork to its exit, the start of the workers included. The answers of both ways are compared.
#
# Exit status: that of prefork if it failed; 1 if the answers differ; 64 or 66 if a program is missing.
set -u
export LC_ALL=C # a dot in EPOCHREALTIME, bytes in sort

fail() { # STATUS MESSAGE
  printf 'demo: %s\n' "$2" >&2
  exit "$1"
}

(($# == 1)) || fail 64 'usage: demo.sh PATH_TO_PREFORK'
prefork=$1
[[ -x $prefork && ! -d $prefork ]] || fail 66 "$prefork is no program: build it first (\`make build\`)"
command -v python3 >/dev/null || fail 66 'python3 is missing: the worker of this demo needs it'

here=$(cd -- "$(dirname -- "$0")" && pwd)
worker=$here/unicode_search.py
queries=$here/queries.txt
folder=$(mktemp -d) || fail 73 'no temporary folder could be made'
trap 'rm -rf -- "$folder"' EXIT

cpus=$(nproc)
workers=$((cpus < 4 ? cpus : 4)) # each takes some 190 MB
jobs=$(wc -l <"$queries")
sample=$((3 * workers > 6 ? 3 * workers : 6))

clock() { # VARIABLE COMMAND...: runs it, and sets the variable to the microseconds it took
  local -n took=$1
  local start=${EPOCHREALTIME/./} status
  "${@:2}"
  status=$?
  took=$((${EPOCHREALTIME/./} - start))
  return "$status"
}

cold() { head -n "$sample" "$queries" | xargs -d '\n' -n 1 -P "$workers" "$worker" >"$folder/cold"; }
warm() { "$prefork" run -w "$workers" -- "$worker" <"$queries" >"$folder/warm"; }

seconds() { # MICROSECONDS
  printf '%d.%02d s' $(($1 / 1000000)) $(($1 / 10000 % 100))
}

milliseconds() { # MICROSECONDS
  printf '%d.%d ms' $(($1 / 1000)) $(($1 / 100 % 10))
}

row() { # WHAT JOBS MICROSECONDS REMARK
  printf '  %-30s %6d %11s %12s   %s\n' "$1" "$2" "$(seconds "$3")" "$(milliseconds $(($3 / $2)))" "$4"
}

printf '%d queries for %s, which indexes the Unicode database when it starts; %d at a time.\n\n' \
  "$jobs" unicode_search.py "$workers"

printf '  cold:  head -n %d queries.txt | xargs -d "\\n" -n 1 -P %d unicode_search.py\n' "$sample" "$workers"
clock cold_time cold || fail 1 'the worker failed as a plain program: run unicode_search.py snowman to see why'
printf '  warm:  prefork run -w %d -- unicode_search.py < queries.txt\n\n' "$workers"
clock warm_time warm
status=$?
((status == 0)) || fail "$status" "prefork ended with status $status"

# xargs -P prints as they finish, so the order is not compared here. That each warm answer stands in the line of its
# query can be seen below.
cmp -s <(sort "$folder/cold") <(head -n "$sample" "$folder/warm" | sort) ||
  fail 1 'cold and warm answers differ: this is a bug in prefork'
[[ $(wc -l <"$folder/warm") -eq $jobs ]] || fail 1 "prefork printed $(wc -l <"$folder/warm") answers to $jobs jobs"

all_cold=$((cold_time * jobs / sample))
printf '  %-30s %6s %11s %12s\n' '' jobs time 'per job'
row 'cold, a process per job' "$sample" "$cold_time" 'measured'
row 'cold, a process per job' "$jobs" "$all_cold" "extrapolated from those $sample"
row "warm, prefork, $workers worker(s)" "$jobs" "$warm_time" 'measured, start of the workers included'
if ((warm_time < all_cold)); then
  printf '\n  saved: %s of %s; warm is %d times as fast\n' \
    "$(seconds $((all_cold - warm_time)))" "$(seconds "$all_cold")" $((all_cold / warm_time))
else
  printf '\n  nothing saved: warm took longer than cold would have\n'
fi

printf '\nSome answers (first match; the %d that both ways answered are equal):\n\n' "$sample"
paste "$queries" "$folder/warm" | awk -F '\t' 'NR % 48 == 3 { printf "  %-32s %s\n", $1, $2 }'
