#!/usr/bin/env python3
"""What recycling costs: prefork with and without it, against a minimal pool in C that keeps one spare.

    Benchmarks/recycling.py --floor .build/bench/floor_pool --echo .build/bench/echo_worker \\
                            --prefork .build/release/prefork

The workers take 300 ms to start and 5 ms per job, and are replaced after 50 jobs. In one load they sleep: whatever
starts costs nobody anything, as if a core were free for it. In the other they compute: 2 workers take 2 CPUs, and a
replacement takes its start from them.

How it measures, so that a figure means something:
  * `jobs/s` is from the start of the program to its exit: the first start (300 ms) is in it for all. `steady` is from
    the first result to the last.
  * Ratios are taken within each round to two pools of the same round, without recycling and with one spare in C; the
    table shows median, smallest and largest. Rounds are interleaved: A B C, then B C A, ...
  * `pause` is the longest time without a result between the first and the last, the median of the rounds.
  * `starts` is how many workers were started, by the pool's own word. `per life` is told by the workers themselves: the
    jobs of those that had any, their median and the most. Lives that the end of the run cut short are among them.
  * Results are read through a pipe while they come, which takes a little CPU of all alike.

The limit asks for more than one start at a time can give: a worker does 50 jobs in 250 ms, so that 2 of them need a
replacement every 125 ms, but one comes every 300 ms. Whoever starts one at a time ahead of need lets workers serve on
to about 120 jobs, or pays with pauses. `--surge 1,3` shows what three at a time make of it.

Exit status: 0; 1 when a run failed or its output was wrong; 2 for bad arguments.
"""
import argparse
import dataclasses
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

from measuring import RunFailed, check_programs, describe_machine, median_and_spread, run_command, write_jobs

WITHOUT, WITH_SPARE = "prefork, no recycling", "C pool, one spare"


@dataclasses.dataclass
class Run:
    rate: float  # jobs/s from start to exit
    steady: float  # jobs/s from the first result to the last
    pause: float  # seconds, the longest between results
    starts: int  # of workers
    lives: list  # jobs done by each worker that came to an end of its own


@dataclasses.dataclass
class Rival:
    name: str
    command: list
    runs: list = dataclasses.field(default_factory=list)  # one per round; None if it failed

    def good(self):
        return [run for run in self.runs if run is not None]


