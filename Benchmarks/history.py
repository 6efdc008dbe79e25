#!/usr/bin/env python3
"""The history of the benchmarks: a file of tab-separated values in Benchmarks/history for each `make bench`.

    Benchmarks/history.py [--last N] [TEXT]

Without more, prints the median of each case, one column per run, the oldest on the left, with the ratio of the CPU time
of the pools' own processes where there is one; with TEXT, of the cases that contain it. Ratios from different machines
can be compared, with care; times cannot: see the columns `machine` and `load` in the files. A run whose commit ends in
+ was of a tree with changes that were not committed.
"""
import argparse
import csv
import datetime
import functools
import glob
import os
import subprocess
import sys

import measuring

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "history")
# `measure`: ratio, or the unit. `manager_us`: CPU time of the pool's own process per job. `cpu_ratio`: that of the base
# to that of the case, in the same round, so that it reads as the ratio does; other processes disturb it less.
COLUMNS = ["date", "commit", "machine", "load", "case", "measure", "median", "min", "max", "rounds", "goal",
           "jobs_per_s", "manager_us", "base_manager_us", "cpu_ratio", "cpu_min", "cpu_max"]


@functools.cache
def commit():
    def git(*words):
        return subprocess.run(["git", "-C", HERE, *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        changes = git("status", "--porcelain", "--", ":/", ":(exclude,top)Benchmarks/history")
        return git("rev-parse", "--short", "HEAD") + ("+" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def append(file, rows):
    """Adds rows, each a dict with the columns from `case` on. A new file gets its heading. No file: nothing is kept."""
    if not file:
        return
    os.makedirs(os.path.dirname(os.path.abspath(file)), exist_ok=True)
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
    common = {"date": date, "commit": commit(), "machine": measuring.machine(), "load": f"{os.getloadavg()[0]:.1f}"}
    with open(file, "a", newline="") as sheet:
        writer = csv.DictWriter(sheet, COLUMNS, restval="", delimiter="\t", lineterminator="\n")
        if sheet.tell() == 0:
            writer.writeheader()
        writer.writerows({**common, **row} for row in rows)


def row(case, values, measure="ratio", goal="", rate=None, manager_us=None, base_manager_us=None, cpu_ratios=()):
    """One row for `append`, from the values of all rounds."""
    found = {"case": case, "measure": measure, "rounds": len(values), "goal": goal}
    found.update(zip(("median", "min", "max"), measuring.shown(values)))
    found.update(zip(("cpu_ratio", "cpu_min", "cpu_max"), measuring.shown(cpu_ratios)))
    if rate is not None:
        found["jobs_per_s"] = f"{rate:.0f}"
    for column, time in ("manager_us", manager_us), ("base_manager_us", base_manager_us):
        if time is not None:
            found[column] = f"{time:.2f}"
    return found


def cell(line, measure):
    unit = "" if measure == "ratio" else " " + measure
    cpu = f" (CPU {line['cpu_ratio']})" if line["cpu_ratio"] else ""
    return line["median"] + unit + cpu


def show(last, text):
    runs = []
    for file in sorted(glob.glob(os.path.join(FOLDER, "*.tsv"))):
        with open(file, newline="") as sheet:
            runs.append(list(csv.DictReader(sheet, delimiter="\t")))
    runs = [run for run in runs if run][-last:]
    if not runs:
        print(f"there is no history in {FOLDER} yet: `make bench` writes it")
        return
    cases = {}  # (case, measure, goal) -> {number of the run: median}
    for number, run in enumerate(runs):
        for line in run:
            if text in line["case"]:
                cases.setdefault((line["case"], line["measure"]), {})[number] = line
    print("| case | " + " | ".join(f"{run[0]['date']} {run[0]['commit']}" for run in runs) + " | goal |")
    print("|---|" + "--:|" * (len(runs) + 1))
    for (case, measure), lines in cases.items():
        cells = [cell(lines[number], measure) if number in lines else "" for number in range(len(runs))]
        print(f"| {case} | " + " | ".join(cells) + f" | {lines[max(lines)]['goal']} |")


def main():
    parser = argparse.ArgumentParser(description="How the benchmarks went over time; see the top of the file.")
    parser.add_argument("--last", type=int, default=8, metavar="N", help="runs to show (default %(default)s)")
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="only cases that contain it")
    arguments = parser.parse_args()
    if arguments.last < 1:
        parser.error("--last must be at least 1")
    show(arguments.last, arguments.text)


if __name__ == "__main__":
    sys.exit(main())
