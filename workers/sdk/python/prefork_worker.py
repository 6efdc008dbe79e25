"""Write a worker for prefork in five lines:

    from prefork_worker import job, run

    @job
    def answer(text):
        return text.upper()

    run()

`prefork run --protocol jsonrpc -- python3 worker.py` runs it with everything below. `echo x | python3 worker.py`, in a
terminal, answers each line with a line; so does `prefork run -- python3 worker.py`.

**Jobs.** `@job` registers a function for the jobs, `@job("name")` for those of `--method name`. It is called with the
job, a str. With `--params`, an array becomes its arguments, an object its keyword arguments, and the member `job` the
first argument. What it returns is the reply: a str as text, anything else as JSON. An exception fails this job alone,
with the traceback, and the worker lives on; `raise Failure("no such page", code=404)` fails it without one.

**Jobs in batches** (`--batch N`). `@batch`, or `@batch("name")`, registers a function that is called with a list of
jobs and returns the list of their replies, in the same order. An exception in it, as in `["ok", ValueError("empty")]`,
fails that job alone; one that is raised fails them all. Without `--batch` each job is a list of one; with it, functions
of `@job` are called for one job after another.

**Several jobs at once** (`--concurrency K`). `async def` jobs share one event loop. Other jobs run one after another on
the main thread, where models and GPUs like to be, or on N threads after `run(threads=N)`.

**In a job**: `progress(done, total, message)`, `log(level, text)`, `cancelled()`, `on_cancel(function)`, and `retire()`
to be replaced after the current jobs. An `async def` job that is cancelled gets `asyncio.CancelledError`. A batch is
cancelled when all of its jobs are.

**Hooks**: `@setup` runs before the worker reports that it is ready, `@probe` and `@reset` when prefork asks
(`--probe probe`, `--reset reset`). They run on the main thread.

**stdin and stdout** are moved out of reach when this module is imported: `print` and child processes write to stderr.
What is printed before that is held back by Python's buffer, unless PYTHONUNBUFFERED is set: so import this module
first.

**The end**: the end of stdin, SIGTERM or SIGINT. What was read is answered, then `run` returns.

The `lines` protocol has no failures, so a job that raises ends the worker (its traceback is on stderr, prefork reports
a crash and starts another worker). By hand, the reply is an empty line and the exit status is 1 in the end.
"""
import _thread
import contextvars
import fcntl
import itertools
import json
import logging
import os
import queue
import signal
import sys
import threading
import traceback

__all__ = [
    "Failure", "LogHandler", "batch", "cancelled", "job", "log", "on_cancel", "probe", "progress", "reset", "retire",
    "run", "setup",
]
__version__ = "0.1.0"

_PARSE_ERROR, _INVALID_REQUEST, _METHOD_NOT_FOUND, _INVALID_PARAMS = -32700, -32600, -32601, -32602
_EXCEPTION, _CANCELLED = -32000, -32800

_current = contextvars.ContextVar("prefork_job", default=None)
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class Failure(Exception):
    """Raise it to fail a job without a traceback. `code`: an integer; `data`: anything that JSON can hold."""

    def __init__(self, message, code=1, data=None):
        super().__init__(message)
        self.code, self.data = code, data


# ----------------------------------------------------------------------------------------------- the worker's interface


def job(function_or_name):
    """Registers a function, sync or async, for the jobs: `@job`, or `@job("name")` for the method of that name."""
    if callable(function_or_name):
        return _register_job("job", function_or_name)
    return lambda function: _register_job(function_or_name, function)


def batch(function_or_name):
    """Registers a function, sync or async, for lists of jobs: `@batch`, or `@batch("name")`. It returns a list of as
    many replies."""
    if callable(function_or_name):
        return _register_job("job", function_or_name, is_batch=True)
    return lambda function: _register_job(function_or_name, function, is_batch=True)


def _register_job(name, function, is_batch=False):
    if name in _jobs:
        raise ValueError(f"there is a function for {name!r} already; give this one a name of its own: @job('name')")
    _jobs[name] = function
    if is_batch:
        _batches.add(name)
    return function