def parse_arguments():
    parser = argparse.ArgumentParser(description="What recycling costs; see the top of the file.")
    parser.add_argument("--floor", required=True, metavar="FILE", help="the compiled floor_pool.c")
    parser.add_argument("--echo", required=True, metavar="FILE", help="the compiled echo_worker.c")
    parser.add_argument("--prefork", required=True, metavar="FILE", help="the prefork to measure")
    parser.add_argument("--prefork-options", default="", metavar="TEXT", help="further options for `prefork run`")
    parser.add_argument("--load", action="append", metavar="TEXT",
                        help="start and job of a worker, as echo_worker.c has it; may be given several times "
                             "(default '300ms-sleep 5ms-sleep' and '300ms-busy 5ms-busy')")
    parser.add_argument("--surge", default="1,0", metavar="N,...", help="surges of prefork (default %(default)s)")
    parser.add_argument("--max-jobs", type=int, default=50, metavar="N", help="jobs per life (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="pool size (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2000, metavar="N", help="jobs per run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds (default %(default)s)")
    arguments = parser.parse_args()
    try:
        arguments.surge = [int(n) for n in arguments.surge.split(",")]
    except ValueError:
        parser.error(f"--surge takes numbers set apart by commas, such as 1,0, not {arguments.surge!r}")
    arguments.load = [text.split() for text in arguments.load or ["300ms-sleep 5ms-sleep", "300ms-busy 5ms-busy"]]
    if any(len(load) != 2 for load in arguments.load):
        parser.error("--load takes a start and a job, such as '300ms-sleep 5ms-sleep'")
    if min(arguments.max_jobs, arguments.workers, arguments.rounds, arguments.jobs - 1) < 1:
        parser.error("--max-jobs, --workers and --rounds must be at least 1, --jobs at least 2")
    check_programs(parser, arguments.floor, arguments.echo, arguments.prefork)
    return arguments


def rivals(arguments, load, lives):
    """Everything that is measured under that load. The workers write their lives to that file."""
    start, job = load
    worker = [os.path.abspath(arguments.echo), f"start={start}", f"job={job}", f"lives={lives}"]
    workers, limit = str(arguments.workers), str(arguments.max_jobs)

    def prefork(*options):
        options = ["-v", "-w", workers, "--ready", "line=ready", *options, *shlex.split(arguments.prefork_options)]
        return [os.path.abspath(arguments.prefork), "run", *options, "--", *worker, "ready"]

    recycling = [Rival(f"prefork --max-jobs {limit} --surge {surge}",
                       prefork("--max-jobs", limit, "--surge", str(surge))) for surge in arguments.surge]
    floor = os.path.abspath(arguments.floor)
    return [
        Rival(WITHOUT, prefork()),
        *recycling,
        Rival("C pool, no recycling", [floor, workers, *worker]),
        Rival(WITH_SPARE, [floor, "--recycle-after", limit, workers, *worker, "ready"]),
    ]


def measure(rival, jobs, lives_file):
    """One run over that file of jobs."""
    blocks = []  # of results, each with the time when it came

    def read_results(process):
        with process.stdout:
            while block := os.read(process.stdout.fileno(), 65536):
                blocks.append((time.perf_counter(), block))

    with open(lives_file, "w"):
        pass
    with open(jobs, "rb") as source:
        start, end, _, words, _ = run_command(rival.command, source, subprocess.PIPE, read_results)
        source.seek(0)
        wanted = source.read()
    if b"".join(block for _, block in blocks) != wanted:
        raise RunFailed("answered wrongly: its output is not its jobs")
    with open(lives_file) as file:
        lives = [int(line) for line in file]
    count = wanted.count(b"\n")
    if sum(lives) != count:
        raise RunFailed(f"its workers tell of {sum(lives)} jobs, of {count}: some were killed, or jobs were tried twice")
    told = re.findall(r"(\d+) worker starts", words)
    starts = int(told[-1]) if told else len(lives)  # the C pool tells nothing if it does not recycle
    times = [when for when, _ in blocks]
    if times[0] == times[-1]:
        raise RunFailed("all results came at once")
    steady = (count - blocks[0][1].count(b"\n")) / (times[-1] - times[0])
    pause = max(after - before for before, after in zip(times, times[1:]))
    return Run(count / (end - start), steady, pause, starts, lives)


def run_rounds(found, rounds, jobs, lives_file):
    """Fills in the runs of all rivals, round by round. Returns the failures, as texts."""
    failures = []
    for round_number in range(rounds):
        shift = round_number % len(found)
        for rival in found[shift:] + found[:shift]:
            try:
                rival.runs.append(measure(rival, jobs, lives_file))
            except RunFailed as failure:
                failures.append(f"{rival.name}, round {round_number + 1}: {failure}")
                rival.runs.append(None)  # keeps the rounds aligned
    return failures


def ratios(rival, base, rate):
    """`0.97 (0.95–0.98)`, of that rate to the one of the base in the same round."""
    pairs = [(run, other) for run, other in zip(rival.runs, base.runs) if run and other]
    middle, spread = median_and_spread([rate(run) / rate(other) for run, other in pairs])
    return f"{middle} ({spread})" if pairs else ""


def row(rival, bases):
    runs = rival.good()
    if not runs:
        return f"| {rival.name} | failed | | | | | | | | |"
    cells = [rival.name]
    for rate in (lambda run: run.rate), (lambda run: run.steady):
        cells.append(f"{statistics.median(map(rate, runs)):.0f}")
        cells += [ratios(rival, base, rate) for base in bases]
    cells.append(f"{statistics.median(run.pause for run in runs) * 1000:.0f} ms")
    cells.append(f"{statistics.median(run.starts for run in runs):.0f}")
    had_a_job = [jobs for run in runs for jobs in run.lives if jobs > 0]
    cells.append(f"{statistics.median(had_a_job):.0f}, most {max(had_a_job)}")
    return "| " + " | ".join(cells) + " |"


def print_table(found):
    bases = [next(rival for rival in found if rival.name == name) for name in (WITHOUT, WITH_SPARE)]
    print("| pool | jobs/s | to prefork without | to C with spare | steady | to prefork without | to C with spare "
          "| pause | starts | per life |\n|---|" + "--:|" * 9)
    print(*(row(rival, bases) for rival in found), sep="\n", flush=True)


def main():
    arguments = parse_arguments()
    describe_machine(arguments.prefork)
    print(f"jobs:     {arguments.jobs:,} per run, {arguments.workers} workers, replaced after {arguments.max_jobs} jobs; "
          f"interleaved rounds: {arguments.rounds}")
    failures = []
    with tempfile.TemporaryDirectory(prefix="prefork-bench-") as folder:
        jobs, lives = os.path.join(folder, "jobs"), os.path.join(folder, "lives")
        write_jobs(jobs, arguments.jobs)
        for load in arguments.load:
            print(f"\n### recycling: start {load[0]}, job {load[1]}\n", flush=True)
            found = rivals(arguments, load, lives)
            failures += [f"{' '.join(load)}: {text}" for text in run_rounds(found, arguments.rounds, jobs, lives)]
            print_table(found)
    print("\ncommands:", flush=True)
    for rival in rivals(arguments, arguments.load[0], "FILE"):
        command = [os.path.basename(part) if os.path.isabs(part) else part for part in rival.command]
        print(f"  {rival.name}: {shlex.join(command)}", flush=True)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
