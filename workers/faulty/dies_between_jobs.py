#!/usr/bin/env python3
"""Faulty: echoes; but once it has answered a job and no other comes within 50 ms, it dies of SIGKILL, idle.

    dies_between_jobs.py [MILLISECONDS]

prefork must: notice by the pidfd, not by the next job; log it, replace the worker, and settle no job as `crashed`.
"""
import os
import select
import signal
import sys

patience = int(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.05

stdin = open(0, "rb", buffering=0)  # with a buffer of Python's in between, select would not see what is in there
while job := stdin.readline():
    os.write(1, job)
    if not select.select([stdin], [], [], patience)[0]:
        os.kill(os.getpid(), signal.SIGKILL)
