#!/usr/bin/env python3
"""Answers each job with how many jobs it could read at once, that one included: more than one if others were parked behind
it. A job `die` ends it without an answer; `sleep` takes a minute; `pause` takes 50 ms,
`nap` 2 ms, and `wait PATH` as long as there is no file PATH."""
import os
import sys
import time

rest = b""
while True:
    block = os.read(0, 1 << 20)
    if not block:
        sys.exit()
    jobs = (rest + block).split(b"\n")
    rest = jobs.pop()
    for number, job in enumerate(jobs):
        if job == b"die":
            sys.exit(3)
        if job == b"sleep":
            time.sleep(60)
        if job.startswith(b"wait "):
            while not os.path.exists(job[5:]):
                time.sleep(0.02)
        if job == b"pause":
            time.sleep(0.05)
        if job == b"nap":
            time.sleep(0.002)
        os.write(1, b"%d\n" % (len(jobs) - number))
