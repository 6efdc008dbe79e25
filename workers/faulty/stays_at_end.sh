#!/usr/bin/env bash
# Faulty: it echoes, and when its stdin ends it stays. SIGTERM ends it.
#
# prefork must: go on to the next step of the stop ladder; `prefork check` says that it does not stop by itself.
#
# It leaves by itself after 300 s, so that a broken test leaves nothing behind.
while IFS= read -r job; do
  printf '%s\n' "$job"
done
exec sleep 300
