"""A worker on the SDK that does what the job says. Arguments: `async`: its jobs are; `threads`: they run on three."""
import asyncio
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time

print("printed before the SDK was imported")

from prefork_worker import (
    Failure, LogHandler, cancelled, job, log, on_cancel, probe, progress, reset, retire, run, setup)

logging.basicConfig(handlers=[LogHandler()], level="INFO", format="%(message)s")
running = 0
lock = threading.Lock()


@setup
def prepare():
    print("setting up")
    if "broken" in sys.argv:
        raise OSError("no model")


def shout():
    print("from a forked process", flush=True)


def answer(text):
    word, _, rest = text.partition(" ")
    if word == "fail":
        raise ValueError(rest)
    if word == "failure":
        raise Failure("no such page", code=404, data={"page": rest})
    if word == "exit":
        sys.exit(rest)
    if word == "die":
        os._exit(3)
    if word == "bytes":
        return b"x"
    if word == "unfit":
        return {1, 2}
    if word == "half-pair":
        return "\ud83d"
    if word == "fail-half-pair":
        raise ValueError("\ud83d")
    if word == "null":
        return None
    if word == "json":
        return {"job": rest, "list": [1, 2.5, "é"]}
    if word == "lines":
        return "a\nb"
    if word == "print":
        print("printed")
        subprocess.run(["echo", "from a child"], check=True)
        subprocess.run("cat; cat <&0", shell=True, check=True)  # finds no job
        process = multiprocessing.get_context("fork").Process(target=shout)
        process.start()
        process.join()
    if word == "progress":
        progress(1, 4, "loading")
    if word == "log":
        log("warning", "it is warm")
        logging.error("it is %s", "hot")
    if word == "retire":
        retire()
    if word == "thread":
        return threading.current_thread().name
    if word == "pid":
        return str(os.getpid())
    return text.upper()


def busy(text):
    """`together N`: waits until N jobs run. `until-cancelled`: until it is. `sleep S`."""
    word, _, rest = text.partition(" ")
    if word == "together":
        global running
        with lock:
            running += 1
        while running < int(rest):
            time.sleep(0.005)
    if word == "until-cancelled":
        log("info", "waits")
        on_cancel(lambda: log("info", "called on cancel"))
        while not cancelled():
            time.sleep(0.005)
        raise RuntimeError("stopped half way")
    if word == "sleep":
        log("info", "sleeps")
        time.sleep(float(rest))
    return answer(text)


async def busy_async(text):
    word, _, rest = text.partition(" ")
    if word == "together":
        global running
        running += 1
        while running < int(rest):
            await asyncio.sleep(0.005)
    if word == "until-cancelled":
        log("info", "waits")
        on_cancel(lambda: log("info", "called on cancel"))
        await asyncio.sleep(1000)
    if word == "sleep":
        log("info", "sleeps")
        await asyncio.sleep(float(rest))
    return answer(text)


job(busy_async if "async" in sys.argv else busy)


@job("area")
def area(width, height=1):
    return width * height


@probe
def is_well():
    log("info", f"probed on {threading.current_thread().name}")


@reset
def clean():
    if "stained" in sys.argv:
        raise RuntimeError("a stain")


run(threads=3 if "threads" in sys.argv else 0)
print("the end")
