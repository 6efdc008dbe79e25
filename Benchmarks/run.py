#!/usr/bin/env python3
"""Measures prefork against pools in C and its rivals, as ratios. What is compared is declared in cases.py.

    Benchmarks/run.py --floor .build/bench/floor_pipeline --echo .build/bench/echo_worker \\
                      --client .build/bench/latency_client --prefork .build/release/prefork

How it measures, so that a figure means something:
  * Every rival gets the same lines (64 bytes with the newline, if nothing else is written) from a file and writes to a
    file. The output is compared with the input: a run that lost, doubled or swapped a job does not count, and is
    reported.
  * Rounds are interleaved: A B C, then B C A, ... What the machine does meanwhile hits all alike. Ratios are taken
    within each round; the table shows their median, and the smallest and largest.
  * The clock runs from the start of the program to its exit: starting and stopping the workers is included.
  * Everything of a setting is pinned to one CPU, where the cost per job is what counts, or to two.
  * `manager` is the CPU time of the pool's own process per job, as the kernel's scheduler counted it
    (/proc/PID/schedstat), the median of the rounds, and the ratio of it is that of the base to ours: other processes
    disturb it less than the clock. It is left out for pools with threads.
  * With many workers that CPU time is read when all workers have been started and have had jobs, and before they are
    stopped.
  * Latency is measured by a client in C with one job outstanding, through the worker alone and through the pools.
  * --history FILE appends all cases to that file of tab-separated values; Benchmarks/history.py shows them.

The floor (floor_pipeline.c) is strict if nothing else is written: one job per worker. A prefork without --prefetch is
always strict, and is then measured as both.

Exit status: 0; 1 when a run failed or its output was wrong; 2 for bad arguments. A goal that is missed is no failure.
"""
import argparse
import os
import shlex
import shutil
import statistics
import sys
import tempfile

import cases
import history
from measuring import RunFailed, check_programs, describe_machine


def parse_arguments():
    parser = argparse.ArgumentParser(description="Ratios of prefork to its rivals; see the top of the file.")
    parser.add_argument("--floor", required=True, metavar="FILE", help="the compiled floor_pipeline.c")
    parser.add_argument("--echo", required=True, metavar="FILE", help="the compiled echo_worker.c")
    parser.add_argument("--client", required=True, metavar="FILE", help="the compiled latency_client.c")
    parser.add_argument("--prefork", required=True, metavar="FILE", help="the prefork to measure")
    parser.add_argument("--prefork-options", default="", metavar="TEXT", help="further options for `prefork run`")
    parser.add_argument("--workers", default="2,16", metavar="N,...", help="pool sizes (default %(default)s)")
    for name, default, what in [
            ("rounds", 5, "rounds"), ("jobs", 200_000, "jobs per run"), ("large-jobs", 150, "jobs of 1 MiB per run"),
            ("process-jobs", 400, "jobs for rivals that start a process per job"),
            ("latency-jobs", 20_000, "round trips per run"), ("many", 1000, "how many workers are many"),
            ("memory-jobs", 1_000_000, "jobs while memory is watched; 10000000 takes minutes")]:
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only settings with TEXT in their title")
    parser.add_argument("--history", metavar="FILE", help="append the cases to this file")
    arguments = parser.parse_args()
    try:
        arguments.workers = [int(number) for number in arguments.workers.split(",")]
    except ValueError:
        parser.error(f"--workers takes numbers set apart by commas, such as 2,16, not {arguments.workers!r}")
    arguments.prefork_options = shlex.split(arguments.prefork_options)
    numbers = [value for value in vars(arguments).values() if isinstance(value, int)]
    if min(*numbers, *arguments.workers) < 1:
        parser.error("all numbers must be at least 1")
    check_programs(parser, arguments.floor, arguments.echo, arguments.client, arguments.prefork)
    if not shutil.which("taskset"):
        parser.error("taskset is missing: install util-linux")
    return arguments


def run_rounds(setting, rounds, folder):
    """Fills in the runs of all rivals. Returns the failures, as texts."""
    cpus = sorted(os.sched_getaffinity(0))[:setting.cpus]
    prefix = ["taskset", "-c", ",".join(map(str, cpus))]
    failures = []
    for round_number in range(rounds):
        shift = round_number % len(setting.rivals)
        for rival in setting.rivals[shift:] + setting.rivals[:shift]:
            try:
                rival.runs.append(rival.measure(folder, prefix))
            except RunFailed as failure:
                failures.append(f"{setting.title}: {rival.name}, round {round_number + 1}: {failure}")
                rival.runs.append(None)  # keeps the rounds aligned
    return failures


