#!/usr/bin/env python3
"""Answers each job with itself, and writes one line too many after every thousandth."""
import sys

for count, job in enumerate(sys.stdin, 1):
    sys.stdout.write(job)
    if count % 1000 == 0:
        sys.stdout.write("stray\n")
    sys.stdout.flush()
