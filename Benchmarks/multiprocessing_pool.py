#!/usr/bin/env python3
"""The rival from Python's standard library: lines of stdin through multiprocessing.Pool.imap, back in order.

    multiprocessing_pool.py WORKERS CHUNK

Its workers call a Python function that returns the line; no worker program stands behind it. With a chunk of
64 that many jobs travel in one message, and no reply comes back before the last of them is done.
"""
import multiprocessing
import sys


def echo(job):
    return job


if __name__ == "__main__":
    workers, chunk = map(int, sys.argv[1:])
    with multiprocessing.Pool(workers) as pool:
        sys.stdout.buffer.writelines(pool.imap(echo, sys.stdin.buffer, chunk))
