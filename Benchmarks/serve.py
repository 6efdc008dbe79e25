#!/usr/bin/env python3
"""Measures jobs per second of `prefork serve` over unix sockets, against `prefork run` with the same jobs.

    Benchmarks/serve.py --client .build/bench/pipeline_client --echo .build/bench/echo_worker \\
                        --prefork .build/release/prefork

How it measures, so that a figure means something:
  * All get the same jobs of 64 bytes with the newline. `run` reads them from a file and writes to a file; for `serve`, a client
    written in C keeps a window of jobs in flight over each connection, and compares every answer with its job. A run with a
    wrong, lost or doubled answer does not count, and is reported.
  * Rounds are interleaved: A B C, then B C A, ... What the machine does meanwhile hits all alike. The ratio to `run` is taken within
    each round; the table shows its median, and its smallest and largest value.
  * Everything is pinned to one CPU, where the cost per job is what counts. The client's cost counts against `serve`.
  * The clock runs from the start of `run` or of the client to its exit. The server's start is not counted.
  * CPU per job is user and system time of prefork and its workers, without the client.
  * With --other, the `run` of another build is a rival, too: it tells what a change has cost.

Exit status: 0; 1 when a run failed or an answer was wrong; 2 for bad arguments.
"""
import argparse
import contextlib
import dataclasses
import os
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import history
from measuring import (
    JOB_SIZE, RunFailed, check_programs, describe_machine, median_and_spread, run_command, run_rounds, write_jobs)

LONGEST_START = 30  # seconds


@dataclasses.dataclass
class Rival:
    name: str
    format: str = "lines"
    connections: int = 0  # 0: `run`, without sockets
    prefork: str = ""
    rates: list = dataclasses.field(default_factory=list)  # jobs/s, one per round
    ratios: list = dataclasses.field(default_factory=list)  # to `run` in the same round
    cpu: list = dataclasses.field(default_factory=list)  # seconds per job