def probe(function):
    """Registers the answer to a probe: the worker is well if the function returns, and is replaced if it raises."""
    _hooks["probe"] = function
    return function


def reset(function):
    """Registers what removes the traces of a job, to run after each; the worker is replaced if it raises."""
    _hooks["reset"] = function
    return function


def setup(function):
    """Registers what runs once, before the worker is ready. Several run in their order."""
    _setups.append(function)
    return function


def progress(done, total=None, message=""):
    """Reports how far the current job is, in a unit of your own. Outside of a job it does nothing."""
    call = _current.get()
    if call is None:
        return
    if _protocol == "jsonrpc":
        parameters = {"done": float(done), "message": str(message)}
        if total is not None:
            parameters["total"] = float(total)
        for id in call.ids():
            _notify_pool("progress", {"id": id, **parameters})
    elif _protocol is None:
        print("progress:", done if total is None else f"{done}/{total}", message, file=sys.stderr, flush=True)


def log(level, text):
    """Logs a text through prefork. `level`: debug, info, notice, warning, error, critical, alert or emergency."""
    if _protocol != "jsonrpc" or not _notify_pool("log", {"level": level, "message": str(text)}):
        print(f"{level}: {text}", file=sys.stderr, flush=True)


def retire():
    """Asks to be replaced after the current jobs, for example because a leak was noticed. Only with JSON-RPC."""
    if _protocol == "jsonrpc":
        _notify_pool("retire")


def cancelled():
    """True once prefork has cancelled the current job: nobody waits for its result any more."""
    call = _current.get()
    return call is not None and call.is_cancelled


def on_cancel(function):
    """Calls the function, on another thread, when the current job is cancelled; at once if it is already."""
    call = _current.get()
    if call is not None:
        call.on_cancel(function)


class LogHandler(logging.Handler):
    """Sends the records of `logging` to `log`: `logging.basicConfig(handlers=[LogHandler()], level="INFO")`."""

    _levels = (
        (logging.CRITICAL, "critical"), (logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"))

    def emit(self, record):
        try:
            log(next((name for level, name in self._levels if record.levelno >= level), "debug"), self.format(record))
        except Exception:
            self.handleError(record)


def run(threads=0):
    """Answers jobs until the end. `threads`: how many run those jobs that are not `async`; 0: the main thread does."""
    if not _jobs:
        sys.exit("prefork_worker: no function is registered with @job or @batch")
    if _protocol not in (None, "lines", "jsonrpc"):
        sys.exit(f"prefork_worker: cannot speak --protocol {_protocol}; try --protocol jsonrpc")
    if _stdio.input is None:
        _stdio.take()
    functions = [*_jobs.values(), *_hooks.values(), *_setups]
    if any(map(_is_async, functions)):
        engine = _EventLoop(threads)
    else:
        engine = _MainThread(threads)
    try:
        for function in _setups:
            engine.call(function)
        if _protocol == "jsonrpc":
            _Requests(engine).serve()
        else:
            _serve_lines(engine)
    finally:
        engine.close()


# ----------------------------------------------------------------------------------------------------- stdin and stdout


class _Stdio:
    """The real stdin and stdout. In their places are /dev/null and stderr."""

    input = output = None

    def __init__(self):
        self.lock = threading.Lock()

    def take(self):
        self.input = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
        self.output = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True)
        os.register_at_fork(after_in_child=self.drop)

    def drop(self):
        """A process that was forked, by multiprocessing for example, is not the worker."""
        os.close(self.input)
        os.close(self.output)
        self.output = None

    def read(self):
        return os.read(self.input, 65536)

    def lines(self, read):
        pieces = []  # joined once per line, so that a long one costs no copy per block
        while True:
            block = read()
            if not block:
                break
            *ends, rest = block.split(b"\n")
            for end in ends:
                pieces.append(end)
                yield b"".join(pieces)
                pieces = []
            if rest:
                pieces.append(rest)
        if pieces:
            yield b"".join(pieces)

    def write(self, data):
        """False if this process is not the worker."""
        if self.output is None:
            return False
        try:
            with self.lock:
                count = os.write(self.output, data)
                while count < len(data):
                    data = memoryview(data)[count:]
                    count = os.write(self.output, data)
        except BrokenPipeError:
            os._exit(1)  # the pool is gone, and nobody waits for an answer
        return True


def _notify_pool(method, parameters=None):
    message = {"jsonrpc": "2.0", "method": method}
    if parameters is not None:
        message["params"] = parameters
    return _stdio.write((_encode(message) + "\n").encode("utf-8", "replace"))


def _notify_ready():
    """READY=1, as sd_notify(3) sends it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        import socket

        if address[0] == "@":
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
            notifications.sendto(b"READY=1", address)


def _handle_signals(handler):
    """SIGTERM and SIGINT call the handler once; the second one kills. Handlers of the worker's own are left alone."""

    def handle(number, frame):
        signal.signal(number, signal.SIG_DFL)
        handler()

    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, handle)


