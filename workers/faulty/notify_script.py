#!/usr/bin/env python3
"""As good or as faulty as its arguments: it does one after the other, and then echoes jobs.

    sleep=0.5       wait so many seconds
    READY=1         (or any other assignment) send it to the notification socket, as sd_notify(3) does
    child:READY=1   send it from a child process
    orphan:READY=1  send it from a process that left the group and the session, and whose parent has ended
    exit=3          end with this status

A job that is one of these words does the same before it is echoed; "hang" is never answered.

prefork must: with --ready notify, count READY=1 from the worker and all that it started, show STATUS=, wait longer after
EXTEND_TIMEOUT_USEC=; with --worker-watchdog, replace it when WATCHDOG=1 stays out, whether it has a job or not.

It leaves by itself after 300 s, so that a broken test leaves nothing behind.
"""
import os
import signal
import socket
import sys
import time


def notify(text):
    address = os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text.encode(), address)


def in_child(action):
    if (child := os.fork()) == 0:
        action()
        os._exit(0)
    os.waitpid(child, 0)


def in_orphan(text):
    def leave():
        os.setsid()
        if os.fork() == 0:
            time.sleep(0.1)
            notify(text)

    in_child(leave)


def do(word):
    name, _, value = word.partition("=")
    if name == "sleep":
        time.sleep(float(value))
    elif name == "exit":
        sys.exit(int(value))
    elif word == "hang":
        time.sleep(300)
    elif word.startswith("child:"):
        in_child(lambda: notify(word[6:]))
    elif word.startswith("orphan:"):
        in_orphan(word[7:])
    elif name.isupper() and value:
        notify(word)


signal.alarm(300)
for word in sys.argv[1:]:
    do(word)
for job in sys.stdin:
    do(job.rstrip("\n"))
    sys.stdout.write(job)
    sys.stdout.flush()
