#!/usr/bin/env python3
"""What a start costs: of a command that does nothing, until the first result, of the launcher; and the memory of a run.

    Benchmarks/startup.py --floor .build/bench/floor_pool --echo .build/bench/echo_worker --prefork .build/release/prefork

How it measures, so that a figure means something:
  * Each program is started by posix_spawn. `true` stands for what any start costs: the kernel, the dynamic loader, glibc.
  * Starts are interleaved; the table shows median and the middle 80 %, and the difference of the medians to `true`.
  * The first result is there when a byte can be read of stdout; the worker is in C, so that its own start is short.
  * The launcher is asked for without a request, which it refuses at once: what is measured is the way to it.
  * Memory is what /proc/PID/status says of the pool's own process: idle with 8 workers that have each done a job, and
    while jobs stream through, each tenth of the way.

Exit status: 0; 1 when a run failed; 2 for bad arguments.
"""
import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from measuring import RunFailed, check_programs, describe_machine, write_jobs

LAUNCHER = ["prefork-launcher", "--serve-request-on-descriptor-3"]


def parse_arguments():
    parser = argparse.ArgumentParser(description="What a start costs; see the top of the file.")
    parser.add_argument("--floor", required=True, metavar="FILE", help="the compiled floor_pool.c")
    parser.add_argument("--echo", required=True, metavar="FILE", help="the compiled echo_worker.c")
    parser.add_argument("--prefork", required=True, metavar="FILE", help="the prefork to measure")
    parser.add_argument("--starts", type=int, default=200, metavar="N", help="starts of each (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=1_000_000, metavar="N",
                        help="jobs of the run whose memory is looked at (default %(default)s)")
    arguments = parser.parse_args()
    if min(arguments.starts, arguments.jobs // 10) < 1:
        parser.error("--starts must be at least 1, --jobs at least 10")
    check_programs(parser, arguments.floor, arguments.echo, arguments.prefork)
    return arguments


def start(program, argv, stdin, stdout):
    nowhere = (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)
    streams = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1), nowhere]
    return os.posix_spawnp(program, argv, os.environ, file_actions=streams)


def until_exit(program, argv, expected=0):
    """Seconds until it has ended."""
    with open(os.devnull, "r+b") as null:
        begin = time.perf_counter()
        pid = start(program, argv, null.fileno(), null.fileno())
        _, status = os.waitpid(pid, 0)
        end = time.perf_counter()
    if os.waitstatus_to_exitcode(status) != expected:
        raise RunFailed(f"{argv} ended with status {os.waitstatus_to_exitcode(status)}")
    return end - begin


def until_result(program, argv):
    """Seconds until it has answered a job that was there before it."""
    jobs, jobs_end = os.pipe()
    results, results_end = os.pipe()
    try:
        os.write(jobs_end, b"job\n")
        begin = time.perf_counter()
        pid = start(program, argv, jobs, results_end)
        os.close(results_end)
        answer = os.read(results, 64)
        end = time.perf_counter()
        os.close(jobs_end)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(jobs)
        os.close(results)
    if answer != b"job\n" or status != 0:
        raise RunFailed(f"{argv} answered {answer!r} and ended with status {os.waitstatus_to_exitcode(status)}")
    return end - begin


def print_starts(cases, starts):
    seconds = {name: [] for name, _ in cases}
    for number in range(starts):
        shift = number % len(cases)
        for name, measure in cases[shift:] + cases[:shift]:
            seconds[name].append(measure())
    base = statistics.median(seconds[cases[0][0]])
    print("| start of | median, ms | middle 80 %, ms | more than `true`, ms |")
    print("|---|" + "--:|" * 3)
    for name, _ in cases:
        found = sorted(seconds[name])
        middle = [found[len(found) // 10] * 1e3, found[len(found) * 9 // 10] * 1e3]
        median = statistics.median(found)
        print(f"| {name} | {median * 1e3:.2f} | {middle[0]:.2f}–{middle[1]:.2f} | {(median - base) * 1e3:+.2f} |", flush=True)


def resident(pid):
    """KiB that the process has now, and the most it had."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])


def print_memory(prefork, echo, count):
    """The run gets a tenth of its jobs at a time, and is looked at when their results are there."""
    command = [prefork, "run", "-q", "-w", "8", "--", echo]
    with tempfile.NamedTemporaryFile(prefix="prefork-bench-") as jobs:
        write_jobs(jobs.name, count // 10)
        block = jobs.read()
        found = []
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            def pass_through(bytes_in):
                writer = os.fork()
                if writer == 0:
                    process.stdin.write(bytes_in)
                    process.stdin.flush()
                    os._exit(0)
                left = len(bytes_in)
                while left > 0:
                    left -= len(os.read(process.stdout.fileno(), 1 << 16))
                os.waitpid(writer, 0)
                found.append(resident(process.pid))

            pass_through(b"job\n" * 8)
            for _ in range(10):
                pass_through(block)
            process.stdin.close()
        if process.returncode != 0:
            raise RunFailed(f"{command} ended with status {process.returncode}")
    print(f"idle: {found[0][0] / 1024:.1f} MiB; each tenth of {count:,} jobs of 64 bytes: "
          + ", ".join(f"{now / 1024:.1f}" for now, _ in found[1:]) + f" MiB; most: {found[-1][1] / 1024:.1f} MiB")


def main():
    arguments = parse_arguments()
    signal.alarm(600)
    path = os.path.abspath
    floor, echo, prefork = path(arguments.floor), path(arguments.echo), path(arguments.prefork)
    run = [prefork, "run", "-q"]
    describe_machine(arguments.prefork)
    print(f"interleaved starts: {arguments.starts}")
    try:
        print("\n### starting: until the end\n", flush=True)
        print_starts([
            ("true", lambda: until_exit("true", ["true"])),
            ("prefork --version", lambda: until_exit(prefork, ["prefork", "--version"])),
            ("prefork help", lambda: until_exit(prefork, ["prefork", "help"])),
            ("the launcher", lambda: until_exit(prefork, LAUNCHER, expected=126))], arguments.starts)
        print("\n### starting: until the first result\n", flush=True)
        print_starts([
            ("true", lambda: until_exit("true", ["true"])),
            ("the worker alone", lambda: until_result(echo, [echo])),
            ("C pool, 1 worker", lambda: until_result(floor, [floor, "1", echo])),
            ("prefork, 1 worker", lambda: until_result(prefork, [*run, "-w", "1", "--", echo])),
            ("prefork, 8 workers", lambda: until_result(prefork, [*run, "-w", "8", "--", echo])),
            ("prefork, 1 worker, launcher",
             lambda: until_result(prefork, [*run, "-w", "1", "--rlimit", "core=0", "--", echo]))], arguments.starts)
        print("\n### memory of the pool's own process, 8 workers\n", flush=True)
        print_memory(prefork, echo, arguments.jobs)
    except RunFailed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