# ------------------------------------------------------------------------------------------------------- where jobs run


class _Call:
    """A call of a job's function or of a hook."""

    batch = None  # the _BatchCall of which this is one job

    def __init__(self, function, arguments=(), keywords=None, id=None, answer=None, respond=None):
        self.function, self.arguments, self.keywords = function, arguments, keywords or {}
        self.id, self.answer, self.respond = id, answer, respond
        self.is_async = _is_async(function)
        self.is_hook = False
        self.is_cancelled = False
        self.task = None
        self.has_begun = False
        self._cancel_functions = []
        self._lock = threading.Lock()

    def run(self):
        token = _current.set(self)
        result = error = None
        try:
            if self.is_cancelled:
                raise Failure("cancelled before it began", _CANCELLED)
            result = self.function(*self.begin(), **self.keywords)
        except BaseException as caught:
            error = caught
        finally:
            _current.reset(token)
        self.answer(self, result, error)

    async def run_async(self):
        """A task of its own runs this."""
        self.has_begun = True
        _current.set(self)
        result = error = None
        try:
            if self.is_cancelled:
                raise Failure("cancelled before it began", _CANCELLED)
            result = await self.function(*self.begin(), **self.keywords)
        except BaseException as caught:
            error = caught
        self.answer(self, result, error)

    def begin(self):
        """The arguments, at the last moment."""
        return self.arguments

    def ids(self):
        return [self.id]

    def on_cancel(self, function):
        with self._lock:
            if not self.is_cancelled:
                self._cancel_functions.append(function)
                return
        function()

    def cancel(self):
        with self._lock:
            self.is_cancelled = True
            functions, self._cancel_functions = self._cancel_functions, []
        for function in functions:
            try:
                function()
            except Exception:
                traceback.print_exc()


class _BatchCall(_Call):
    """One call for several jobs, each of which is a call of its own that is answered, but not run."""

    def __init__(self, function, calls):
        super().__init__(function, answer=_answer_each)
        self.calls, self.begun = calls, []
        self.wanted = len(calls)  # those that are not cancelled
        for call in calls:
            call.batch = self

    def begin(self):
        self.begun = [call for call in self.calls if not call.is_cancelled]
        return [[_one_value(call.arguments, call.keywords) for call in self.begun]]

    def ids(self):
        return [call.id for call in self.begun]


def _answer_each(batch, result, error):
    replies = []
    if error is None:
        try:
            replies = _replies(result, len(batch.begun))
        except Exception as caught:
            error = caught
    if error is not None:
        replies = [error] * len(batch.begun)
    begun = set(batch.begun)
    for call in batch.calls:
        if call not in begun:
            call.answer(call, None, Failure("cancelled before it began", _CANCELLED))
    for call, reply in zip(batch.begun, replies):
        if isinstance(reply, BaseException):
            call.answer(call, None, reply)
        else:
            call.answer(call, reply, None)


def _replies(result, count):
    """What the function of a batch has returned, as a list."""
    number = "one job" if count == 1 else f"{count} jobs"
    if isinstance(result, (str, bytes, bytearray, dict, set, frozenset)) or not hasattr(result, "__iter__"):
        raise Failure(f"a batch of {number} needs a list of as many results; it returned a {type(result).__name__}")
    replies = list(result)
    if len(replies) != count:
        raise Failure(f"a batch of {number} returned {len(replies)} results")
    return replies


