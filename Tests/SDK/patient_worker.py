"""Answers lines. `wait PATH`: makes PATH.begun, and answers once PATH exists. `die`: not at all, it kills itself. `pid`: with its number."""
import os
import signal
import sys
import time

for line in sys.stdin.buffer:
    word, _, rest = line.rstrip(b"\n").partition(b" ")
    if word == b"wait":
        open(rest + b".begun", "w").close()
        while not os.path.exists(rest):
            time.sleep(0.005)
    if word == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdout.buffer.write(str(os.getpid()).encode() + b"\n" if word == b"pid" else line)
    sys.stdout.buffer.flush()
