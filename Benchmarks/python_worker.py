#!/usr/bin/env python3
"""A worker in Python that answers each line with itself after some work, one write per answer.

    python_worker.py LOOPS

`loops_for(seconds)` finds out how many loops take that long here; the benchmark passes the same number to all.
"""
import sys
import time


def work(loops):
    total = 0
    for number in range(loops):
        total += number
    return total


def loops_for(seconds):
    """The fastest of several tries, since what disturbs a try only makes it longer."""
    def try_once():
        start = time.perf_counter()
        work(100_000)
        return time.perf_counter() - start

    return max(1, round(100_000 * seconds / min(try_once() for _ in range(20))))


def main():
    loops, write, flush = int(sys.argv[1]), sys.stdout.buffer.write, sys.stdout.buffer.flush
    for line in sys.stdin.buffer:
        work(loops)
        write(line)
        flush()


if __name__ == "__main__":
    main()
