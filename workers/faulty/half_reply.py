#!/usr/bin/env python3
"""Faulty: echoes; on a job that contains "half" it writes the first half of the reply, no newline, and exits with
status 1.

prefork must: never pass half a reply on. The job is `crashed` (or retried), and the message shows the bytes that came.
"""
import os
import sys

for job in sys.stdin.buffer:
    if b"half" in job:
        os.write(1, job[: len(job) // 2])
        os._exit(1)
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
