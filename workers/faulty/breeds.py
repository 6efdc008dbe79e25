#!/usr/bin/env python3
"""Faulty: leaves something behind. Before it echoes jobs it starts descendants as its arguments say, which ignore SIGTERM,
SIGHUP and SIGINT, hold no pipe of ours, and would live for 300 s:

    child      in its process group
    session    in a session of its own (setsid)
    daemon     in a session of its own, and orphaned (double fork)
    bare       like daemon, but without any environment
    family     like session, with a child of its own in yet another session

and with "stopped" it stops itself (SIGSTOP) before its first job, with "stubborn" it ignores SIGTERM itself.

prefork must: after its stop or death, whoever caused it, and after its own death by SIGKILL, have nothing of this alive within
a second or so. (A process without our environment that no process of ours is an ancestor of can only be found by a cgroup.)
"""
import os
import signal
import sys
import time

DEAF = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def live_on():
    for number in DEAF:
        signal.signal(number, signal.SIG_IGN)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    time.sleep(300)


def fork(action):
    if (child := os.fork()) == 0:
        action()
        os._exit(0)
    return child


def session():
    os.setsid()
    live_on()


def daemon():
    os.setsid()
    fork(live_on)


def bare():
    os.setsid()
    for number in DEAF:
        signal.signal(number, signal.SIG_IGN)
    code = "import os, time; n = os.open('/dev/null', 2); [os.dup2(n, i) for i in range(3)]; time.sleep(300)"
    fork(lambda: os.execve(sys.executable, [sys.executable, "-S", "-c", code], {}))


def family():
    os.setsid()
    fork(session)
    live_on()


for word in sys.argv[1:]:
    if word == "child":
        fork(live_on)
    elif word in ("session", "family"):
        fork({"session": session, "family": family}[word])
    elif word in ("daemon", "bare"):
        os.waitpid(fork({"daemon": daemon, "bare": bare}[word]), 0)
    elif word == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "stopped" in sys.argv:
    os.kill(os.getpid(), signal.SIGSTOP)
for job in sys.stdin.buffer:
    sys.stdout.buffer.write(job)
    sys.stdout.buffer.flush()
if "stubborn" in sys.argv:
    time.sleep(300)
