#!/usr/bin/env bash
# Faulty: it says why on stderr, and exits with status 3 before it reads a job.
#
# prefork must: count a failed start, try again with backoff, and when the restart budget is spent end with 69
# (breaker open), soon, with the status and these last lines of stderr in the message. Never a hang, never a
# job charged with it.
echo "loading the model" >&2
echo "cannot open model.bin: no such file" >&2
exit 3
