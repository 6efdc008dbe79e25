"""Run jobs in warm worker processes from Python, as `concurrent.futures` does with its own:

    from prefork import Executor

    with Executor("unix:/run/model.sock") as pool:                     # a pool that `prefork serve` keeps
        print(pool.submit("a job").result())

    with Executor(command=["./model.py"], workers=4, retries=2) as pool:    # `prefork run`, as a child
        for reply in pool.map(map(str.rstrip, open("jobs.txt"))):
            print(reply)

**Jobs** are str, sent as UTF-8 (what `surrogateescape` has decoded is sent as the bytes that it was), bytes, or a dict
or list, sent as JSON. The program that answers them is the worker's, so that there is no function to submit.

**Replies** are str by default, with `surrogateescape` for what is not UTF-8. `results="bytes"`, an argument of
`Executor`, `submit` and `map`, gives the bytes, and `results="json"` what they mean as JSON; a future whose reply is
not JSON, or more than Python's json module can read, raises ValueError. (A worker on the SDK that returns anything but
a str replies with the JSON of it.)

**A job that does not end well** raises `JobFailed` from its future, and from no other: see `outcome`, `message`,
`attempts`. If the server or the child goes away, all futures that are not done raise `PoolLost`. An executor over a
server connects again for what is submitted later, which raises `PoolLost`, too, if that fails; one over a child that
has ended is broken.

**Order and bounds.** Jobs are sent in the order of their submission, and only as many at once as keep the workers busy:
twice the workers, or half of what a server takes from one client; more while answers come within 50 ms, or jobs find a
worker free, up to `max_in_flight` (4096). The others wait here, where `Future.cancel` still cancels them; a job that
was sent cannot be cancelled any more. `submit` does not wait, unless `max_pending` bounds how many jobs may wait here.
`map` takes jobs from its iterable only a little ahead of the results that are taken from it, so that it may be endless.

**Threads and processes.** All methods may be called from any thread. Futures are completed, and their callbacks called,
on one thread of the executor: a callback may submit jobs, but must not wait for one. A forked process cannot use the
executor of its parent, whose futures are never done there; it makes one of its own.

**The end.** `shutdown`, which `with` calls, waits for all jobs. After a KeyboardInterrupt, `with` waits only for those
that were sent; a second one, while it waits, gives those up, too. The child has a session of its own, so that Ctrl-C
reaches only Python. An executor that was not shut down is shut down when it is collected, or when Python exits.
"""
import atexit
import base64
import collections
import concurrent.futures
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
import traceback
import weakref

__all__ = ["Executor", "JobFailed", "PoolLost"]
__version__ = "0.1.0"

_GREETING = b"\x16prefork records 1\0\n"
_BLOCK = 1 << 18
_QUICK = 0.05  # seconds: a pool that answers within this time gets more jobs at once
_SOON = 0.005  # seconds: so does one where jobs wait no longer than this for a worker
_MOST_IN_FLIGHT = 4096
_CLOSE_TIMEOUT = 2  # seconds that a server has for closing the connection after our last job

_log = logging.getLogger("prefork")
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_ID = re.compile(rb'\{"id":(\d+)[,}]')
_SPACE = re.compile(r"[ \t\r]*")
_decode_at = json.JSONDecoder().raw_decode


class JobFailed(Exception):
    """A job that did not end well.

    `outcome`: failed, timeout, crashed, quarantined, cancelled or expired. `message`: why. `attempts`: how many were
    made, 0 if it never came to a worker. `code`: the worker's exit status or the code of its error, `signal`: the
    number of the one that killed it, `data` and `stderr`: more from the worker; None if there is none. `record`: all
    that prefork has reported, as a dict: see "Records" in its README.
    """

    def __init__(self, record):
        super().__init__(record)
        self.record = record
        self.outcome, self.attempts = record["outcome"], record.get("attempts", 0)
        error = record["error"]
        self.message = error["message"]
        self.code, self.signal, self.data, self.stderr = map(error.get, ("code", "signal", "data", "stderr"))

    def __str__(self):
        times = "" if self.attempts < 2 else f" after {self.attempts} attempts"
        return f"{self.outcome}{times}: {self.message}"


