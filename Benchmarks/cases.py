"""What `run.py` measures: settings (a number of workers on a number of CPUs), the rivals that are interleaved in each, and the
cases, each of which compares one rival with another.

A rival that cannot be had here (a prefork without --prefetch, no GNU parallel) is left out, with its cases.
"""
import dataclasses
import os
import shutil
import subprocess
import sys
import typing

import probes
from python_worker import loops_for

HERE = os.path.dirname(os.path.abspath(__file__))
DEPTH = "64"  # jobs in flight per worker of the floor to which the default is compared
PYTHON_JOB = 5e-6  # seconds


@dataclasses.dataclass
class Rival:
    name: str
    measure: typing.Callable  # (folder, prefix of the command) -> a dict of figures
    runs: list = dataclasses.field(default_factory=list)  # one dict per round; None if it failed


@dataclasses.dataclass
class Case:
    """`figure` of a rival, compared with that of the base: as a ratio, or as what was added to it. Without a base the
    figure itself."""
    name: str
    rival: str
    base: str = ""
    figure: str = "rate"
    measure: str = "ratio"  # ratio, or a unit; with a base, what is added in that unit
    goal: str = ""  # such as ">= 0.95", ">= 0.7 or 1000000 jobs/s"


@dataclasses.dataclass
class Setting:
    title: str
    cpus: int  # 1 or 2
    rivals: list
    cases: list


class Programs:
    """The commands of the pools."""

    def __init__(self, arguments):
        self.floor_program, self.echo = os.path.abspath(arguments.floor), os.path.abspath(arguments.echo)
        self.client = os.path.abspath(arguments.client)
        self.prefork_program = os.path.abspath(arguments.prefork)
        self.options = arguments.prefork_options
        helped = subprocess.run([self.prefork_program, "run", "--help"], capture_output=True, text=True).stdout
        self.can_prefetch = "--prefetch" in helped

    def floor(self, workers, *options, worker=None):
        return [self.floor_program, *options, str(workers), *(worker or [self.echo])]

    def default(self, workers, *options, worker=None):
        options = ["-w", str(workers), *self.options, *options]
        return [self.prefork_program, "run", *options, "--", *(worker or [self.echo])]

    def strict(self, workers, *options, worker=None):
        """One job at a time. A prefork without --prefetch knows nothing else."""
        one = ["--prefetch", "1"] if self.can_prefetch else []
        return self.default(workers, *one, *options, worker=worker)

    def preforks(self, make):
        """The rivals `strict` and `default`; one that is both if this prefork knows no difference."""
        found = [Rival("prefork, strict", make(self.strict))]
        if self.can_prefetch:
            found.append(Rival("prefork, default", make(self.default)))
        return found

    @property
    def default_name(self):
        return "prefork, default" if self.can_prefetch else "prefork, strict"


def small_jobs(programs, arguments, workers, cpus):
    """Strict, with a joblog, and the default, against the floors and multiprocessing.Pool."""
    def throughput(command, jobs=arguments.jobs, **options):
        return probes.throughput(command, jobs, **options)

    def with_joblog(make):
        return throughput(make("--joblog", probes.JOBLOG), has_joblog=True)

    script = os.path.join(HERE, "multiprocessing_pool.py")
    rivals = [
        Rival("C", throughput(programs.floor(workers))),
        Rival("C, joblog", with_joblog(lambda *options: programs.floor(workers, *options))),
        Rival(f"C, depth {DEPTH}", throughput(programs.floor(workers, "--depth", DEPTH))),
        *programs.preforks(lambda make: throughput(make(workers))),
        Rival("prefork, strict, joblog", with_joblog(lambda *options: programs.strict(workers, *options))),
        Rival("Pool, chunk 64", throughput([sys.executable, script, str(workers), "64"], is_one_thread=False)),
    ]
    where = f"{workers} workers, {cpu_name(cpus)}"
    return Setting(where, cpus, rivals, [
        Case(f"strict, {where}", "prefork, strict", "C", goal=">= 0.95"),
        Case(f"strict with joblog, {where}", "prefork, strict, joblog", "C", goal=">= 0.8"),
        Case(f"strict with joblog against C with joblog, {where}", "prefork, strict, joblog", "C, joblog"),
        Case(f"default against depth {DEPTH}, {where}", programs.default_name, f"C, depth {DEPTH}",
             goal=">= 0.7 or 1000000 jobs/s"),
        Case(f"default against multiprocessing.Pool in chunks of 64, {where}", programs.default_name, "Pool, chunk 64",
             goal=">= 3"),
        Case(f"C with depth {DEPTH} against strict C, {where}", f"C, depth {DEPTH}", "C"),
    ])


