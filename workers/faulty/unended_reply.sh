#!/usr/bin/env bash
# Faulty: it echoes each job without the newline that ends a reply.
#
# prefork must: wait for the rest of the reply, until --timeout; `prefork check` shows what came and says what is missing.
while IFS= read -r job; do
  printf '%s' "$job"
done
