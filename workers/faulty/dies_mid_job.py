#!/usr/bin/env python3
"""Faulty: echoes, until a job contains one of these words:

    die     a last line on stderr, then exit status 7, no reply
    segv    killed by SIGSEGV
    abort   killed by SIGABRT
    quit    exit status 0, and still no reply

prefork must: settle that job, and no other, as `crashed` (or retry it within its budget), name the cause (status or
signal), the job, the worker's age and its last stderr, and start another worker. Status 0 is no excuse.
"""
import os
import resource
import signal
import sys

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # tests need no core files

for job in sys.stdin.buffer:
    if b"die" in job:
        print("the parser met a comma it did not expect", file=sys.stderr, flush=True)
        os._exit(7)
    if b"segv" in job:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"abort" in job:
        os.abort()
    if b"quit" in job:
        os._exit(0)
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