def _one_value(arguments, keywords):
    """A job of a batch: its only argument; or the list, or the dict, that its parameters are."""
    if keywords:
        return {"job": arguments[0], **keywords} if arguments else keywords
    return arguments[0] if len(arguments) == 1 else arguments


class _Threads:
    """Threads that run calls. Daemons, so that a second SIGTERM ends the process at once."""

    def __init__(self, count):
        self.calls = queue.SimpleQueue()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while (call := self.calls.get()) is not None:
            call.run()

    def finish(self):
        for _ in self.threads:
            self.calls.put(None)
        for thread in self.threads:
            thread.join()


class _MainThread:
    """Runs calls one after another on the main thread, or jobs on threads."""

    def __init__(self, threads):
        self.calls = queue.SimpleQueue()  # its `put` may interrupt its `get`, in a signal handler
        self.threads = threads

    def call(self, function, *arguments):
        return function(*arguments)

    def post(self, call):
        """Runs the call; None ends `run`. From any thread."""
        self.calls.put(call)

    def cancel(self, call):
        call.cancel()

    def run(self):
        threads = _Threads(self.threads)
        while (call := self.calls.get()) is not None:
            if threads.threads and not call.is_hook:
                threads.calls.put(call)
            else:
                call.run()
        threads.finish()

    def close(self):
        pass


class _EventLoop:
    """Runs async calls at the same time on one event loop, on the main thread, and others in between or on threads."""

    def __init__(self, threads):
        import asyncio

        self.asyncio = asyncio
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.threads = threads
        self.end = self.loop.create_future()
        self.tasks = set()

    def call(self, function, *arguments):
        if _is_async(function):
            return self.loop.run_until_complete(function(*arguments))

        async def call():  # so that it finds the running loop
            return function(*arguments)

        return self.loop.run_until_complete(call())

    def post(self, call):
        self.loop.call_soon_threadsafe(self._begin, call)

    def cancel(self, call):
        call.cancel()
        if call.is_async:
            self.loop.call_soon_threadsafe(self._cancel_task, call)

    def _cancel_task(self, call):
        # One that has not begun would end without an answer; it sees by itself that it is cancelled.
        if call.has_begun:
            call.task.cancel()

    def _begin(self, call):
        if call is None:
            if not self.end.done():
                self.end.set_result(None)
        elif call.is_async:
            call.task = self.loop.create_task(call.run_async())
            self.tasks.add(call.task)
            call.task.add_done_callback(self.tasks.discard)
        elif self.pool.threads and not call.is_hook:
            self.pool.calls.put(call)
        else:
            call.run()

    async def _serve(self):
        await self.end
        while self.tasks:
            await self.asyncio.wait(set(self.tasks))

    def run(self):
        self.pool = _Threads(self.threads)
        self.loop.run_until_complete(self._serve())
        self.pool.finish()

    def close(self):
        tasks = self.asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(self.asyncio.wait(tasks))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


def _is_async(function):
    """Whether calling it makes a coroutine. `inspect` knows too, but takes longer to import than a worker to start."""
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    if not hasattr(function, "__code__"):
        function = getattr(function, "__func__", None) or getattr(type(function), "__call__", None)
    return bool(getattr(getattr(function, "__code__", None), "co_flags", 0) & 0x80)  # CO_COROUTINE


# ------------------------------------------------------------------------------------------------------------ protocols


