#!/usr/bin/env python3
"""Faulty: echoes, but never flushes. stdout is a pipe, so the replies wait in an 8 KiB buffer until stdin ends.

The most common mistake of all. prefork must: end the job at --timeout and hint at the missing flush. Without
--timeout it waits, for a job may take its time, and says after 10 s what it suspects.
"""
import sys

# What sys.stdout is by default, but whatever PYTHONUNBUFFERED says.
stdout = open(1, "wb", buffering=8192)

for job in sys.stdin.buffer:
    stdout.write(job)
