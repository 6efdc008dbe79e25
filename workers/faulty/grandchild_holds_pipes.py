#!/usr/bin/env python3
"""Faulty: at boot it forks a grandchild that inherits its stdin, stdout and stderr and sleeps for 300 s. It echoes; on
"die" it exits with status 9. Then the pipes stay open: no end of file will come, though the worker is dead.

    grandchild_holds_pipes.py [setsid]        with setsid the grandchild leaves the process group, too

prefork must: learn of the death from the pidfd, read what is left without waiting for the end of the pipe, settle the
job, and leave no sleeping orphan behind, after this or at the end of a run. (kill(-pgid) misses the one that called
setsid.)
"""
import os
import subprocess
import sys

# close_fds=False: it holds what the worker holds.
subprocess.Popen(["sleep", "300"], close_fds=False, start_new_session="setsid" in sys.argv[1:])

for job in sys.stdin.buffer:
    if b"die" in job:
        os._exit(9)
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
