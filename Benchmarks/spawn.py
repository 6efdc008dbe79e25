#!/usr/bin/env python3
"""What starting workers costs: a fresh worker for each job, 512 workers at boot, and workers of a large parent.

    Benchmarks/spawn.py --floor .build/bench/floor_pool --echo .build/bench/echo_worker \\
                        --prefork .build/release/prefork \\
                        --large-parent .build/bench/large_parent

There are two floors in C, which start their workers by posix_spawn: a bare one (floor_pool.c --fresh), and one with the
duties that prefork has, too (--supervised): a process group, clean signals and descriptors, stderr passed on, a pidfd.

How it measures, so that a figure means something:
  * Rounds are interleaved; ratios are taken within each round; the table shows median, smallest and largest.
  * `manager` is the CPU time of the pool's own process per job or worker, as the kernel's scheduler counted it
    (/proc/PID/schedstat), `all` that of the whole process tree.
  * Of the 512 workers each takes one job that waits 100 ms, so that all must be there at the same time.
  * The large parent is a program in C over the same code (large_parent.c), with 2 GiB of memory in small pages. It
    prints how long a start holds it up, by posix_spawn, by way of the launcher, and, to compare, by fork.
  * With `launcher`, every worker is started by way of the launcher (--rlimit core=0).

Exit status: 0; 1 when a run failed or its output was wrong; 2 for bad arguments.
"""
import argparse
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time

from measuring import RunFailed, check_programs, describe_machine, median_and_spread, write_jobs


@dataclasses.dataclass
class Rival:
    name: str
    command: list
    is_floor: bool = False
    runs: list = dataclasses.field(default_factory=list)  # (seconds, manager, all) per round; None if it failed

    def good(self):
        return [run for run in self.runs if run is not None]


def parse_arguments():
    parser = argparse.ArgumentParser(description="What starting workers costs; see the top of the file.")
    parser.add_argument("--floor", required=True, metavar="FILE", help="the compiled floor_pool.c")
    parser.add_argument("--echo", required=True, metavar="FILE", help="the compiled echo_worker.c")
    parser.add_argument("--prefork", required=True, metavar="FILE", help="the prefork to measure")
    parser.add_argument("--large-parent", required=True, metavar="FILE", help="the compiled large_parent.c")
    parser.add_argument("--jobs", type=int, default=2000, metavar="N",
                        help="fresh workers per run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds (default %(default)s)")
    arguments = parser.parse_args()
    if min(arguments.jobs, arguments.rounds) < 1:
        parser.error("--jobs and --rounds must be at least 1")
    check_programs(parser, arguments.floor, arguments.echo, arguments.prefork, arguments.large_parent)
    return arguments


def measure(command, jobs):
    """One run: seconds, CPU seconds of the manager, CPU seconds of all."""
    with open(jobs, "rb") as source, tempfile.TemporaryFile() as sink, tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=source, stdout=sink, stderr=log)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        end = time.perf_counter()
        with open(f"/proc/{process.pid}/schedstat") as stat:
            manager = int(stat.read().split()[0]) / 1e9
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        if process.returncode != 0:
            raise RunFailed(f"ended with status {process.returncode}: {log.read()[-200:].decode(errors='replace')}")
        source.seek(0)
        sink.seek(0)
        if source.read() != sink.read():
            raise RunFailed("answered wrongly")
    return end - start, manager, usage.ru_utime + usage.ru_stime


def run_rounds(found, rounds, jobs):
    failures = []
    for round_number in range(rounds):
        shift = round_number % len(found)
        for rival in found[shift:] + found[:shift]:
            try:
                rival.runs.append(measure(rival.command, jobs))
            except RunFailed as failure:
                failures.append(f"{rival.name}, round {round_number + 1}: {failure}")
                rival.runs.append(None)  # keeps the rounds aligned
    return failures


def print_table(found, count):
    floors = [number for number, rival in enumerate(found) if rival.is_floor]
    print("| pool | per second | " + "".join(f"ratio to {found[floor].name} | " for floor in floors)
          + "manager, µs each | all CPU, µs each | " + " | ".join(f"its ratio to {found[f].name}" for f in floors) + " |")
    print("|---|" + "--:|" * (3 + 2 * len(floors)))
    for rival in found:
        runs = rival.good()
        if not runs:
            print(f"| {rival.name} | failed |" + " |" * (2 + 2 * len(floors)))
            continue

        def ratio(floor, part):
            pairs = [(run, base) for run, base in zip(rival.runs, found[floor].runs) if run and base]
            ratios = [base[part] / run[part] for run, base in pairs]
            return "{} ({})".format(*median_and_spread(ratios)) if ratios else ""

        cells = [rival.name, f"{count / statistics.median(run[0] for run in runs):,.0f}"]
        cells += [ratio(floor, 0) for floor in floors]
        cells += [f"{statistics.median(run[part] for run in runs) / count * 1e6:.0f}" for part in (1, 2)]
        cells += [ratio(floor, 2) for floor in floors]
        print("| " + " | ".join(cells) + " |", flush=True)


def main():
    arguments = parse_arguments()
    path = os.path.abspath
    floor, echo, prefork = path(arguments.floor), path(arguments.echo), [path(arguments.prefork), "run", "-q"]
    describe_machine(arguments.prefork)
    print(f"interleaved rounds: {arguments.rounds}")
    failures = []
    with tempfile.TemporaryDirectory(prefix="prefork-bench-") as folder:
        def case(title, count, found):
            print(f"\n### starting workers: {title}\n", flush=True)
            jobs = os.path.join(folder, "jobs")
            write_jobs(jobs, count)
            failures.extend(f"{title}: {text}" for text in run_rounds(found, arguments.rounds, jobs))
            print_table(found, count)

        for workers in ("2", "16"):
            fresh = [*prefork, "-w", workers, "--max-jobs", "1"]
            case(f"a fresh one for each of {arguments.jobs:,} jobs, {workers} at a time", arguments.jobs, [
                Rival("C pool", [floor, "--fresh", workers, echo], is_floor=True),
                Rival("supervised C pool", [floor, "--fresh", "--supervised", workers, echo], is_floor=True),
                Rival("prefork", [*fresh, "--", echo]),
                Rival("prefork, stderr inherited", [*fresh, "--stderr", "inherit", "--", echo]),
                Rival("prefork, launcher", [*fresh, "--rlimit", "core=0", "--", echo])])
        slow = [echo, "job=100ms-sleep"]
        case("512 at boot", 512, [
            Rival("C pool", [floor, "512", *slow], is_floor=True),
            Rival("supervised C pool", [floor, "--supervised", "512", *slow], is_floor=True),
            Rival("prefork", [*prefork, "-w", "512", "--max-starting", "512", "--", *slow])])
    print("\n### starting workers: of a large parent\n", flush=True)
    for gib in "0", "2":
        subprocess.run([path(arguments.large_parent), gib, "300"], check=True)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