class _Requests:
    """JSON-RPC 2.0, one message a line. A thread reads, so that a cancel arrives while the main thread is at work."""

    def __init__(self, engine):
        self.engine = engine
        self.open = {}  # calls by id

    def serve(self):
        _handle_signals(self._leave)
        threading.Thread(target=self._read, name="prefork-reader", daemon=True).start()
        _notify_ready()
        _notify_pool("ready")
        self.engine.run()

    def _leave(self):
        # On a thread: the main thread may have been interrupted while it writes, and holds the lock.
        _thread.start_new_thread(retire, ())
        self.engine.post(None)

    def _read(self):
        try:
            for line in _stdio.lines(_stdio.read):
                if not line.isspace() and line:
                    self._receive(line)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        self.engine.post(None)

    def _receive(self, line):
        try:
            message = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            if line.lower().startswith(b"content-length"):
                print("prefork_worker: cannot speak --framing content-length", file=sys.stderr, flush=True)
                os._exit(1)
            return self._refuse(None, _PARSE_ERROR, f"not JSON: {error}", respond=_send)
        if isinstance(message, list) and message:
            respond = _Responses(sum(map(_wants_response, message))).add
        else:
            message, respond = [message], _send
        calls = {}  # of batches, by method
        for each in message:
            self._handle(each, respond, calls)
        for method, several in calls.items():
            self.engine.post(_BatchCall(_jobs[method], several))

    def _handle(self, message, respond, calls):
        if not isinstance(message, dict):
            return self._refuse(None, _INVALID_REQUEST, "a request must be an object", respond=respond)
        id, method = message.get("id"), message.get("method")
        if not isinstance(method, str) or isinstance(id, (list, dict)):
            if _wants_response(message):
                self._refuse(
                    None, _INVALID_REQUEST, 'a request needs a "method", and its "id" is a number or a string',
                    respond=respond)
        elif "id" in message:
            call = self._call(id, method, message.get("params"), respond)
            if call is None:
                pass
            elif method in _batches:
                calls.setdefault(method, []).append(call)
            else:
                self.engine.post(call)
        elif method == "cancel":
            self._cancel(message.get("params"))
        elif method == "stop":
            self.engine.post(None)

    def _call(self, id, method, parameters, respond):
        """None if it was refused."""
        if method in _jobs:
            try:
                arguments, keywords = _arguments(parameters)
            except TypeError as error:
                return self._refuse(id, _INVALID_PARAMS, str(error), respond=respond)
            call = _Call(_jobs[method], arguments, keywords, id=id, answer=self._answer, respond=respond)
            self.open[id] = call
        elif method in ("probe", "reset"):
            call = _Call(_hooks.get(method, _nothing), id=id, answer=self._answer, respond=respond)
            call.is_hook = True
        else:
            names = ", ".join(_jobs)
            message = f"method not found: {method}; this worker has {names}"
            return self._refuse(id, _METHOD_NOT_FOUND, message, respond=respond)
        return call

    def _cancel(self, parameters):
        id = parameters.get("id") if isinstance(parameters, dict) else None
        call = None if isinstance(id, (list, dict)) else self.open.get(id)
        if call is None:
            return
        if call.batch is None:
            return self.engine.cancel(call)
        if not call.is_cancelled:
            call.cancel()
            call.batch.wanted -= 1
            if call.batch.wanted == 0:
                self.engine.cancel(call.batch)

    def _answer(self, call, result, error):
        if not call.is_hook:
            self.open.pop(call.id, None)
        text = None
        if error is None:
            try:
                text = f'{{"jsonrpc":"2.0","id":{_encode(call.id)},"result":{_encode_result(result)}}}'.encode()
            except Exception as caught:
                error = caught
        if error is not None:
            return self._refuse(call.id, *_description(call, error), respond=call.respond)
        call.respond(text)

    def _refuse(self, id, code, message, data=None, *, respond):
        error = {"code": code, "message": message}
        if data is not None:
            error["data"] = data
        respond(_encode({"jsonrpc": "2.0", "id": id, "error": error}).encode("utf-8", "replace"))


def _send(text):
    _stdio.write(text + b"\n")


def _wants_response(message):
    """Not a notification, nor a response itself."""
    if not isinstance(message, dict):
        return True
    if isinstance(message.get("method"), str):
        return "id" in message
    return "result" not in message and "error" not in message


class _Responses:
    """The responses to a batch of requests. They are sent together."""

    def __init__(self, count):
        self.missing, self.texts, self.lock = count, [], threading.Lock()

    def add(self, text):
        with self.lock:
            self.texts.append(text)
            self.missing -= 1
            is_complete = self.missing == 0
        if is_complete:
            _send(b"[" + b",".join(self.texts) + b"]")


