#!/usr/bin/env python3
"""Greets on stdout before it reads its first job, then answers each job N with "got N". The first argument selects the way.

lines          two lines, each written by itself
unended        a prompt without a newline
loads          a line, a second of loading, and another line right before it reads
sleeps         the same, but it sleeps
threads        a thread reads jobs while the first thread loads, greets, and waits for that thread
child          a child reads jobs and hands them on
select         waits for jobs with select(2)
asyncio        waits for jobs in an event loop
spins          reads in a loop that never waits, and greets no one
naps           looks for a job every few milliseconds, and greets no one
late           greets no one, but writes a line when the file exists that the second argument names
late_select    the same, and waits with select(2)
after_first    the first worker greets no one; those after it greet, and leave their first job unread for a moment. They
               know by the file that the second argument names.
batches        the same, for messages with a count of jobs and these jobs

prefork must: drop what comes before the first read as a banner, report it once, and give no job its text as an answer.
The line of `late` and `late_select` is a breach: they were seen waiting for a job.
"""
import asyncio
import os
import queue
import select
import sys
import threading
import time

mode = sys.argv[1]


def say(text):
    os.write(1, text.encode())


def answer(line):
    say("got " + line.decode())


def echo(source=sys.stdin.buffer.raw):
    for line in source:
        answer(line)


def load():
    end = time.monotonic() + 1
    while time.monotonic() < end:
        sum(range(1000))


def polled(wait):
    rest = b""
    while True:
        wait()
        try:
            block = os.read(0, 65536)
        except BlockingIOError:
            continue
        if not block:
            return
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            answer(line + b"\n")


def wait_by_select():
    select.select([0], [], [])


if mode == "lines":
    say("Welcome\n")
    say("type jobs\n")
    echo()
elif mode == "unended":
    say("> ")
    echo()
elif mode in ("loads", "sleeps"):
    say("loading...\n")
    load() if mode == "loads" else time.sleep(1)
    say("Welcome\n")
    echo()
elif mode == "threads":
    jobs = queue.Queue()

    def read():
        for line in sys.stdin.buffer.raw:
            jobs.put(line)
        jobs.put(None)

    threading.Thread(target=read, daemon=True).start()
    load()
    say("Welcome\n")
    while (job := jobs.get()) is not None:
        answer(job)
elif mode == "child":
    source, sink = os.pipe()
    if os.fork() == 0:
        os.close(source)
        while block := os.read(0, 65536):
            os.write(sink, block)
        os._exit(0)
    os.close(sink)
    load()
    say("Welcome\n")
    echo(open(source, "rb", buffering=0))
elif mode == "select":
    say("Welcome\n")
    polled(wait_by_select)
elif mode == "asyncio":

    async def serve():
        reader = asyncio.StreamReader()
        pipe = lambda: asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(pipe, sys.stdin)
        while line := await reader.readline():
            answer(line)

    say("Welcome\n")
    asyncio.run(serve())
elif mode == "spins":
    os.set_blocking(0, False)
    polled(lambda: None)
elif mode == "naps":

    def nap():
        while not select.select([0], [], [], 0)[0]:
            time.sleep(0.005)

    polled(nap)
elif mode in ("late", "late_select"):

    def wait_for_file():
        while not os.path.exists(sys.argv[2]):
            time.sleep(0.02)
        os.unlink(sys.argv[2])
        say("Still here\n")

    threading.Thread(target=wait_for_file, daemon=True).start()
    echo() if mode == "late" else polled(wait_by_select)
elif mode in ("after_first", "batches"):
    try:
        os.close(os.open(sys.argv[2], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        say("Welcome back\n")
        time.sleep(0.3)
    if mode == "after_first":
        echo()
    for count in sys.stdin.buffer:
        for _ in range(int(count)):
            answer(sys.stdin.buffer.readline())
else:
    sys.exit("what is " + mode + "?")
