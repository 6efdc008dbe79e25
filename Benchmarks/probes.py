"""How `run.py` measures one run of one pool. Each function returns a function that does one run and returns its
figures; it gets a folder for its files and what stands before the command (taskset, to pin it). RunFailed is raised
when the run failed or an answer was wrong."""
import contextlib
import json
import os
import subprocess
import tempfile
import time

from measuring import LONGEST_RUN, RunFailed, cpu_seconds, run_command, time_limit, write_jobs

JOBLOG = "JOBLOG"  # stands in commands for the file


def same_content(file, other, is_ordered):
    with open(file, "rb") as a, open(other, "rb") as b:
        return a.read() == b.read() if is_ordered else sorted(a) == sorted(b)


def jobs_file(folder, count, size):
    file = os.path.join(folder, f"jobs-{count}-{size}")
    if not os.path.exists(file):
        write_jobs(file, count, size)
    return file


def throughput(command, count, size=64, is_ordered=True, has_joblog=False, is_one_thread=True):
    """Jobs from a file to a file, from start to exit: `rate` in jobs per second, and `manager`, the CPU time of the
    pool's own process per job in µs, if it is one thread. The output must be the jobs, in their order."""
    def run(folder, prefix):
        jobs, results = jobs_file(folder, count, size), os.path.join(folder, "results")
        joblog = os.path.join(folder, "joblog")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(joblog)  # prefork appends to it
        words = [joblog if word == JOBLOG else word for word in command]
        with open(jobs, "rb") as source, open(results, "wb") as sink:
            start, end, _, _, manager = run_command([*prefix, *words], source, sink)
        if not same_content(jobs, results, is_ordered):
            raise RunFailed(f"answered wrongly: its output is not its {count} jobs")
        if has_joblog:
            with open(joblog, "rb") as log:
                lines = sum(1 for line in log if line[:1].isdigit())
            if lines != count:
                raise RunFailed(f"its joblog has {lines} lines for {count} jobs")
        figures = {"rate": count / (end - start)}
        if is_one_thread:
            figures["manager"] = manager / count * 1e6
        return figures
    return run


def client(command):
    """Times by the client in C: `p50`, `p99` and `cpu` in µs, `first` in ms."""
    def run(_, prefix):
        try:
            done = subprocess.run([*prefix, *command], capture_output=True, text=True, timeout=LONGEST_RUN)
        except subprocess.TimeoutExpired:
            raise RunFailed(f"hung: killed after {LONGEST_RUN} s") from None
        if done.returncode != 0:
            raise RunFailed(f"ended with status {done.returncode}: {done.stderr.strip()[-200:]}")
        times = json.loads(done.stdout)
        return {**times, "first": times["first"] / 1000}
    return run


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as list_of_pids:
        return len(list_of_pids.read().split())


def wait_for_workers(process, count):
    """Until that many have been started, or for 10 seconds without another start."""
    most, last_start = 0, time.monotonic()
    while most < count and time.monotonic() < last_start + 10:
        now = children(process.pid)
        if now > most:
            most, last_start = now, time.monotonic()
        time.sleep(0.02)
    if most < count:
        raise RunFailed(f"only {most} of {count} workers were started")


def feed(jobs, process):
    """Sends that file and reads until as many bytes have come back."""
    size = os.path.getsize(jobs)
    # A process of its own: it can block while we read. stdin stays open after it.
    feeder = subprocess.Popen(["cat", jobs], stdout=process.stdin)
    answers = bytearray()
    while len(answers) < size:
        block = os.read(process.stdout.fileno(), 1 << 16)
        if not block:
            raise RunFailed(f"ended after {len(answers)} of {size} bytes")
        answers += block
    if feeder.wait() != 0:
        raise RunFailed("cat failed")
    with open(jobs, "rb") as file:
        if file.read() != answers:
            raise RunFailed("answered wrongly")


def steady(command, workers, count):
    """`manager`: CPU time of the pool's own process per job in µs, from pipe to pipe, when all workers run and have
    had jobs, without what it costs to start and to stop them."""
    def run(folder, prefix):
        warm_up, jobs = jobs_file(folder, 4 * workers, 64), jobs_file(folder, count, 64)
        process = subprocess.Popen([*prefix, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, bufsize=0)
        try:
            with time_limit(LONGEST_RUN):
                wait_for_workers(process, workers)
                feed(warm_up, process)
                before = cpu_seconds(process.pid)
                feed(jobs, process)
                after = cpu_seconds(process.pid)
                process.stdin.close()
                if process.wait() != 0:
                    raise RunFailed(f"ended with status {process.returncode}")
        except TimeoutError:
            raise RunFailed(f"hung: killed after {LONGEST_RUN} s") from None
        finally:
            process.stdout.close()
            process.kill()
            process.wait()
        return {"manager": (after - before) / count * 1e6}
    return run


def resident(pid):
    """MB."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory(command, count):
    """RSS of the pool's own process in MB while jobs stream through it: `highest`, and `growth`, from the highest of
    the first tenth of the time to the highest of all."""
    def run(folder, prefix):
        line = "x" * 63
        with tempfile.TemporaryFile() as log:
            lines = subprocess.Popen(f"yes {line} | head -n {count}", shell=True, stdout=subprocess.PIPE)
            process = subprocess.Popen([*prefix, *command], stdin=lines.stdout, stdout=subprocess.PIPE, stderr=log)
            lines.stdout.close()
            counter = subprocess.Popen(["wc", "-l"], stdin=process.stdout, stdout=subprocess.PIPE)
            process.stdout.close()
            seen, deadline = [], time.monotonic() + LONGEST_RUN + count / 20_000
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    seen.append(resident(process.pid))
                time.sleep(0.02)
            process.kill()  # nothing if it has ended
            lines.wait()
            answered = int(counter.communicate()[0])
        if process.wait() != 0 or answered != count:
            raise RunFailed(f"{answered} of {count} jobs answered, status {process.returncode}")
        first_tenth = max(seen[:max(1, len(seen) // 10)])
        return {"highest": max(seen), "growth": max(seen) - first_tenth}
    return run
