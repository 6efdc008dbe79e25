#!/usr/bin/env python3
"""Faulty: echoes, and keeps so many KiB of memory for each job for ever.

    leaks_memory.py [KIB]             KIB is 100 unless given

prefork must: see the growth in `prefork check`, and advise a --max-jobs that keeps it within bounds.
"""
import sys

size = 1024 * (int(sys.argv[1]) if len(sys.argv) > 1 else 100)
kept = []
for job in sys.stdin.buffer:
    kept.append(b"x" * size)
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
