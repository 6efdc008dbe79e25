#!/usr/bin/env bash
# Faulty: it answers its first job, and then never reads again. It does not even see the end of its stdin.
#
# prefork must: end the second job at --timeout; `prefork check` says that it was not even read.
#
# It leaves by itself after 300 s, so that a broken test leaves nothing behind.
IFS= read -r job
printf '%s\n' "$job"
exec sleep 300
