#!/usr/bin/env python3
"""Faulty: keeps memory.

    leaks.py [KIB]        keeps KIB for each job for ever, 0 unless given

The job "leak N" allocates N MB for ever, "child N" does so in a child process that stays, "hold N" allocates N MB and then never
answers; anything else does nothing. Answers with its process id.

prefork must: with --max-rss, replace it after the job that brought it over the limit, whose answer counts; with --kill-rss, stop it
in the middle of the job, which is `crashed`; count the memory of its children, too; in `prefork check` see the growth, and advise a --max-jobs that bounds it.

It leaves by itself after 300 s, so that a broken test leaves nothing behind.
"""
import os
import signal
import sys
import time

signal.alarm(300)
kept = []
each_job = 1024 * (int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def allocate(megabytes):
    kept.append(bytearray(os.urandom(4096)) * (256 * megabytes))


for job in sys.stdin:
    kept.append(b"x" * each_job)
    word, _, size = job.rstrip("\n").partition(" ")
    if word == "leak":
        allocate(int(size))
    elif word == "child":
        ready, done = os.pipe()
        if os.fork() == 0:
            allocate(int(size))
            os.write(done, b"x")
            time.sleep(300)
            os._exit(0)
        os.read(ready, 1)
    elif word == "hold":
        allocate(int(size))
        time.sleep(300)
    print(os.getpid(), flush=True)