def python_worker(programs, arguments, cpus):
    worker = [sys.executable, os.path.join(HERE, "python_worker.py"), str(loops_for(PYTHON_JOB))]
    jobs = max(1000, arguments.jobs // 2)
    rivals = [
        Rival("C", probes.throughput(programs.floor(2, worker=worker), jobs)),
        Rival(f"C, depth {DEPTH}", probes.throughput(programs.floor(2, "--depth", DEPTH, worker=worker), jobs)),
        *programs.preforks(lambda make: probes.throughput(make(2, worker=worker), jobs)),
    ]
    where = f"2 Python workers of 5 µs, {cpu_name(cpus)}"
    return Setting(where, cpus, rivals, [
        Case(f"default against depth {DEPTH}, {where}", programs.default_name, f"C, depth {DEPTH}", goal=">= 0.9"),
        Case(f"strict, {where}", "prefork, strict", "C"),
    ])


def json_rpc(programs, arguments, cpus):
    """What messages cost, against lines: one job at a time, and several at once, which a worker of lines has parked."""
    def throughput(command):
        return probes.throughput(command, arguments.jobs)

    rpc = [programs.echo, "rpc"]
    rivals = [
        *programs.preforks(lambda make: throughput(make(2))),
        Rival("jsonrpc", throughput(programs.default(2, "--protocol", "jsonrpc", worker=rpc))),
        Rival("jsonrpc, 64 at once", throughput(
            programs.default(2, "--protocol", "jsonrpc", "--concurrency", "64", worker=rpc))),
    ]
    where = f"2 workers, {cpu_name(cpus)}"
    return Setting(f"jsonrpc, {where}", cpus, rivals, [
        Case(f"jsonrpc against strict lines, {where}", "jsonrpc", "prefork, strict"),
        Case(f"jsonrpc with 64 at once against lines, {where}", "jsonrpc, 64 at once", programs.default_name)])


def large_jobs(programs, arguments, cpus):
    def throughput(command):
        return probes.throughput(command, arguments.large_jobs, size=1 << 20)

    where = f"{arguments.large_jobs} jobs of 1 MiB, 2 workers, {cpu_name(cpus)}"
    return Setting(where, cpus, [Rival("C", throughput(programs.floor(2))),
                                 *programs.preforks(lambda make: throughput(make(2)))], [
        Case(f"strict, {where}", "prefork, strict", "C", goal=">= 0.8"),
        *([Case(f"default, {where}", "prefork, default", "C", goal=">= 0.8")] if programs.can_prefetch else [])])


def many_workers(programs, arguments):
    """CPU of the manager per job, without what starting and stopping workers costs."""
    many = arguments.many

    def steady(command, workers):
        return probes.steady(command, workers, arguments.jobs)

    def prefork(make, workers):
        return make(workers, "--max-starting", str(workers))

    rivals = [Rival(f"C, {workers}", steady(programs.floor(workers), workers)) for workers in (8, many)]
    rivals += [Rival(f"prefork, strict, {workers}", steady(prefork(programs.strict, workers), workers))
               for workers in (8, many)]
    if programs.can_prefetch:
        rivals += [Rival(f"prefork, default, {workers}", steady(prefork(programs.default, workers), workers))
                   for workers in (8, many)]
    where = f"{many} workers against 8, manager's CPU per job, 1 CPU"
    cases = [Case(f"strict, {where}", f"prefork, strict, {many}", "prefork, strict, 8", "manager", goal="<= 1.4"),
             Case(f"C, {where}", f"C, {many}", "C, 8", "manager"),
             Case(f"strict against C, manager's CPU per job, {many} workers, 1 CPU", f"prefork, strict, {many}",
                  f"C, {many}", "manager")]
    if programs.can_prefetch:
        cases.append(Case(f"default, {where}", f"prefork, default, {many}", "prefork, default, 8", "manager",
                          goal="<= 1.4"))
    return Setting(where, 1, rivals, cases)


def latency(programs, arguments, cpus):
    """One job outstanding: what a pool adds to the round trip to a bare worker."""
    def answers(command):
        return probes.client([programs.client, "answers", str(arguments.latency_jobs), *command])

    rivals = [Rival("worker alone", answers([programs.echo])), Rival("C", answers(programs.floor(2))),
              *programs.preforks(lambda make: answers(make(2)))]
    where = cpu_name(cpus)
    cases = [Case(f"latency, {figure} added to a bare round trip, {rival.name}, {where}", rival.name, "worker alone",
                  figure, "µs") for figure in ("p50", "p99") for rival in rivals[1:]]
    cases.append(Case(f"first answer after exec, {where}", programs.default_name, "", "first", "ms", "<= 6"))
    return Setting(f"one job outstanding, {where}", cpus, rivals, cases)


def start(programs, arguments):
    def exits(*command):
        return probes.client([programs.client, "exits", "100", *command])

    rivals = [Rival("true", exits("true")), Rival("prefork --version", exits(programs.prefork_program, "--version"))]
    return Setting("start to exit, all CPUs", 2, rivals, [
        Case("prefork --version, added to `true`", "prefork --version", "true", "p50", "µs", "<= 1500"),
        Case("prefork --version, CPU time added to `true`", "prefork --version", "true", "cpu", "µs")])


def memory(programs, arguments):
    rivals = [Rival("prefork", probes.memory(programs.default(8), arguments.memory_jobs))]
    where = f"8 workers, {arguments.memory_jobs:,} jobs"
    return Setting(f"memory, {where}", 2, rivals, [
        Case(f"highest RSS, {where}", "prefork", "", "highest", "MB", "<= 10"),
        Case(f"RSS, growth over the last nine tenths, {where}", "prefork", "", "growth", "MB")])


def process_per_job(programs, arguments):
    """Programs that start a process for each job, with fewer jobs."""
    few, xargs = arguments.process_jobs, ["xargs", "-d", "\\n", "-n1", "-P2", "echo"]
    rivals = [Rival("C", probes.throughput(programs.floor(2), arguments.jobs)),
              Rival("xargs -n1", probes.throughput(xargs, few, is_ordered=False))]
    if shutil.which("parallel"):
        command = ["parallel", "--will-cite", "--keep-order", "-j2", "echo", "{}"]
        rivals.append(Rival("GNU parallel", probes.throughput(command, few)))
    return Setting("a process for each job, 2 at a time, 2 CPUs", 2, rivals,
                   [Case(f"{rival.name}, a process for each job", rival.name, "C") for rival in rivals[1:]])


def cpu_name(cpus):
    return "1 CPU" if cpus == 1 else f"{cpus} CPUs"


def all_settings(arguments):
    programs = Programs(arguments)
    found = [small_jobs(programs, arguments, workers, cpus) for cpus in (2, 1) for workers in arguments.workers]
    for setting in python_worker, json_rpc, large_jobs, latency:
        found += [setting(programs, arguments, cpus) for cpus in (2, 1)]
    return found + [many_workers(programs, arguments), start(programs, arguments), memory(programs, arguments),
                    process_per_job(programs, arguments)]
