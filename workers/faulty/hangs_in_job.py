#!/usr/bin/env python3
"""Faulty: echoes; a job that contains "hang" is never answered. SIGTERM ends it.

prefork must: end it at --timeout by the stop ladder (SIGTERM is enough), settle that job as `timeout`, and start
another worker. Without --timeout a second INT or TERM to prefork must still stop it.

It leaves by itself after 300 s, so that a broken test leaves nothing behind.
"""
import sys
import time

for job in sys.stdin.buffer:
    if b"hang" in job:
        time.sleep(300)
        sys.exit("nobody stopped me for 300 s")
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
