#!/usr/bin/env python3
"""What a lease of an ObjectPool costs, against a bare lock around an array (the floor), and against pools in Python.

    Benchmarks/object_pool.py --pool-bench .build/bench/object-pool/release/pool-bench [--python FOLDER]

Users acquire and release in a loop, with 8 objects among them: threads, or tasks of Swift's concurrency.

How it measures, so that a figure means something:
  * Rounds are interleaved: A B C, then B C A, ... A ratio is the floor's time per pair by the pool's, within each round;
    the table shows its median, and its smallest and largest value. 0.5 means half as many pairs per second.
  * Threads are compared with `condition-floor`, where whoever comes by first takes what was given back: nothing is
    faster, and one who waits may starve. `queue-floor` serves them in the order in which they came, as ObjectPool does;
    `mutex-floor` is the same with Swift's Mutex. Tasks are compared with `task-floor`, the queue of continuations.
  * One user is pinned to one CPU; more have all CPUs.
  * With `none` a user holds the object for no time. As no more threads run than there are CPUs, the objects hardly ever
    run out. `work` computes about 0.7 µs. `yield` lets others run, so that of 64 users 56 wait.
  * An object that was with two users at once makes a run fail.

The pools in Python run without a hold, as threads of one interpreter: they show what a lease costs their users, and
nothing about the pool's design. Those not installed are left out; --python names a folder where they are looked for.

Exit status: 0; 1 when a run failed; 2 for bad arguments.
"""
import argparse
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from measuring import RunFailed, check_programs, describe_machine, median_and_spread, run_command
from python_pools import NOT_INSTALLED, POOLS

THREADS, TASKS = "condition-floor", "task-floor"
HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass
class Rival:
    name: str
    command: list
    floor: str
    times: list = dataclasses.field(default_factory=list)  # nanoseconds per pair, one per round; None if it failed


def parse_arguments():
    parser = argparse.ArgumentParser(description="What a lease of an ObjectPool costs; see the top of the file.")
    parser.add_argument("--pool-bench", required=True, metavar="FILE", help="the program built from ObjectPool/")
    parser.add_argument("--python", metavar="FOLDER", help="where pip has put the Python pools")
    parser.add_argument("--users", default="2,8,64", metavar="N,...", help="contenders (default %(default)s)")
    parser.add_argument("--pairs", type=int, default=500_000, metavar="N",
                        help="pairs of one user; contenders do a fifth, Python a fiftieth (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds (default %(default)s)")
    arguments = parser.parse_args()
    try:
        arguments.users = [int(n) for n in arguments.users.split(",")]
    except ValueError:
        parser.error(f"--users takes numbers set apart by commas, such as 2,8,64, not {arguments.users!r}")
    if min(arguments.users) < 1 or arguments.rounds < 1 or arguments.pairs < 100 * max(arguments.users):
        parser.error("--users and --rounds must be at least 1, --pairs at least 100 for each user")
    check_programs(parser, arguments.pool_bench)
    if not shutil.which("taskset"):
        parser.error("taskset is missing: install util-linux")
    if arguments.python:
        os.environ["PYTHONPATH"] = os.path.abspath(arguments.python)
    return arguments


