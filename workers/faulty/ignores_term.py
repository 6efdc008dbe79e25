#!/usr/bin/env python3
"""Faulty: echoes; ignores SIGTERM, SIGINT and SIGHUP, stays when stdin ends, and never answers a job that contains
"hang".

prefork must: climb the whole stop ladder (close stdin, SIGTERM, SIGKILL) with its waits, both after a timeout and at
the normal end of a run; and know that the worker is gone, not hope so.

It leaves by itself after 300 s, so that a broken test leaves nothing behind.
"""
import signal
import sys
import time

for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(ignored, signal.SIG_IGN)

for job in sys.stdin.buffer:
    if b"hang" in job:
        break
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
time.sleep(300)
sys.exit("nobody stopped me for 300 s")
