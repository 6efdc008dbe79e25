"""What the benchmarks have in common: jobs, a run with a time limit, and what is printed about the machine."""
import contextlib
import os
import platform
import signal
import statistics
import subprocess
import tempfile
import time

JOB_SIZE = 64
LONGEST_RUN = 300  # seconds; a rival that hangs must not hang the benchmark


class RunFailed(Exception):
    """Says what went wrong."""


def write_jobs(file, count, size=JOB_SIZE):
    """Lines of that many bytes, all different, so that a swapped or doubled one is seen."""
    with open(file, "w") as jobs:
        for number in range(count):
            jobs.write(f"{number:0{size - 1}d}\n")


@contextlib.contextmanager
def time_limit(seconds):
    """Raises TimeoutError in what stands within, if it takes longer."""
    def give_up(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def cpu_seconds(pid):
    """The CPU time of that process alone, of its main thread, as the kernel's scheduler counted it: exact to the
    nanosecond, where user and system time may be samples. It can still be read of a process that has ended but has
    not been waited for."""
    with open(f"/proc/{pid}/schedstat") as stat:
        return int(stat.read().split()[0]) / 1e9


def run_command(command, source, sink, meanwhile=lambda process: None):
    """Runs the command to its end, with `meanwhile` beside it, at most LONGEST_RUN in all.

    Returns (the clock's time at its start, at its exit, its resource usage with its children, what it wrote to stderr,
    the CPU seconds of its own process).
    """
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=source, stdout=sink, stderr=log, start_new_session=True)
        try:
            with time_limit(LONGEST_RUN):
                meanwhile(process)
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise RunFailed(f"hung: killed after {LONGEST_RUN} s") from None
        end = time.perf_counter()
        manager = cpu_seconds(process.pid)
        # wait4 instead of wait(): it alone reports the CPU time of this child and the children it has reaped.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        words = log.read().decode(errors="replace")
    if process.returncode != 0:
        last_words = "".join(words.strip().splitlines()[-1:])
        raise RunFailed(f"ended with status {process.returncode}: {last_words or 'nothing on stderr'}")
    return start, end, usage, words, manager


def shown(values):
    """Median, smallest and largest as texts; no texts if there are no values."""
    if not values:
        return []
    middle = statistics.median(values)
    digits = 2 if abs(middle) >= 0.1 else 4
    return [f"{value:.{digits}f}" for value in (middle, min(values), max(values))]


def median_and_spread(ratios, digits=2):
    """Two texts, empty if there are no ratios."""
    if not ratios:
        return "", ""
    return f"{statistics.median(ratios):.{digits}f}", f"{min(ratios):.{digits}f}–{max(ratios):.{digits}f}"


def machine():
    """The model of the CPU and how many may be used."""
    model = "unknown CPU"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{model}, {len(os.sched_getaffinity(0))} CPUs usable"


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "not there"
    return (done.stdout or done.stderr).partition("\n")[0].strip()


def describe_machine(prefork, *tools):
    """The machine, the versions of those tools, and prefork's if its path is given."""
    print(f"machine:  {machine()}, load {os.getloadavg()[0]:.2f} at the start")
    versions = [f"Python {platform.python_version()}", *(first_line(tool, "--version") for tool in tools)]
    print(f"system:   Linux {platform.release()} {platform.machine()}, {', '.join(versions)}")
    if prefork:
        print(f"prefork:  {first_line(prefork, '--version')}")


def check_programs(parser, *files):
    for file in filter(None, files):
        if not os.access(file, os.X_OK):
            parser.error(f"{file} is not there or not executable: build it first (`make bench` does)")


def run_rounds(found, rounds, measure):
    """Fills in the rates of all rivals, round by round, and their ratios to the first. `measure` tells of a rival (its jobs, seconds,
    CPU seconds). Returns the failures, as texts."""
    failures = []
    for round_number in range(rounds):
        shift = round_number % len(found)
        for rival in found[shift:] + found[:shift]:
            # A place for each round, so that rounds stay aligned with those of the first.
            try:
                jobs, seconds, cpu = measure(rival)
                rival.rates.append(jobs / seconds)
                rival.cpu.append(cpu / jobs)
            except RunFailed as failure:
                failures.append(f"{rival.name}, round {round_number + 1}: {failure}")
                rival.rates.append(None)
                rival.cpu.append(None)
    for rival in found:
        pairs = zip(rival.rates, found[0].rates)
        rival.ratios = [rate / first for rate, first in pairs if rate is not None and first is not None]
    return failures
