#!/usr/bin/env python3
"""Answers each line with itself, and gives up a job on SIGINT, as a program at a terminal does. Its jobs:

pid             answers its process id
sleep N         sleeps N seconds; on SIGINT it answers "cancelled"
twice N         the same, but on SIGINT it answers twice
late N          on SIGINT it goes on for a moment, and answers as if nothing had happened
deaf N          sleeps N seconds, whatever happens
dies N          on SIGINT it exits with status 1
once FILE N     sleeps N seconds unless FILE is there, which it makes; on SIGINT it answers "wrong"
"""
import os
import signal
import sys
import time


def answer(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


for line in iter(sys.stdin.readline, ""):
    line = line.rstrip("\n")
    order, *words = line.split(" ")
    try:
        if order == "pid":
            answer(str(os.getpid()))
            continue
        if order == "deaf":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if order == "once" and os.path.exists(words[0]):
            answer("right")
            continue
        if order == "once":
            open(words[0], "w").close()
        if order in ("sleep", "twice", "late", "deaf", "dies", "once"):
            time.sleep(float(words[-1]))
        answer(line)
    except KeyboardInterrupt:
        if order == "dies":
            sys.exit(1)
        if order == "late":
            time.sleep(0.3)
            answer(line)
        elif order == "once":
            time.sleep(0.3)
            answer("wrong")
        else:
            answer("cancelled")
        if order == "twice":
            answer("cancelled again")
