#!/usr/bin/env python3
"""Answers the number of jobs in its argument with themselves and exits with 0, though its reader has read the next ones."""
import sys

left = int(sys.argv[1])
for job in sys.stdin:
    sys.stdout.write(job)
    sys.stdout.flush()
    left -= 1
    if left == 0:
        break
