#!/usr/bin/env python3
"""Faulty: echoes; a job that contains "close" makes it close its stdout without a reply, and live on.

prefork must: take the end of its stdout as a broken worker, at once and not at --timeout: it can never answer again.
It is stopped, and the job settled. prefork must not wait for the process to die by itself.

It leaves when stdin ends.
"""
import os
import sys

closed = False
for job in sys.stdin.buffer:
    if b"close" in job and not closed:
        os.close(1)
        closed = True
    elif not closed:
        os.write(1, job)
