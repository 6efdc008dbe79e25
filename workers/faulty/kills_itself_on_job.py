#!/usr/bin/env python3
"""Faulty: echoes, but reads every Nth job and kills itself with SIGKILL instead of answering it.

    kills_itself_on_job.py [N]        N is 50 unless given

prefork must: with --retries, give that job to another worker (where it is not the Nth) and lose, double or swap no
line; without, settle it as `crashed`. Jobs that wait behind it in the pipe go back to the queue and cost no attempt.
"""
import os
import signal
import sys

every = int(sys.argv[1]) if len(sys.argv) > 1 else 50

for number, job in enumerate(sys.stdin.buffer, start=1):
    if number == every:
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
