#!/usr/bin/env python3
"""Faulty, or just tidy: exits with status 0 right after its Nth answer, without a word. (Lesson 25: mod_fcgid.)

    exits_after.py [N]                N is 50 unless given

prefork must: take an exit while idle as normal, replace the worker without backoff, and blame no job. A job that was
written into the pipe in the same moment was provably not started: it goes to another worker and costs no attempt,
even with --retries 0.
"""
import os
import sys

answers = int(sys.argv[1]) if len(sys.argv) > 1 else 50

# readline reads ahead into a buffer of Python's. A job in there would be read and lost, and count as started: so
# take no more than one line, byte by byte.
stdin = open(0, "rb", buffering=0)
for _ in range(answers):
    job = stdin.readline()
    if not job:
        break
    os.write(1, job)
