#!/usr/bin/env python3
"""Faulty: echoes jobs, but to some it writes a line more, `more`, when its answer has been read for certain:

    soon        a few milliseconds after its answer has left the pipe
    late PATH   when there is a file PATH; then it makes PATH.done

`slow PATH` is answered when there is a file PATH. Any other job is merely echoed.

prefork must: report the line as a breach of the protocol, never use it as the answer to another job, and withdraw the answer
that it came behind, if that still waits for its turn.
"""
import array
import fcntl
import os
import sys
import termios
import time


def unread():
    count = array.array("i", [0])
    fcntl.ioctl(1, termios.FIONREAD, count)
    return count[0]


def wait_for(condition):
    while not condition():
        time.sleep(0.001)


for job in sys.stdin.buffer:
    word, _, path = job.rstrip(b"\n").partition(b" ")
    if word == b"slow":
        wait_for(lambda: os.path.exists(path))
    os.write(1, job)
    if word == b"soon":
        wait_for(lambda: unread() == 0)
        time.sleep(0.005)
    if word == b"late":
        wait_for(lambda: os.path.exists(path))
    if word in (b"soon", b"late"):
        os.write(1, b"more\n")
        if path:
            open(path + b".done", "w").close()
        # Else it could be taken for the answer to the next job.
        wait_for(lambda: unread() == 0)
        time.sleep(0.02)
