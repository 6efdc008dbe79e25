#!/usr/bin/env python3
"""Faulty: greets on stdout before any job, then echoes.

prefork must: see a reply without a job, stop the worker, show the bytes, count a failed start, and end with 69 or 76
when all workers do it; the greeting must never become the answer to job 1, not even when that job was written before
the greeting came. With --ready line it is the proof of readiness, and right.
"""
import os
import sys

os.write(1, b"Welcome to the echo service 2.0\n")
for job in sys.stdin.buffer:
    os.write(1, job)
