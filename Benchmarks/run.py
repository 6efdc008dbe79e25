#!/usr/bin/env python3
"""Measures jobs per second of prefork and its rivals, against a minimal pool written in C.

    Benchmarks/run.py --floor .build/bench/floor_pool --echo .build/bench/echo_worker \\
                      --prefork .build/release/prefork

How it measures, so that a figure means something:
  * Every rival gets the same lines (64 bytes with the newline) from a file and writes to a file. The output is
    compared with the input: a run that lost, doubled or swapped a job does not count, and is reported.
  * Rounds are interleaved: A B C, then B C A, ... What the machine does meanwhile hits all alike. The ratio to the
    floor is taken within each round; the table shows its median, and its smallest and largest value.
  * The clock runs from the start of the program to its exit: starting the workers is included.
  * Each setting runs pinned to one CPU, where the cost per job is what counts, and free, where waking an idle CPU
    costs more than the job itself (expect a wide spread).
  * A rival that starts a process per job gets fewer jobs; jobs/s are comparable all the same.
  * CPU per job is user and system time of the whole process tree.

Exit status: 0; 1 when a run failed or its output was wrong; 2 for bad arguments.
"""
import argparse
import dataclasses
import os
import shlex
import shutil
import statistics
import sys
import tempfile

from measuring import (
    JOB_SIZE, RunFailed, check_programs, describe_machine, median_and_spread, run_command, run_rounds, write_jobs)

FLOOR = "floor_pool"
HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass
class Rival:
    name: str
    command: list
    jobs: int
    ordered: bool = True
    rates: list = dataclasses.field(default_factory=list)  # jobs/s, one per round
    ratios: list = dataclasses.field(default_factory=list)  # to the floor of the same round
    cpu: list = dataclasses.field(default_factory=list)  # seconds per job


def parse_arguments():
    parser = argparse.ArgumentParser(description="Jobs per second of prefork and its rivals; see the top of the file.")
    parser.add_argument("--floor", required=True, metavar="FILE", help="the compiled floor_pool.c")
    parser.add_argument("--echo", required=True, metavar="FILE", help="the compiled echo_worker.c")
    parser.add_argument("--prefork", metavar="FILE", help="the prefork to measure; without it only the rivals run")
    parser.add_argument("--prefork-options", default="", metavar="TEXT", help="further options for `prefork run`")
    parser.add_argument("--workers", default="2,4,16", metavar="N,...", help="pool sizes (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=200_000, metavar="N", help="jobs per run (default %(default)s)")
    parser.add_argument("--process-jobs", type=int, default=400, metavar="N",
                        help="jobs for rivals that start a process per job (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds (default %(default)s)")
    parser.add_argument("--pinning", choices=["both", "one", "free"], default="both",
                        help="on one CPU, freely scheduled, or both (default)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rivals with TEXT in their name, and the floor")
    arguments = parser.parse_args()
    try:
        arguments.workers = [int(n) for n in arguments.workers.split(",")]
    except ValueError:
        parser.error(f"--workers takes numbers set apart by commas, such as 2,4,16, not {arguments.workers!r}")
    if min(*arguments.workers, arguments.jobs, arguments.process_jobs, arguments.rounds, 10**9) < 1:
        parser.error("--workers, --jobs, --process-jobs and --rounds must be at least 1")
    check_programs(parser, arguments.floor, arguments.echo, arguments.prefork)
    if arguments.pinning != "free" and not shutil.which("taskset"):
        parser.error("taskset is missing: install util-linux, or use --pinning free")
    return arguments


def rivals(arguments, workers):
    """Everything that is measured with so many workers; the floor comes first."""
    path = os.path.abspath
    jobs, few = arguments.jobs, arguments.process_jobs
    found = [Rival(FLOOR, [path(arguments.floor), str(workers), path(arguments.echo)], jobs)]
    if arguments.prefork:
        options = ["-w", str(workers), *shlex.split(arguments.prefork_options)]
        found.append(Rival("prefork", [path(arguments.prefork), "run", *options, "--", path(arguments.echo)], jobs))
    for chunk in (1, 64):
        script = os.path.join(HERE, "multiprocessing_pool.py")
        command = [sys.executable, script, str(workers), str(chunk)]
        found.append(Rival(f"multiprocessing.Pool, chunk {chunk}", command, jobs))
    found.append(Rival("xargs -n1", ["xargs", "-d", "\\n", "-n1", f"-P{workers}", "echo"], few, ordered=False))
    if shutil.which("parallel"):
        command = ["parallel", "--will-cite", "--keep-order", f"-j{workers}", "echo", "{}"]
        found.append(Rival("GNU parallel", command, few))
    return [rival for rival in found if rival.name == FLOOR or arguments.only in rival.name]


def same_content(file, other, ordered):
    with open(file, "rb") as a, open(other, "rb") as b:
        return a.read() == b.read() if ordered else sorted(a) == sorted(b)


def measure(rival, pinned_to, folder):
    """One run. Returns (jobs, seconds, CPU seconds)."""
    jobs, results = os.path.join(folder, f"jobs{rival.jobs}"), os.path.join(folder, "results")
    if not os.path.exists(jobs):
        write_jobs(jobs, rival.jobs)
    prefix = [] if pinned_to is None else ["taskset", "-c", str(pinned_to)]
    with open(jobs, "rb") as source, open(results, "wb") as sink:
        start, end, usage, _ = run_command([*prefix, *rival.command], source, sink)
    if not same_content(jobs, results, rival.ordered):
        raise RunFailed(f"answered wrongly: its output is not its {rival.jobs} jobs")
    return rival.jobs, end - start, usage.ru_utime + usage.ru_stime


def row(rival):
    rates = [rate for rate in rival.rates if rate is not None]
    if not rates:
        return f"| {rival.name} | failed | | | |"
    cpu = statistics.median(seconds for seconds in rival.cpu if seconds is not None) * 1e6
    digits = 2 if rival.ratios and statistics.median(rival.ratios) >= 0.1 else 4
    cells = [rival.name, f"{statistics.median(rates):,.0f}", *median_and_spread(rival.ratios, digits), f"{cpu:.1f}"]
    return "| " + " | ".join(cells) + " |"


def main():
    arguments = parse_arguments()
    describe_machine(arguments.prefork, "xargs", "parallel")
    print(f"jobs:     {arguments.jobs:,} lines of {JOB_SIZE} bytes ({arguments.process_jobs:,} for xargs, parallel); "
          f"interleaved rounds: {arguments.rounds}")
    cpu = min(os.sched_getaffinity(0))
    settings = {"both": [cpu, None], "one": [cpu], "free": [None]}[arguments.pinning]
    failures = []
    with tempfile.TemporaryDirectory(prefix="prefork-bench-") as folder:
        for pinned_to in settings:
            for workers in arguments.workers:
                found = rivals(arguments, workers)
                where = "all CPUs" if pinned_to is None else f"CPU {pinned_to} alone"
                print(f"\n### {workers} workers, {where}\n", flush=True)
                rounds = run_rounds(found, arguments.rounds, lambda rival: measure(rival, pinned_to, folder))
                failures += [f"{workers} workers, {where}: {failure}" for failure in rounds]
                print("| pool | jobs/s | ratio to floor | spread | CPU µs/job |\n|---|--:|--:|--:|--:|")
                print(*map(row, found), sep="\n", flush=True)
    print("\ncommands (with 2 workers):")
    for rival in rivals(arguments, 2):
        command = [os.path.basename(part) if os.path.isabs(part) else part for part in rival.command]
        print(f"  {rival.name}: {shlex.join(command)}")
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