def _nothing():
    """Answers a probe or a reset for which no function is registered."""


def _arguments(parameters):
    """The arguments and keyword arguments of a job's function."""
    if isinstance(parameters, list):
        return parameters, {}
    if isinstance(parameters, dict) and parameters:
        if "job" in parameters:
            return [parameters.pop("job")], parameters
        return [], parameters
    raise TypeError("the parameters of a job must be an array, or an object with members")


def _encode_result(result):
    if isinstance(result, (bytes, bytearray, memoryview)):
        raise TypeError("a job returned bytes; return a str (bytes.decode), or base64 of them")
    return _encode(result)


def _description(call, error):
    """Code, message and data of a JSON-RPC error."""
    if isinstance(error, Failure):
        try:
            _encode(error.data)
        except Exception as defect:
            return error.code, f"{error} (its data: {defect})"
        return error.code, str(error), error.data
    if call.is_cancelled:
        return _CANCELLED, f"cancelled: {_last_line(error)}"
    return _EXCEPTION, _last_line(error), _traceback(error)


def _last_line(error):
    """The last line of a traceback; without the notes, which come after it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be made)"
    return f"{name}: {text}" if text else name


def _traceback(error):
    """Without our own frame at its beginning."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


class _Leave(BaseException):
    """A signal came while no job ran."""


def _serve_lines(engine):
    """A line for each line. `_protocol` is None if a person runs the worker, and `lines` if prefork does."""
    name = "job" if "job" in _jobs else next(iter(_jobs))
    function = _jobs[name]
    is_by_hand = _protocol is None
    state = {"reads": False, "ends": False, "failures": 0}
    replies = []

    def leave():
        state["ends"] = True
        if state["reads"]:
            raise _Leave

    def read():
        state["reads"] = True
        if state["ends"]:
            raise _Leave
        block = _stdio.read()
        state["reads"] = False
        return block

    def answer(call, result, error):
        if state["failures"] and not is_by_hand:
            return  # a reply would count as that of the job which has failed
        try:
            if error is not None:
                raise error
            text = result if isinstance(result, str) else _encode_result(result)
            if "\n" in text and not is_by_hand:
                raise ValueError("a reply of several lines; with --protocol jsonrpc they are possible")
            reply = text.encode("utf-8", "surrogateescape")
        except BaseException as caught:
            print(_traceback(caught), end="", file=sys.stderr, flush=True)
            state["failures"] += 1
            if not is_by_hand:
                return
            reply = b""
        replies.append(reply + b"\n")

    _handle_signals(leave)
    _notify_ready()
    lines = _stdio.lines(read)
    try:
        for message in _counted(lines) if _has_counts and not is_by_hand else ([line] for line in lines):
            calls = [_Call(function, [line.decode("utf-8", "surrogateescape")], answer=answer) for line in message]
            for call in [_BatchCall(function, calls)] if name in _batches else calls:
                if call.is_async:
                    engine.call(call.run_async)
                else:
                    call.run()
                _stdio.write(b"".join(replies))
                replies.clear()
                if state["failures"] and not is_by_hand:
                    break
            # What was read is owed to prefork, not to a person who wants to stop.
            if state["ends"] if is_by_hand else state["failures"]:
                break
    except _Leave:
        pass
    if state["failures"]:
        sys.exit(1)


def _counted(lines):
    """The jobs of each message, which is led by a line with their number."""
    for line in lines:
        if not line.isdigit() or int(line) < 1:
            sys.exit(f"prefork_worker: a batch must begin with a line that holds its number of jobs, not {line[:50]!r}")
        message = list(itertools.islice(lines, int(line)))
        if len(message) < int(line):
            sys.exit(f"prefork_worker: stdin has ended after {len(message)} jobs of a batch of {int(line)}")
        yield message


_jobs, _batches, _hooks, _setups = {}, set(), {}, []
# A worker that this one starts has a protocol of its own.
_protocol = os.environ.pop("PREFORK_PROTOCOL", None)
_has_counts = os.environ.pop("PREFORK_BATCH", None) is not None
_stdio = _Stdio()
if _protocol is not None:
    _stdio.take()
