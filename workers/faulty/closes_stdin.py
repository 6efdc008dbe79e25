#!/usr/bin/env python3
"""Faulty: echoes; a job that contains "close" is answered, then it closes its stdin and lives on.

prefork must: see the hang-up (EPOLLERR) of an idle worker, or EPIPE at the next job; that job was provably not
started, goes to another worker and costs no attempt. SIGPIPE must not kill prefork. SIGTERM stops this worker; the
end of stdin cannot.

It leaves by itself after 300 s, so that a broken test leaves nothing behind.
"""
import os
import sys
import time

stdin = open(0, "rb", buffering=0)
while job := stdin.readline():
    os.write(1, job)
    if b"close" in job:
        stdin.close()
        time.sleep(300)
        sys.exit("nobody stopped me for 300 s")
