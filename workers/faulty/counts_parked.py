#!/usr/bin/env python3
"""Answers each job with how many jobs it could read at once, that one included: more than one if others were parked behind
it. A job `die` ends it without an answer; `sleep` takes a minute; `second` takes a second, `pause` 50 ms."""
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
        if job == b"second":
            time.sleep(1)
        if job == b"pause":
            time.sleep(0.05)
        os.write(1, b"%d\n" % (len(jobs) - number))
