"""A worker for batches, which does what its jobs say. `async`: its function is."""
import asyncio
import sys
import time

from prefork_worker import Failure, batch, cancelled, job, log, on_cancel, progress, run


def answer(jobs):
    if "raise" in jobs:
        raise RuntimeError(f"of {len(jobs)}")
    if "short" in jobs:
        return jobs[1:]
    if "text" in jobs:
        return "text"
    if "progress" in jobs:
        progress(1, 2)
    return list(map(reply, jobs))


def reply(text):
    if text == "fail":
        return ValueError("no luck")
    if text == "failure":
        return Failure("no such page", code=404, data=[1])
    if text == "bytes":
        return b"x"
    return text.upper() if isinstance(text, str) else {"got": text}


def wait(jobs):
    log("info", "waits")
    on_cancel(lambda: log("info", "called on cancel"))
    while not cancelled():
        time.sleep(0.005)
    raise RuntimeError("stopped half way")


async def wait_async(jobs):
    log("info", "waits")
    await asyncio.sleep(1000)


def answer_or_wait(jobs):
    return wait(jobs) if "until-cancelled" in jobs else answer(jobs)


async def answer_or_wait_async(jobs):
    return await wait_async(jobs) if "until-cancelled" in jobs else answer(jobs)


batch(answer_or_wait_async if "async" in sys.argv else answer_or_wait)


@batch("count")
def count(jobs):
    return (len(jobs) for _ in jobs)


@job("single")
def single(text):
    if text == "fail":
        raise ValueError("no luck")
    return text + "!"


run()