def parse_arguments():
    parser = argparse.ArgumentParser(description="Jobs per second of prefork serve; see the top of the file.")
    parser.add_argument("--prefork", required=True, metavar="FILE", help="the prefork to measure")
    parser.add_argument("--echo", required=True, metavar="FILE", help="the compiled echo_worker.c")
    parser.add_argument("--client", required=True, metavar="FILE", help="the compiled pipeline_client.c")
    parser.add_argument("--other", metavar="FILE", help="another build, whose `run` is measured, too")
    parser.add_argument("--workers", default="2,16", metavar="N,...", help="pool sizes (default %(default)s)")
    parser.add_argument("--connections", default="1,100", metavar="N,...", help="connections (default %(default)s)")
    parser.add_argument("--window", type=int, default=128, metavar="N",
                        help="jobs in flight per connection (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=200_000, metavar="N", help="jobs per run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds (default %(default)s)")
    parser.add_argument("--serve-options", default="", metavar="TEXT", help="further options for `prefork serve`")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rivals with TEXT in their name, and `run`")
    parser.add_argument("--history", metavar="FILE", help="append the ratios to this file")
    arguments = parser.parse_args()
    try:
        arguments.workers = [int(n) for n in arguments.workers.split(",")]
        arguments.connections = [int(n) for n in arguments.connections.split(",")]
    except ValueError:
        parser.error("--workers and --connections take numbers set apart by commas, such as 2,16")
    if min(*arguments.workers, *arguments.connections, arguments.jobs, arguments.rounds, arguments.window) < 1:
        parser.error("--workers, --connections, --jobs, --rounds and --window must be at least 1")
    check_programs(parser, arguments.prefork, arguments.echo, arguments.client, arguments.other)
    if not shutil.which("taskset"):
        parser.error("taskset is missing: install util-linux")
    return arguments


def rivals(arguments):
    """Everything that is measured; `run` comes first."""
    found = [Rival("run", prefork=arguments.prefork)]
    if arguments.other:
        found.append(Rival("run, other build", prefork=arguments.other))
    for format in ("lines", "records"):
        for connections in arguments.connections:
            name = f"serve, {format}, {connections} connection{'s' if connections > 1 else ''}"
            found.append(Rival(name, format, connections, arguments.prefork))
    return [rival for rival in found if rival is found[0] or arguments.only in rival.name]


def measure_run(rival, arguments, workers, pinned, folder):
    """Returns (seconds, CPU seconds)."""
    jobs, results = os.path.join(folder, "jobs"), os.path.join(folder, "results")
    command = [*pinned, rival.prefork, "run", "-w", str(workers), "--", arguments.echo]
    with open(jobs, "rb") as source, open(results, "wb") as sink:
        start, end, usage, *_ = run_command(command, source, sink)
    with open(jobs, "rb") as a, open(results, "rb") as b:
        if a.read() != b.read():
            raise RunFailed("answered wrongly: its output is not its jobs")
    return end - start, usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def server(command, path):
    """A server that is ready for jobs. On leaving it is told to stop, and its resource usage is in the list."""
    usage = []
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
        try:
            wait_until_it_answers(path)
            yield usage
            process.send_signal(signal.SIGTERM)
            _, status, ending = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            usage.append(ending)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.seek(0)
        words = log.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise RunFailed(f"ended with status {process.returncode}: {words[-300:]}")


def wait_until_it_answers(path):
    deadline = time.monotonic() + LONGEST_START
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.settimeout(LONGEST_START)
                client.sendall(b'{"job":"x"}\n')
                if client.recv(1024):
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise RunFailed("it does not answer")
        time.sleep(0.02)


def measure_serve(rival, arguments, workers, pinned, folder):
    """Returns (seconds, CPU seconds)."""
    path = os.path.join(folder, "socket")
    formats = ["--input", rival.format, "--output", rival.format]
    command = [*pinned, rival.prefork, "serve", "-w", str(workers), "--listen", f"unix:{path}", *formats,
               *shlex.split(arguments.serve_options), "--", arguments.echo]
    client = [*pinned, arguments.client, rival.format, path, str(arguments.jobs), str(arguments.window),
              str(rival.connections)]
    with server(command, path) as usage:
        start, end, *_ = run_command(client, subprocess.DEVNULL, subprocess.DEVNULL)
    return end - start, usage[0].ru_utime + usage[0].ru_stime


def measure(rival, arguments, workers, pinned, folder):
    """One run. Returns (jobs, seconds, CPU seconds)."""
    one = measure_serve if rival.connections else measure_run
    return (arguments.jobs, *one(rival, arguments, workers, pinned, folder))


def row(rival):
    rates = [rate for rate in rival.rates if rate is not None]
    if not rates:
        return f"| {rival.name} | failed | | | |"
    cpu = statistics.median(seconds for seconds in rival.cpu if seconds is not None) * 1e6
    cells = [rival.name, f"{statistics.median(rates):,.0f}", *median_and_spread(rival.ratios), f"{cpu:.2f}"]
    return "| " + " | ".join(cells) + " |"


def history_rows(found, workers):
    """Ratios to `run`. The goals are for lines: what records cost besides is their JSON."""
    goals = {"serve, lines, 1 connection": ">= 0.9", "serve, lines, 100 connections": ">= 0.7"}
    where = f"{workers} workers, 1 CPU, against run"
    return [history.row(f"{rival.name}, {where}", rival.ratios, goal=goals.get(rival.name, ""),
                        rate=statistics.median(rate for rate in rival.rates if rate is not None))
            for rival in found[1:] if rival.ratios]


def main():
    arguments = parse_arguments()
    describe_machine(arguments.prefork)
    print(f"jobs:     {arguments.jobs:,} of {JOB_SIZE} bytes; in flight per connection: {arguments.window}; "
          f"interleaved rounds: {arguments.rounds}")
    pinned = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    failures = []
    with tempfile.TemporaryDirectory(prefix="prefork-bench-") as folder:
        write_jobs(os.path.join(folder, "jobs"), arguments.jobs)
        for workers in arguments.workers:
            found = rivals(arguments)
            print(f"\n### {workers} workers, one CPU\n", flush=True)
            rounds = run_rounds(found, arguments.rounds, lambda rival: measure(rival, arguments, workers, pinned, folder))
            failures += [f"{workers} workers: {failure}" for failure in rounds]
            print("| | jobs/s | ratio to run | spread | CPU µs/job |\n|---|--:|--:|--:|--:|")
            print(*map(row, found), sep="\n", flush=True)
            history.append(arguments.history, history_rows(found, workers))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
