#!/usr/bin/env python3
"""Answers each job with itself from a thread of its own, those that end in 7 a moment later: in order as long as it has one at a
time."""
import sys
import threading
import time


def answer(job):
    if job.endswith("7\n"):
        time.sleep(0.0005)
    sys.stdout.write(job)
    sys.stdout.flush()


for job in sys.stdin:
    threading.Thread(target=answer, args=(job,)).start()
