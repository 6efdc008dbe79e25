#!/usr/bin/env python3
"""Faulty: echoes; "huge N" is answered with N bytes (200 MB unless given), then a newline.

prefork must: stop reading at --max-reply-size with its memory flat, fail that job alone, and stop the worker, which is
still writing. Below the limit the reply must arrive whole.
"""
import sys

BLOCK = b"x" * 65536

for job in sys.stdin.buffer:
    words = job.split()
    if words[:1] == [b"huge"]:
        left = int(words[1]) if len(words) > 1 else 200_000_000
        while left > 0:
            left -= sys.stdout.buffer.write(BLOCK[:left])
        sys.stdout.buffer.write(b"\n")
    else:
        sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
