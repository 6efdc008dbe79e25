#!/usr/bin/env bash
# Faulty: a good worker, but the file is not executable (git keeps the mode: 100644).
#
# prefork must: report EACCES from the spawn at once, name the file, advise chmod +x. No backoff loop of seconds:
# the second attempt cannot end otherwise.
while IFS= read -r job; do
  printf '%s\n' "$job"
done
