#!/usr/bin/env python3
"""Answers every line in upper case. The smallest useful worker, and the one to copy.

    seq -f 'line %g' 5 | prefork run -- workers/examples/upper.py

The whole contract of the `lines` protocol is in the loop below:

  * read a job: one line from stdin; the end of stdin means "stop", so the loop simply ends;
  * write the reply: exactly one line on stdout, also for an empty job;
  * flush, every time. stdout is a pipe here, so Python collects 8 KiB before it writes anything. The
    pool waits for this reply before it sends the next job: without the flush both wait for ever;
  * anything for people goes to stderr. A stray print() on stdout would be taken for a reply.

Bytes, not text: a job may hold any byte, and decoding would fail on what is not UTF-8 (and cost time).
So only a-z change case here.
"""
import signal
import sys

# Python ignores SIGPIPE and raises BrokenPipeError instead. When the pool is gone there is nobody to
# tell: die quietly, as other filters do.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)

# Whatever is expensive (a model, a database session, a big table) belongs here, before the loop: it
# is paid once per worker, not once per job.
jobs, replies = sys.stdin.buffer, sys.stdout.buffer

for job in jobs:
    replies.write(job.rstrip(b"\n").upper() + b"\n")
    replies.flush()