def pairs(case, rivals, figure):
    """That figure of the case's rival and of its base, in each round in which both did well."""
    runs = zip(rivals[case.rival].runs, rivals[case.base].runs)
    return [(run[figure], base[figure]) for run, base in runs if run and base and figure in run and figure in base]


def values(case, rivals):
    """What the case is about, one value per round."""
    if not case.base:
        return [run[case.figure] for run in rivals[case.rival].runs if run]
    found = pairs(case, rivals, case.figure)
    return [ours / theirs if case.measure == "ratio" else ours - theirs for ours, theirs in found]


def median_of(rival, figure):
    found = [run[figure] for run in rival.runs if run and figure in run]
    return statistics.median(found) if found else None


def rows(setting):
    """Rows for the history; cases all of whose rounds failed have none."""
    rivals = {rival.name: rival for rival in setting.rivals}
    found = []
    for case in setting.cases:
        if not (measured := values(case, rivals)):
            continue
        base, cpu = None, []
        if case.base and case.figure == "rate":
            base = median_of(rivals[case.base], "manager")
            cpu = [theirs / ours for ours, theirs in pairs(case, rivals, "manager")]
        rate, manager = (median_of(rivals[case.rival], figure) for figure in ("rate", "manager"))
        found.append(history.row(case.name, measured, case.measure, case.goal, rate, manager, base, cpu))
    return found


def is_met(row):
    sign, limit, *enough = row["goal"].split()
    if enough and int(row["jobs_per_s"]) >= int(enough[1]):
        return True
    return float(row["median"]) >= float(limit) if sign == ">=" else float(row["median"]) <= float(limit)


def print_rivals(setting):
    """What the ratios are made of: the medians of all figures that were measured."""
    for rival in setting.rivals:
        figures = sorted({figure for run in rival.runs if run for figure in run})
        units = {"rate": " jobs/s", "manager": " µs/job of manager", "p50": " µs p50", "p99": " µs p99",
                 "first": " ms first", "cpu": " µs of CPU", "highest": " MB highest", "growth": " MB growth"}
        shown = [f"{median_of(rival, figure):,.{0 if figure == 'rate' else 2}f}{units[figure]}" for figure in figures]
        print(f"  {rival.name}: {', '.join(shown) or 'failed'}")


def print_cases(found):
    print("\n| case | median | spread | goal | | manager, µs/job | its base's | ratio of these | spread |")
    print("|---|--:|--:|--:|---|" + "--:|" * 4)
    for row in found:
        unit = "" if row["measure"] == "ratio" else " " + row["measure"]
        verdict = "" if not row["goal"] else "met" if is_met(row) else "missed"
        cpu_spread = f"{row['cpu_min']}–{row['cpu_max']}" if "cpu_min" in row else ""
        cells = [row["case"], row["median"] + unit, f"{row['min']}–{row['max']}", row["goal"], verdict]
        cells += [row.get(column, "") for column in ("manager_us", "base_manager_us", "cpu_ratio")] + [cpu_spread]
        print("| " + " | ".join(cells) + " |")
    sys.stdout.flush()


def main():
    arguments = parse_arguments()
    describe_machine(arguments.prefork)
    print(f"interleaved rounds: {arguments.rounds}; jobs per run: {arguments.jobs:,}")
    failures, everything = [], []
    with tempfile.TemporaryDirectory(prefix="prefork-bench-") as folder:
        for setting in cases.all_settings(arguments):
            if arguments.only not in setting.title:
                continue
            print(f"\n### {setting.title}\n", flush=True)
            if setting.cpus > len(os.sched_getaffinity(0)):
                print(f"left out: it takes {setting.cpus} CPUs")
                continue
            failures += run_rounds(setting, arguments.rounds, folder)
            print_rivals(setting)
            found = rows(setting)
            print_cases(found)
            history.append(arguments.history, found)
            everything += found
    with_goal = [row for row in everything if row["goal"]]
    missed = [row for row in with_goal if not is_met(row)]
    print(f"\n{len(with_goal) - len(missed)} of {len(with_goal)} goals are met")
    for row in missed:
        print(f"  missed: {row['case']}: {row['median']}, goal {row['goal']}")
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
