#!/usr/bin/env python3
"""Faulty: echoes jobs and answers the probe "ping" with "pong" - until the job "sick", after which every ping is
answered with "ouch", or the job "mute", after which pings are not answered at all. Jobs it goes on answering.

prefork must: with --probe ping=pong and --probe-interval or --probe-before-lease, replace it at the next probe, at once or
after --probe-timeout, name the wrong answer or the silence, and give the job that waited for it to another worker.

It leaves by itself after 300 s, so that a broken test leaves nothing behind.
"""
import signal
import sys

signal.alarm(300)
answer = b"pong\n"
for job in sys.stdin.buffer:
    reply = job
    if job == b"ping\n":
        reply = answer
    elif job == b"sick\n":
        answer = b"ouch\n"
    elif job == b"mute\n":
        answer = b""
    sys.stdout.buffer.write(reply)
    sys.stdout.buffer.flush()