class Field:
    """Makes rivals."""

    def __init__(self, arguments):
        self.program, self.pairs = os.path.abspath(arguments.pool_bench), arguments.pairs
        self.python = [kind for kind in POOLS if self.is_installed(kind)]

    @staticmethod
    def python_command(kind, users, pairs):
        return [sys.executable, os.path.join(HERE, "python_pools.py"), kind, str(users), str(pairs)]

    def is_installed(self, kind):
        done = subprocess.run(self.python_command(kind, 1, 1), capture_output=True, text=True, timeout=60)
        if done.returncode == NOT_INSTALLED:
            print(f"left out: {kind}: {done.stderr.strip()}")
        return done.returncode != NOT_INSTALLED

    def swift(self, kind, users, hold="none", policy="bare", part=1):
        floor = TASKS if kind.startswith(("task", "async")) else THREADS
        name = kind if policy == "bare" else f"{kind}, {policy}"
        pairs = max(users, self.pairs // part)
        return Rival(name, [self.program, kind, str(users), str(pairs), hold, policy], floor)

    def pythons(self, users):
        return [Rival(f"Python: {kind}", self.python_command(kind, users, self.pairs // 50), THREADS)
                for kind in self.python]

    def alone(self):
        kinds = [THREADS, "queue-floor", "mutex-floor", "blocking-pool", TASKS, "async-pool"]
        return [self.swift(kind, 1) for kind in kinds] + self.pythons(1)

    def policies(self):
        found = [self.swift(THREADS, 1), self.swift(TASKS, 1)]
        for policy, part in [("validate", 1), ("uses", 1), ("report", 5), ("reset", 20), ("reset-on-acquire", 50)]:
            found += [self.swift(kind, 1, "none", policy, part) for kind in ("blocking-pool", "async-pool")]
        return found

    def contended(self, users, hold):
        kinds = [THREADS, "queue-floor", "blocking-pool", TASKS, "async-pool"]
        found = [self.swift(kind, users, hold, part=5) for kind in kinds]
        if hold != "none":
            return found
        # It may take a thousand times as long.
        return found + [self.swift("mutex-floor", users, hold, part=200)] + self.pythons(users)


def measure(rival, pinned_to):
    """Nanoseconds per pair."""
    prefix = [] if pinned_to is None else ["taskset", "-c", str(pinned_to)]
    with tempfile.TemporaryFile() as sink:
        run_command([*prefix, *rival.command], subprocess.DEVNULL, sink)
        sink.seek(0)
        return json.load(sink)["ns"]


def run_rounds(found, rounds, pinned_to):
    """Fills in the times of all rivals, round by round. Returns the failures, as texts."""
    failures = []
    for round_number in range(rounds):
        shift = round_number % len(found)
        for rival in found[shift:] + found[:shift]:
            try:
                rival.times.append(measure(rival, pinned_to))
            except RunFailed as failure:
                failures.append(f"{rival.name}, round {round_number + 1}: {failure}")
                rival.times.append(None)  # keeps the rounds aligned
    return failures


def row(rival, found):
    times = [time for time in rival.times if time]
    if not times:
        return f"| {rival.name} | failed | | | |"
    floor = next(other for other in found if other.name == rival.floor)
    ratios = [base / time for base, time in zip(floor.times, rival.times) if base and time]
    digits = 2 if ratios and statistics.median(ratios) >= 0.1 else 4
    middle = statistics.median(times)
    cells = [rival.name, f"{middle:,.0f}", f"{1e9 / middle:,.0f}", *median_and_spread(ratios, digits)]
    return "| " + " | ".join(cells) + " |"


def main():
    arguments = parse_arguments()
    describe_machine(None, "swift")
    field = Field(arguments)
    cpu = min(os.sched_getaffinity(0))
    print(f"leases:   8 objects, {arguments.pairs:,} pairs of one user; interleaved rounds: {arguments.rounds}")
    tables = [(f"1 user, CPU {cpu} alone", field.alone(), cpu),
              (f"1 user, CPU {cpu} alone: what is asked of the pool", field.policies(), cpu)]
    tables += [(f"{users} users, hold: {hold}", field.contended(users, hold), None)
               for hold in ("none", "work", "yield") for users in arguments.users]
    failures = []
    for title, found, pinned_to in tables:
        print(f"\n### {title}\n", flush=True)
        failures += [f"{title}: {failure}" for failure in run_rounds(found, arguments.rounds, pinned_to)]
        print("| pool | ns per pair | pairs/s | ratio to its floor | spread |\n|---|--:|--:|--:|--:|")
        print(*(row(rival, found) for rival in found), sep="\n", flush=True)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
