#!/usr/bin/env bash
# Answers every line with its CRC-32 in hex and its length in bytes. Pure Bash: no process per job.
#
#     seq 5 | prefork run -- workers/examples/crc32.sh
#
# The table is the expensive part (2048 steps, some 10 ms). A script that is started for each job
# builds it each time; a warm worker builds it once. Starting `cksum` per job would cost more still.
#
# What to copy:
#   * `while IFS= read -r job`: without IFS= Bash strips blanks at both ends, without -r it eats
#     backslashes. `|| [[ -n $job ]]` also answers a last line that has no newline.
#   * The printf of Bash writes at once, so nothing has to be flushed. A filter inside the loop would
#     have to be told: sed -u, grep --line-buffered, stdbuf -oL.
#   * Every job gets exactly one line, also the empty one.
#
# Limits: a Bash variable cannot hold the byte 0, so `read` drops it from the job; and `read` takes a
# byte at a time from a pipe. For large or binary jobs use another language.

LC_ALL=C # bytes, not characters

declare -ai table
for ((i = 0; i < 256; i++)); do
  ((c = i))
  for ((bit = 0; bit < 8; bit++)); do
    ((c = c & 1 ? (c >> 1) ^ 0xEDB88320 : c >> 1))
  done
  table[i]=c
done

while IFS= read -r job || [[ -n $job ]]; do
  ((crc = 0xFFFFFFFF))
  for ((i = 0; i < ${#job}; i++)); do
    printf -v byte %d "'${job:i:1}" # a leading quote asks for the number of the character; over 127 it may be negative
    ((crc = (crc >> 8) ^ table[(crc ^ byte) & 255]))
  done
  # When the pool is gone and SIGPIPE is ignored, printf fails: leave.
  printf '%08x %d\n' "$((crc ^ 0xFFFFFFFF))" "${#job}" || exit
done
