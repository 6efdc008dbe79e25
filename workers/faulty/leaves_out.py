#!/usr/bin/env python3
"""Answers each job with itself, but leaves out the answer to every 777th."""
import sys

for count, job in enumerate(sys.stdin, 1):
    if count % 777 != 0:
        sys.stdout.write(job)
        sys.stdout.flush()
