#!/usr/bin/env bash
# Faulty: it starts, and never reads its stdin. It does not even see the end of it.
#
# prefork must: end the start when --start-timeout is over if readiness was asked for; else end the job it never
# reads at --timeout. The job was provably not started (FIONREAD shows its whole frame). At the end of the run
# closing stdin does not help: the stop ladder goes on to SIGTERM, which works.
#
# It leaves by itself after 300 s, so that a broken test leaves nothing behind.
echo "waiting for a lock that nobody will release" >&2
exec sleep 300