class PoolLost(concurrent.futures.BrokenExecutor):
    """The pool cannot be reached, or went away. `may_have_run`: whether this job was sent, and may have been run."""

    def __init__(self, message, may_have_run=False):
        super().__init__(message, may_have_run)
        self.may_have_run = may_have_run

    def __str__(self):
        return self.args[0] + ("; this job may have been run or not" if self.may_have_run else "")


class Executor(concurrent.futures.Executor):
    """Runs jobs in a pool that is served at `address`, or in `prefork run -- command`, which it starts.

    `address`: unix:/PATH, tcp:HOST:PORT, or a path with a slash. It is connected to at once.
    `command`: the worker and its arguments. `workers`, and any other option of `prefork run`, is given by its name:
    `timeout="30s", retries=2, protocol="jsonrpc", concurrency=8, no_accounting=True, env=["A=1", "B=2"]`.
    `options`: more options of `prefork run`, as on its command line. An option whose name is an argument here can only
    be given so: `options=["--results=/tmp/results"]`. Give `workers`, `concurrency` and `batch` by their names, because
    the executor sends as many jobs at once as they allow.
    `program`: prefork itself.
    `results`: what replies are: text, bytes or json.
    `max_in_flight`: the most jobs that are sent and not answered, 1 or more.
    `max_pending`: how many jobs may wait to be sent before `submit` waits, 1 or more.
    `connect_timeout`: seconds for connecting to a server.

    Raises PoolLost if the server cannot be reached, and OSError if prefork cannot be started.
    """

    def __init__(
        self, address=None, *, command=None, program="prefork", results="text", max_in_flight=None, max_pending=None,
        connect_timeout=10, options=(), **named_options):
        if (address is None) == (command is None):
            raise TypeError("give either the address of a server, or the command of a worker")
        if command is None and (options or named_options):
            names = ", ".join([*named_options, *options])
            raise TypeError(f"{names}: the options of the workers are the server's")
        for name, bound in (("max_in_flight", max_in_flight), ("max_pending", max_pending)):
            if bound is not None and bound < 1:
                raise ValueError(f"{name} must be 1 or more")
        _check_results(results)
        self._results = results
        if command is None:
            connect = _Server(address, connect_timeout).connect
        else:
            arguments = _arguments(program, command, options, named_options)
            connect = lambda: _Child(arguments, _seats(named_options))
        self._pump = _Pump(connect, max_in_flight or _MOST_IN_FLIGHT, max_pending, command is None)
        weakref.finalize(self, self._pump.close).atexit = False

    def submit(self, job, /, *, timeout=None, retries=None, priority=None, results=None):
        """Returns the Future of a job. `timeout`: seconds that it may run; `retries`: extra attempts; `priority`: a
        whole number, of which a higher one goes first in the pool."""
        if results is not None:
            _check_results(results)
        return self._pump.submit(_record(job, timeout, retries, priority), results or self._results)

    def map(self, jobs, *, timeout=None, buffersize=None, return_exceptions=False, results=None):
        """Yields the replies to jobs, in their order.

        No job is taken from `jobs` before a reply is asked for, and at most `buffersize` are under way then; by default
        as many as keep the pool busy. A reply that is not there `timeout` seconds after this call raises TimeoutError.
        A job that does not end well ends the iteration with its exception, and cancels the jobs that are not sent yet;
        with `return_exceptions` the exception stands in the place of the reply.
        """
        if callable(jobs):
            raise TypeError("map takes the jobs alone; the function is the worker's")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be 1 or more")
        if results is not None:
            _check_results(results)
        deadline = None if timeout is None else time.monotonic() + timeout
        return self._replies(iter(jobs), deadline, buffersize, return_exceptions, results)

    def _replies(self, jobs, deadline, buffersize, return_exceptions, results):
        futures = collections.deque()
        is_over = False
        try:
            while True:
                # One more than is yielded, so that there are ever more until there are enough; and while we wait, all.
                wanted = 2
                while not is_over and len(futures) < (buffersize or self._pump.ahead()):
                    if wanted <= 0 and futures[0].done():
                        break
                    try:
                        futures.append(self.submit(next(jobs), results=results))
                    except StopIteration:
                        is_over = True
                    wanted -= 1
                if not futures:
                    return
                future = futures.popleft()
                try:
                    reply = future.result(None if deadline is None else max(0, deadline - time.monotonic()))
                except (JobFailed, PoolLost, ValueError) as error:
                    if not return_exceptions:
                        raise
                    reply = error
                except BaseException:
                    futures.append(future)
                    raise
                del future
                yield reply
        finally:
            for future in futures:
                future.cancel()

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more jobs. `wait`: returns when all are done and the child has ended. `cancel_futures`: cancels
        those that are not sent yet. Interrupted by an exception, such as KeyboardInterrupt, it gives up all jobs."""
        self._pump.close(cancel_futures)
        if wait:
            self._pump.join()

    def __exit__(self, kind, error, trace):
        is_interrupted = kind is not None and not issubclass(kind, Exception)
        self.shutdown(wait=True, cancel_futures=is_interrupted)
        return False


# ----------------------------------------------------------------------------------------------------- jobs and replies


def _record(job, timeout, retries, priority):
    """The line of a job, from behind its id."""
    if isinstance(job, str):
        try:
            payload = b',"job":' + _encode(job).encode()
        except UnicodeEncodeError:
            payload = _base64(job.encode("utf-8", "surrogateescape"))
    elif isinstance(job, (bytes, bytearray, memoryview)):
        data = bytes(job)
        try:
            payload = b',"job":' + _encode(data.decode()).encode()
        except UnicodeDecodeError:
            payload = _base64(data)
    elif isinstance(job, (dict, list)):
        payload = b',"job":' + _encode(job).encode()
    else:
        kind = "a function, which is the worker's" if callable(job) else type(job).__name__
        raise TypeError(f"a job is a str, bytes, or a dict or list to be sent as JSON; not {kind}")
    for name, value in (("timeout", timeout), ("retries", retries), ("priority", priority)):
        if value is not None:
            payload += f',"{name}":{_encode(value)}'.encode()
    return payload + b"}\n"


def _base64(data):
    return b',"job_base64":"' + base64.b64encode(data) + b'"'


def _check_results(results):
    if results not in ("text", "bytes", "json"):
        raise ValueError(f"results must be text, bytes or json; not {results!r}")


def _reply(record, line, results):
    """What the future of a job that ended ok gets."""
    if "result_base64" in record:
        data = base64.b64decode(record["result_base64"])
        if results == "bytes":
            return data
        text = data.decode("utf-8", "surrogateescape")
    else:
        text = record["result"]
        if not isinstance(text, str):
            if results == "json":
                return text
            # As it stands in the line, where no other member that may hold anything comes before it.
            line = line.decode("utf-8", "surrogatepass")
            start = _SPACE.match(line, line.index('"result":') + len('"result":')).end()
            text = line[start:_decode_at(line, start)[1]]
        if results == "bytes":
            return text.encode("utf-8", "surrogatepass")
    if results == "json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"the reply is not JSON ({error}): {text[:200]!r}") from None
        except RecursionError:
            what = "the reply is nested too deeply for Python's json module; get it with results=\"text\""
            raise ValueError(f"{what}: {text[:200]!r}") from None
    return text


# ------------------------------------------------------------------------------------------------------------ the pools


def _too_long(limit):
    return JobFailed({
        "outcome": "failed", "attempts": 0,
        "error": {"message": f"the record of the job is over {limit} bytes (--max-job-size of the server)"}})


class _Server:
    """Where a pool is served."""

    def __init__(self, address, timeout):
        self.address, self.timeout = address, timeout
        kind, _, rest = address.partition(":")
        if kind == "tcp":
            host, colon, port = rest.rpartition(":")
            if not colon or not port.isdigit():
                raise ValueError(f"{address}: an address is written tcp:HOST:PORT")
            self.place = host.strip("[]"), int(port)
        elif kind == "unix" or "/" in address:
            self.place = rest if kind == "unix" else address
        else:
            raise ValueError(f"{address}: an address is unix:/PATH, tcp:HOST:PORT, or a path with a slash")

    def connect(self):
        """Raises PoolLost."""
        connection = None
        try:
            if isinstance(self.place, str):
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(self.timeout)
                connection.connect(self.place)
            else:
                connection = socket.create_connection(self.place, self.timeout)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Connection(connection, *self._greet(connection))
        except PoolLost:
            connection.close()
            raise
        except OSError as error:
            if connection is not None:
                connection.close()
            raise PoolLost(f"no prefork server can be reached at {self.address}: {error}") from error

    def _greet(self, connection):
        deadline = time.monotonic() + self.timeout
        connection.sendall(_GREETING)
        answer = b""
        while not answer.endswith(b"\n"):
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            block = connection.recv(1)  # what comes behind it is not ours to read
            if not block:
                raise PoolLost(f"{self.address} has closed the connection without a greeting")
            answer += block
            if len(answer) > 65536:
                raise self._nonsense(answer)
        try:
            greeting = json.loads(answer)
            if "error" in greeting:
                raise PoolLost(f"{self.address} does not take us: {greeting['error']}")
            most, longest = greeting["most-unsettled"], greeting.get("max-job-size") or float("inf")
            if greeting["records"] != 1 or most < 1:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise self._nonsense(answer) from None
        return self.address, most, longest

    def _nonsense(self, answer):
        return PoolLost(f"{self.address} is no job socket of prefork serve: it answers {answer[:80]!r}")


class _Connection:
    """A connection to a server."""

    def __init__(self, connection, address, most, longest):
        self.socket, self.name = connection, address
        self.first, self.longest = max(1, most // 2), longest
        connection.setblocking(False)
        self.input = self.output = connection.fileno()

    def close_output(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has closed it

    def close(self):
        self.socket.close()

    def end(self):
        """What is known of its end."""
        self.close()
        return f"{self.name} has closed the connection"

    def interrupt(self):
        return True

    close_timeout = _CLOSE_TIMEOUT
    has_failed = False


class _Child:
    """`prefork run`. In a session of its own, so that a terminal's Ctrl-C does not reach it."""

    longest = float("inf")  # a job that is too long for it fails there
    close_timeout = None  # workers may take their time to stop
    has_failed = False  # something other than a job

    _meanings = {
        64: "wrong options", 69: "its workers do not start", 70: "an error in prefork", 71: "the system refused it",
        73: "a file cannot be created", 74: "a file cannot be written", 75: "--halt", 76: "a worker broke the protocol",
        77: "permission denied", 78: "bad configuration",
    }

    def __init__(self, arguments, seats):
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True)
        self.first = 2 * seats
        self.name = f"prefork run (pid {self.process.pid})"
        self.input, self.output = self.process.stdout.fileno(), self.process.stdin.fileno()
        os.set_blocking(self.input, False)
        os.set_blocking(self.output, False)

    def close_output(self):
        self.process.stdin.close()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()

    def end(self):
        self.close()
        status = self.process.wait()
        self.has_failed = status not in (0, 1, 65)  # the others are those of failed jobs and bad records
        if status < 0:
            return f"{self.name} was killed by {_signal_name(-status)}"
        meaning = self._meanings.get(status)
        return f"{self.name} ended with status {status}" + (f": {meaning}; its stderr has more" if meaning else "")

    def interrupt(self):
        """The first of these signals lets jobs finish, the second does not. True if it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.poll() is not None


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _arguments(program, command, options, named_options):
    """The command line of a child."""
    if isinstance(command, (str, bytes)):
        raise TypeError("command must be a list: the worker, and its arguments")
    if isinstance(options, (str, bytes)):
        raise TypeError('options must be a list, such as ["--results=/tmp/results"]')
    for option in options:
        _check_option(option, option.partition("=")[0])
    arguments = [program, "run", "--quiet", "--progress", "never", *options]
    for name, value in named_options.items():
        option = "--" + name.replace("_", "-")
        _check_option(name, option)
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if each is True:
                arguments.append(option)
            elif each is not False and each is not None:
                arguments.append(f"{option}={each}")
    return [*arguments, "--unordered", "--input", "records", "--output", "records", "--", *command]


def _check_option(name, option):
    if option in ("--", "-k", "--input", "--output", "--unordered", "--keep-order"):
        raise TypeError(f"{name}: the executor decides on this")


def _seats(options):
    """How many jobs the workers of a child have at once. prefork itself refuses what makes no sense."""
    workers = options.get("workers") or len(os.sched_getaffinity(0))
    try:
        seats = int(str(workers).rpartition("..")[2])
        for name in ("concurrency", "batch"):
            seats *= int(options.get(name) or 1)
        return max(1, seats)
    except ValueError:
        return 1


# ---------------------------------------------------------------------------------------------------- jobs on their way


class _Pump:
    """Sends jobs and completes their futures, on a thread of its own, which alone touches the pool."""

    def __init__(self, connect, max_in_flight, max_pending, may_reconnect):
        self._connect, self._max_in_flight, self._max_pending = connect, max_in_flight, max_pending
        self._may_reconnect = may_reconnect
        # Everything down to the next comment is guarded by this lock.
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._pending = collections.deque()
        self._is_closing = self._is_given_up = self._is_asleep = False
        self._broken = None
        # The thread's own.
        self._taken = collections.deque()  # out of `_pending`, and not in `_sent` yet
        self._sent, self._numbers, self._pieces, self._unsent = {}, 0, [], b""
        self._window = 0
        self._wakeup_read, self._wakeup_write = os.pipe()
        os.set_blocking(self._wakeup_read, False)
        os.set_blocking(self._wakeup_write, False)
        try:
            self._link = None
            self._open()
        except BaseException:
            os.close(self._wakeup_read)
            os.close(self._wakeup_write)
            raise
        self._thread = threading.Thread(target=self._run, name="prefork-executor", daemon=True)
        self._thread.start()
        _pumps.add(self)

    # From any thread.

    def submit(self, record, results):
        future = concurrent.futures.Future()
        with self._lock:
            if self._max_pending is not None and threading.current_thread() is not self._thread:
                while len(self._pending) >= self._max_pending and not self._broken and not self._is_closing:
                    self._room.wait()
            if self._broken:
                raise PoolLost(self._broken)
            if self._is_closing:
                raise RuntimeError("no job can be submitted after shutdown")
            self._pending.append((future, record, results))
            self._wake()
        return future

    def ahead(self):
        """How many futures `map` keeps."""
        return max(1, 2 * self._window)

    def close(self, cancel_futures=False):
        with self._lock:
            self._is_closing = True
            cancelled = []
            if cancel_futures:
                cancelled.extend(self._pending)
                self._pending.clear()
            self._room.notify_all()
            self._wake()
        for future, _, _ in cancelled:
            _cancel(future)

    def join(self):
        """Waits for the end of the thread; interrupted, it gives up all jobs."""
        if threading.current_thread() is self._thread or self._broken is _FORKED:
            return
        try:
            self._thread.join()
        except BaseException:
            with self._lock:
                self._is_given_up = True
                self._wake()
            raise

    def _wake(self):
        if self._is_asleep:
            os.write(self._wakeup_write, b"\0")
            self._is_asleep = False  # not before: a KeyboardInterrupt may come in between

    def forget(self):
        """In a process that was forked: what belongs to the parent is closed, so that its end is noticed."""
        self._broken = _FORKED
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._is_asleep = False
        self._pending.clear()
        os.close(self._wakeup_read)
        os.close(self._wakeup_write)
        if self._link is not None:
            self._link.close()
            self._link = None

    # On the thread.

    def _run(self):
        try:
            while self._turn():
                pass
            self._close_link()
        except BaseException:
            self._fail(f"a defect of the executor: {traceback.format_exc()}", is_final=True)
        finally:
            with self._lock:
                _pumps.discard(self)
                self._broken = self._broken or "the executor was shut down"
                self._is_asleep = False
                os.close(self._wakeup_read)
                os.close(self._wakeup_write)

    def _turn(self):
        """Sends, waits, receives. False at the end."""
        self._fill()
        with self._lock:
            is_idle = not self._pending and not self._sent
            if self._is_given_up or self._broken or (is_idle and self._is_closing):
                return False
            self._is_asleep = not (self._pending and (self._link is None or self._has_room()))
        if self._is_asleep:
            self._wait(None)
        return True

    def _wait(self, seconds):
        """Until something comes, or the seconds are over. False if nothing did."""
        poll = select.poll()
        poll.register(self._wakeup_read, select.POLLIN)
        link = self._link
        if link is not None:
            if self._unsent:
                poll.register(link.output, select.POLLOUT)
            both = self._unsent and link.input == link.output
            poll.register(link.input, select.POLLIN | select.POLLOUT if both else select.POLLIN)
        events = poll.poll(None if seconds is None else seconds * 1000)
        with self._lock:
            self._is_asleep = False
        for descriptor, event in events:
            if descriptor == self._wakeup_read:
                try:
                    os.read(self._wakeup_read, 4096)
                except BlockingIOError:
                    pass
            elif link is self._link:
                if descriptor == link.output and event & ~select.POLLIN and self._unsent:
                    self._write()
                if descriptor == link.input and event & ~select.POLLOUT:
                    self._read()
        return bool(events)

    def _has_room(self):
        return len(self._sent) < self._window and len(self._unsent) < _BLOCK

    def _fill(self):
        if self._pending and self._link is None:
            try:
                self._open()
            except PoolLost as error:
                return self._fail(str(error))
        size = len(self._unsent)
        with self._lock:
            # Without a link, a job that has come since then waits for the next turn.
            while self._pending and self._link and len(self._sent) + len(self._taken) < self._window and size < _BLOCK:
                self._taken.append(self._pending.popleft())
                size += len(self._taken[-1][1])
            if self._max_pending is not None and self._taken:
                self._room.notify_all()
        lines = []
        while self._taken:
            future, record, results = self._taken[0]
            if _start(future):
                line = b'{"id":%d%b' % (self._numbers + 1, record)
                if len(line) > self._link.longest:
                    self._complete(future, None, _too_long(self._link.longest))
                else:
                    self._numbers += 1
                    self._sent[self._numbers] = future, results, time.monotonic()
                    lines.append(line)
            self._taken.popleft()
        if lines:
            self._unsent = memoryview(b"".join([self._unsent, *lines]))
            self._write()

    def _open(self):
        self._link = self._connect()
        self._numbers, self._pieces, self._unsent = 0, [], b""
        self._most = self._max_in_flight
        self._first = self._window = min(self._link.first, self._most)

    def _write(self):
        try:
            self._unsent = self._unsent[os.write(self._link.output, self._unsent[:_BLOCK]):]
        except BlockingIOError:
            pass
        except OSError:
            # It may have answered before it closed: reading will show how it ended. Until then it gets no more.
            self._unsent = b""
            self._first = self._most = self._window = 0

    def _read(self):
        try:
            block = os.read(self._link.input, _BLOCK)
        except BlockingIOError:
            return
        except ConnectionResetError:
            return self._end()
        except OSError as error:
            return self._fail(f"the connection to {self._link.name} is broken: {error}")
        if not block:
            return self._end()
        if b"\n" not in block:
            return self._pieces.append(block)
        *lines, rest = b"".join([*self._pieces, block]).split(b"\n")
        self._pieces = [rest] if rest else []
        now = time.monotonic()
        for line in lines:
            try:
                self._answer(line, now)
            except Exception:
                return self._fail(f"{self._link.name} has sent what is no answer: {line[:200]!r}")

    def _answer(self, line, now):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:  # a number of too many digits, or lists in lists
            return self._answer_unread(line, error)
        if "withdrawn" in record:
            return _log.warning("an answer that was given may be wrong: %s", record["withdrawn"])
        number = record.get("id")
        if number is None:
            number = record["seq"]  # a job that was too long to be read has no id, but both of us count them
        future, results, sent_at = self._sent[number]
        if now - sent_at < _QUICK or record.get("queued", 1) < _SOON:
            self._window = min(self._window + 1, self._most)
        elif self._window > self._first:
            self._window -= 1
        reply = error = None
        if record["outcome"] != "ok":
            error = JobFailed(record)
        else:
            try:
                reply = _reply(record, line, results)
            except (ValueError, RecursionError) as caught:
                error = caught
        del self._sent[number]
        self._complete(future, reply, error)

    def _answer_unread(self, line, error):
        """Fails the job of a record that is JSON, but more than Python's json module can read."""
        number = int(_ID.match(line)[1])
        future, _, _ = self._sent.pop(number)
        self._complete(future, None, ValueError(f"the record of the reply cannot be read ({error}): {line[:200]!r}"))

    def _complete(self, future, reply, error):
        try:
            if error is None:
                future.set_result(reply)
            else:
                future.set_exception(error)
        except concurrent.futures.InvalidStateError:
            _log.warning("a future was completed by others")
        except BaseException:  # `concurrent.futures` logs only an Exception of a callback
            _log.exception("exception calling callback for %r", future)

    def _end(self):
        """The pool sends nothing more."""
        link, self._link = self._link, None
        reason = link.end()
        if link.has_failed and not self._sent:
            _log.warning("%s", reason)  # no future will report it
        if self._sent or not self._may_reconnect:
            self._fail(reason)

    def _fail(self, reason, is_final=False):
        """Fails all futures that are not done."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
        with self._lock:
            if is_final or not self._may_reconnect:
                self._broken = reason
            unsent = [*self._taken, *self._pending]
            self._taken.clear()
            self._pending.clear()
            self._room.notify_all()
        sent, self._sent = self._sent, {}
        self._pieces, self._unsent = [], b""
        for future, _, _ in sent.values():
            self._complete(future, None, PoolLost(reason, may_have_run=True))
        for future, _, _ in unsent:
            if _start(future):
                self._complete(future, None, PoolLost(reason))

    def _close_link(self):
        """Closes the connection once the pool has ended, or at once if all jobs were given up."""
        link = self._link
        if link is None:
            return
        if not self._is_given_up:
            link.close_output()
            while self._link is not None and not self._is_given_up:
                if not self._wait_for_end(link.close_timeout):
                    break
        if self._is_given_up:
            while not link.interrupt():
                time.sleep(0.1)
            self._fail("the executor was shut down by an interrupt", is_final=True)
        if self._link is not None:
            self._link.close()
            self._link = None

    def _wait_for_end(self, seconds):
        with self._lock:
            self._is_asleep = not self._is_given_up
        return self._wait(seconds if self._is_asleep else 0)


def _start(future):
    """Marks a future as running. False if it was cancelled, or completed by others."""
    try:
        return future.running() or future.set_running_or_notify_cancel()
    except RuntimeError:
        return False  # it has logged this


def _cancel(future):
    """Cancels a future that no thread will complete any more."""
    try:
        future.cancel()
    except BaseException:
        _log.exception("exception calling callback for %r", future)
    _start(future)


_FORKED = "this executor belongs to the parent process; a forked process makes one of its own"
_pumps = weakref.WeakSet()


def _finish_all():
    """At the exit of Python: what was submitted is done."""
    pumps = list(_pumps)
    for pump in pumps:
        pump.close()
    for pump in pumps:
        pump.join()


def _forget_all():
    for pump in list(_pumps):
        pump.forget()


atexit.register(_finish_all)
os.register_at_fork(after_in_child=_forget_all)
