#!/usr/bin/env python3
"""Faulty: answers each job with the job before it ("nothing" at first): what one client asked, the next one sees. A
job that is just "reset" makes it forget, and is answered with "ok".

prefork must: with --reset reset=ok send that after each job, so that every answer is "nothing", and hand the worker out
only after its "ok". Without --reset it cannot know, and must not pretend to.
"""
import sys

previous = b"nothing\n"
for job in sys.stdin.buffer:
    if job == b"reset\n":
        reply, previous = b"ok\n", b"nothing\n"
    else:
        reply, previous = previous, job
    sys.stdout.buffer.write(reply)
    sys.stdout.buffer.flush()
