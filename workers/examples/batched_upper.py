#!/usr/bin/env python3
"""Answers jobs in batches: a line with their number comes first, then the jobs, a line each.

Run it with `prefork run --batch 32 -- workers/examples/batched_upper.py`. Something that takes as long for many jobs as
for one, such as a query, a request or a model, is done once for each batch."""
import sys

for count in sys.stdin:
    jobs = [sys.stdin.readline() for _ in range(int(count))]
    # One reply for each job, in their order, and no count.
    sys.stdout.writelines(job.upper() for job in jobs)
    sys.stdout.flush()
