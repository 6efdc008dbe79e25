#!/usr/bin/env python3
"""Faulty: greets on stdout before any job, then echoes.

prefork must: see a reply without a job, stop the worker, show the bytes, count a failed start, and end with 76. As long
as nothing of job 1 was read, the greeting is not its answer, even when that job was written before the greeting came.
A worker that reads the job at once cannot be told from a quick one; then the true answer is the one nobody asked for.
"""
import os
import sys

os.write(1, b"Welcome to the echo service 2.0\n")
for job in sys.stdin.buffer:
    os.write(1, job)
