#!/usr/bin/env python3
"""Faulty: echoes, and floods stderr meanwhile. The word a job begins with decides:

    many N      N short numbered lines (1000 unless given)
    long N      one line of N bytes (1 MB unless given)
    partial     pieces of a line, each in a write of its own, the newline only with the next job
    binary      bytes that are no text, escape sequences included
    anything    one line

prefork must: keep reading stderr, or the worker blocks in write() for ever; pass on whole lines with the worker's
name, never mixed with another worker's; bound what it keeps; show a last line that has no newline.
"""
import os
import sys


def complain(text):
    while text:  # a pipe may take only a part
        text = text[os.write(2, text) :]


for job in sys.stdin.buffer:
    word, *rest = job.split() or [b""]
    number = int(rest[0]) if rest and rest[0].isdigit() else None
    if word == b"many":
        for i in range(number or 1000):
            complain(b"complaint %d\n" % i)
    elif word == b"long":
        complain(b"x" * (number or 1_000_000) + b"\n")
    elif word == b"partial":
        for piece in (b"end of the last one\n", b"a line ", b"in three ", b"pieces, "):
            complain(piece)
    elif word == b"binary":
        complain(bytes(range(256)) + b"\x1b[31mred\x1b]0;title\x07\n")
    else:
        complain(b"working on " + job)
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
