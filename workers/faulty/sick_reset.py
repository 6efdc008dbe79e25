#!/usr/bin/env python3
"""Faulty: answers each job with its process id and how many jobs it remembers; "reset" makes it forget, and is answered
with "ok" - but after the job "fail" with "cannot", and after the job "stall" not at all.

prefork must: with --reset reset=ok, replace it when its reset fails or is not answered within --probe-timeout, and never let
a job see a worker that remembers another one. The jobs "fail" and "stall" themselves have their answers: they are ok.

It leaves by itself after 300 s, so that a broken test leaves nothing behind.
"""
import os
import signal
import sys

signal.alarm(300)
remembered = []
for job in sys.stdin.buffer:
    if job != b"reset\n":
        reply = b"pid %d remembers %d\n" % (os.getpid(), len(remembered))
        remembered.append(job)
    elif b"stall\n" in remembered:
        continue
    elif b"fail\n" in remembered:
        reply = b"cannot\n"
    else:
        reply, remembered = b"ok\n", []
    sys.stdout.buffer.write(reply)
    sys.stdout.buffer.flush()
