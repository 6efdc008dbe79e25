#!/usr/bin/env python3
"""Faulty: echoes; a job that contains "twice" gets two replies, in one write. (Lesson 22: a stray print.)

prefork must: take the first as the reply, and the second for what it is: a reply without a job. The worker broke the
protocol: it is stopped, the bytes are shown, and the job that comes next must not get them for an answer.
"""
import os
import sys

for job in sys.stdin.buffer:
    if b"twice" in job:
        os.write(1, job + b"debug: answered " + job)
    else:
        os.write(1, job)
