#!/usr/bin/env python3
"""Counts lines, words and bytes of whole documents, and hashes them. Speaks `length4`.

    printf 'one document\\nof two lines\\n\\0another' |
      prefork run --protocol length4 --input nul -- workers/examples/document_stats_length4.py

A message is its length (4 bytes, big-endian), then so many bytes; replies look the same. It is Erlang's
{packet,4}. Choose it for jobs that may hold any byte, newline and zero included: nothing is scanned or
escaped, and both sides know the size before the first byte.

What to copy: read exactly as many bytes as announced. read(n) of a buffered Python stream waits for all n
(os.read and sockets do not). No bytes at all is the end, and means stop; a few of them are a broken pool.
"""
import hashlib
import signal
import struct
import sys

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
jobs, replies = sys.stdin.buffer, sys.stdout.buffer
LENGTH = struct.Struct(">I")


def read_job():
    """The next job, or None at the end of stdin."""
    head = jobs.read(LENGTH.size)
    if not head:
        return None
    if len(head) < LENGTH.size:
        sys.exit(f"stdin ended {len(head)} bytes into a length of {LENGTH.size}")
    (size,) = LENGTH.unpack(head)
    job = jobs.read(size)
    if len(job) < size:
        sys.exit(f"stdin ended {len(job)} bytes into a job of {size}")
    return job


def write_reply(reply):
    replies.write(LENGTH.pack(len(reply)) + reply)
    replies.flush()  # the pool waits for it


def answer(job):
    digest = hashlib.sha256(job).hexdigest()
    return f"{job.count(10)} lines, {len(job.split())} words, {len(job)} bytes, sha256 {digest}"


while (job := read_job()) is not None:
    write_reply(answer(job).encode())
