#!/usr/bin/env python3
"""Sorts the lines of each job and drops repeated ones. Speaks `nul`: a job may have many lines.

    printf 'pear\\napple\\npear\\0b\\na' |
      prefork run --protocol nul --input nul --output nul -- workers/examples/sort_lines_nul.py | tr '\\0' '\\n'

A zero byte ends each job and each reply, as in `find -print0` and `xargs -0`. It fits text of any shape, and
file names, which may hold everything but that byte.

What to copy: Python iterates over lines only, so the stream is cut by hand. read1() returns what is there,
at least one byte; read(n) would wait for n bytes that come only after our reply.
"""
import signal
import sys

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
replies = sys.stdout.buffer


def read_jobs(stream):
    """Yields each job without its zero byte, as soon as it is complete."""
    pieces = []  # joined once per job, so that a large job costs no copy per block
    while block := stream.read1(65536):
        *ends, rest = block.split(b"\0")
        for end in ends:
            yield b"".join([*pieces, end])
            pieces = []
        if rest:
            pieces.append(rest)
    if pieces:
        yield b"".join(pieces)


for job in read_jobs(sys.stdin.buffer):
    lines = job.removesuffix(b"\n").split(b"\n")
    replies.write(b"\n".join(sorted(set(lines))) + b"\0")
    replies.flush()  # the pool waits for it
