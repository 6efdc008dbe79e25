#!/usr/bin/env python3
"""Answers so many jobs (its argument) with themselves, and ends in order, though its reader has read the next ones ahead."""
import sys

left = int(sys.argv[1])
for job in sys.stdin:
    sys.stdout.write(job)
    sys.stdout.flush()
    left -= 1
    if left == 0:
        break
