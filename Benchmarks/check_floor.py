#!/usr/bin/env python3
"""Checks that the floor (floor_pipeline.c) does the work that is measured: a floor that loses, doubles or swaps jobs
would be fast for nothing.

    Benchmarks/check_floor.py --floor .build/bench/floor_pipeline --echo .build/bench/echo_worker

Exit status: 0; 1 when an output or a joblog was wrong; 2 for bad arguments.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

from measuring import check_programs

LONGEST_RUN = 20  # seconds


def inputs():
    small = b"".join(b"%063d\n" % number for number in range(20_000))
    sizes = [0, 1, 64, 4095, 65_535, 65_536, 300_000, 10]
    mixed = b"".join(b"%d:" % number + b"x" * sizes[number % len(sizes)] + b"\n" for number in range(400))
    large = b"".join((b"%07d" % number) * 149_796 + b"\n" for number in range(30))
    return {"small": small, "mixed": mixed, "1 MiB": large, "few": b"a\nb\nc\n", "no newline at the end": b"a\n\nb",
            "nothing": b""}


def wanted(jobs):
    return jobs if jobs.endswith(b"\n") or not jobs else jobs + b"\n"


def check_output(command, jobs, is_piped):
    with tempfile.TemporaryFile() as source:
        source.write(jobs)
        source.seek(0)
        given = {"input": jobs} if is_piped else {"stdin": source}
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, timeout=LONGEST_RUN, **given)
        except subprocess.TimeoutExpired:
            return f"hung for {LONGEST_RUN} s"
    if done.returncode != 0:
        return f"ended with status {done.returncode}"
    return "" if done.stdout == wanted(jobs) else "its output is not its jobs, in order"


def check_joblog(command, jobs, joblog):
    """Each job has one line, and the times are those of the run."""
    before = time.time()
    if failure := check_output(command, jobs, is_piped=False):
        return failure
    with open(joblog) as log:
        lines = [line.split("\t") for line in log]
    if sorted(int(line[0]) for line in lines) != list(range(1, jobs.count(b"\n") + 1)):
        return "its joblog does not have each job once"
    is_within = all(before - 0.01 <= float(start) <= float(start) + float(took) <= time.time() + 0.01
                    for _, start, took in lines)
    return "" if is_within else "its joblog has times that are not those of the run"


def check_lone_result(command):
    """A result does not wait for the next job."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as pool:
        pool.stdin.write(b"alone\n")
        pool.stdin.flush()
        started = time.monotonic()
        answer = os.read(pool.stdout.fileno(), 100)
        waited = time.monotonic() - started
        pool.stdin.close()
    return "" if answer == b"alone\n" and waited < 5 else f"a lone result: {answer!r} after {waited:.1f} s"


def main():
    parser = argparse.ArgumentParser(description="Checks the floor; see the top of the file.")
    parser.add_argument("--floor", required=True, metavar="FILE", help="the compiled floor_pipeline.c")
    parser.add_argument("--echo", required=True, metavar="FILE", help="the compiled echo_worker.c")
    arguments = parser.parse_args()
    check_programs(parser, arguments.floor, arguments.echo)
    floor, echo = os.path.abspath(arguments.floor), os.path.abspath(arguments.echo)
    # Of different speed: half of the workers take their time, so that replies come out of order.
    uneven = ["sh", "-c", f'[ $(($$ % 2)) = 0 ] && exec "{echo}"; exec "{echo}" job=50us-sleep']
    failures, checks = [], 0

    def check(what, failure):
        nonlocal checks
        checks += 1
        if failure:
            failures.append(f"{what}: {failure}")

    with tempfile.TemporaryDirectory(prefix="prefork-bench-") as folder:
        for depth in "1", "3", "64":
            for name, jobs in inputs().items():
                for workers, worker in ("1", [echo]), ("6", uneven):
                    command = [floor, "--depth", depth, workers, *worker]
                    for is_piped in False, True:
                        source = "pipe" if is_piped else "file"
                        check(f"depth {depth}, {workers} workers, {name} from a {source}",
                              check_output(command, jobs, is_piped))
            joblog = os.path.join(folder, "joblog")
            check(f"depth {depth}, joblog", check_joblog([floor, "--depth", depth, "--joblog", joblog, "4", echo],
                                                         inputs()["small"], joblog))
            check(f"depth {depth}", check_lone_result([floor, "--depth", depth, "2", echo]))
    for failure in failures:
        print(f"failed: the floor, {failure}", file=sys.stderr)
    print(f"the floor: {checks - len(failures)} of {checks} checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
