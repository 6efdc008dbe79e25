#!/usr/bin/env python3
"""A worker for batches of lines that answers each job with itself, and does what a job says: answers too few, too many,
fails to read, dies, hangs, gives up on SIGINT. As its argument `ignores-count` it takes the count of jobs for a job, too."""
import os
import sys
import time

ignores_count = "ignores-count" in sys.argv
for line in sys.stdin:
    if ignores_count:
        print(line.strip(), flush=True)
        continue
    jobs = [sys.stdin.readline().rstrip("\n") for _ in range(int(line))]
    replies = [str(len(jobs)) if job == "size" else os.environ["PREFORK_BATCH"] if job == "most" else job for job in jobs]
    if "die" in jobs:
        os._exit(3)
    if "begin and die" in jobs:
        # Those before it are answered, and still nobody knows what it did about them.
        for reply in replies[: jobs.index("begin and die")]:
            print(reply, flush=True)
        os._exit(3)
    if "give up" in jobs:
        try:
            time.sleep(1000)
        except KeyboardInterrupt:
            replies = ["given up"] * len(jobs)
    if "hang" in jobs:
        time.sleep(1000)
    if "short" in jobs:
        replies.remove("short")
    if "none" in jobs:
        replies = []
    if "long" in jobs:
        replies.append("one more")
    sys.stdout.write("".join(reply + "\n" for reply in replies))
    sys.stdout.flush()
