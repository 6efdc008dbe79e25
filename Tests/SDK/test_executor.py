"""prefork.Executor over real pools. Needs prefork in the PATH."""
import asyncio
import collections
import concurrent.futures
import contextlib
import itertools
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from worker_process import DEADLINE, ROOT, environment

sys.path.insert(0, os.path.join(ROOT, "workers/sdk/python"))

from prefork import Executor, JobFailed, PoolLost

PATIENT = [sys.executable, ROOT + "/Tests/SDK/patient_worker.py"]
BUSY = [sys.executable, ROOT + "/Tests/SDK/busy_worker.py"]
# What busy_worker.py prints before it imports the SDK must stay in Python's buffer.
QUIET = {"env": ["PYTHONPATH=" + ROOT + "/workers/sdk/python", "PYTHONUNBUFFERED="], "stderr": os.devnull}


class ExecutorCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.gate = os.path.join(self.folder, "gate")
        self.address = f"unix:{self.folder}/jobs"

    def open_gate(self):
        with open(self.gate, "w"):
            pass

    def executor(self, command=PATIENT, **options):
        pool = Executor(command=command, **{"workers": 1, **options})
        self.addCleanup(pool.shutdown, cancel_futures=True)
        self.addCleanup(self.open_gate)
        return pool

    def serve(self, command=PATIENT, *options, workers=1):
        """A server that listens."""
        server = subprocess.Popen(
            ["prefork", "serve", "-q", "--listen", self.address, "-w", str(workers), *options, "--", *command],
            stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, server)
        until(self.is_served)
        return server

    def is_served(self):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(f"{self.folder}/jobs") == 0

    def end(self, server):
        self.open_gate()
        if server.poll() is None:
            server.terminate()
        server.wait(DEADLINE)


def until(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come about")
        time.sleep(0.005)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def child_of(pool):
    return pool._pump._link.process


class ReplyTests(ExecutorCase):
    def test_text_and_bytes(self):
        pool = self.executor()
        self.assertEqual(pool.submit("straße").result(DEADLINE), "straße")
        self.assertEqual(pool.submit("straße", results="bytes").result(DEADLINE), "straße".encode())
        self.assertEqual(pool.submit(b"\xff\x00\xfe", results="bytes").result(DEADLINE), b"\xff\x00\xfe")
        self.assertEqual(pool.submit(bytearray(b"a\xff")).result(DEADLINE), "a\udcff")
        self.assertEqual(pool.submit("a\udcff", results="bytes").result(DEADLINE), b"a\xff")
        self.assertEqual(pool.submit("").result(DEADLINE), "")

    def test_json(self):
        pool = self.executor(results="json")
        self.assertEqual(pool.submit({"a": [1, None, "é"]}).result(DEADLINE), {"a": [1, None, "é"]})
        with self.assertRaisesRegex(ValueError, "the reply is not JSON .*: 'half {'"):
            pool.submit("half {").result(DEADLINE)

    def test_a_reply_that_is_nested_too_deeply_fails_its_job_alone(self):
        pool = self.executor(results="json")
        deep = "[" * 100_000 + "]" * 100_000
        replies = list(pool.map(["[1]", deep, "[2]"], return_exceptions=True))
        self.assertEqual((replies[0], replies[2]), ([1], [2]))
        self.assertIsInstance(replies[1], ValueError)
        self.assertRegex(str(replies[1]), r"nested too deeply .*results=\"text\": '\[\[")
        self.assertEqual(pool.submit(deep, results="text").result(DEADLINE), deep)

    def test_a_record_that_Python_cannot_read_fails_its_job_alone(self):
        for result in ("[" * 100_000 + "]" * 100_000, "7" * 5000):
            with self.subTest(result[0]), FakeServer() as server, Executor(server.address) as pool:
                server.results = [result, '"b"']
                replies = list(pool.map(["a", "b"], return_exceptions=True))
                self.assertRegex(str(replies[0]), "^the record of the reply cannot be read .*seq")
                self.assertEqual(replies[1], "b")

    def test_json_of_a_worker_on_the_SDK(self):
        pool = self.executor(BUSY, protocol="jsonrpc", results="json", **QUIET)
        self.assertEqual(pool.submit("json x").result(DEADLINE), {"job": "x", "list": [1, 2.5, "é"]})
        self.assertEqual(
            pool.submit("json x", results="text").result(DEADLINE), '{"job":"x","list":[1,2.5,"é"]}')
        self.assertIsNone(pool.submit("null").result(DEADLINE))

    def test_large_jobs(self):
        pool = self.executor()
        text = "é" * 1_000_000
        self.assertEqual(list(pool.map([text, "a", text])), [text, "a", text])

    def test_many_jobs(self):
        pool = self.executor(["cat"], workers=2)
        jobs = [str(number) for number in range(20_000)]
        futures = [pool.submit(job) for job in jobs]
        self.assertEqual([future.result(DEADLINE) for future in futures], jobs)
        self.assertEqual(list(pool.map(iter(jobs[:3000]))), jobs[:3000])

    def test_what_is_no_job(self):
        pool = self.executor()
        with self.assertRaisesRegex(TypeError, "not a function, which is the worker's"):
            pool.submit(len)
        with self.assertRaisesRegex(TypeError, "map takes the jobs alone"):
            pool.map(len, results="text")
        with self.assertRaisesRegex(TypeError, "not int"):
            pool.submit(1)
        with self.assertRaises(UnicodeEncodeError):
            pool.submit("\ud83d")
        with self.assertRaisesRegex(ValueError, "results must be"):
            pool.submit("a", results="xml")
        self.assertEqual(pool.submit("next").result(DEADLINE), "next")

    def test_in_asyncio(self):
        pool = self.executor(["cat"])

        async def ask():
            loop = asyncio.get_running_loop()
            return await asyncio.gather(
                loop.run_in_executor(pool, "a"), asyncio.wrap_future(pool.submit("b")), return_exceptions=True)

        self.assertEqual(asyncio.run(ask()), ["a", "b"])


class FailureTests(ExecutorCase):
    def test_the_death_of_a_worker_fails_one_future(self):
        pool = self.executor(workers=2, **QUIET)
        futures = [pool.submit("die" if number == 20 else str(number)) for number in range(40)]
        for number, future in enumerate(futures):
            if number != 20:
                self.assertEqual(future.result(DEADLINE), str(number))
        error = futures[20].exception(DEADLINE)
        self.assertIsInstance(error, JobFailed)
        self.assertEqual((error.outcome, error.attempts, error.signal, error.code), ("crashed", 1, 9, None))
        self.assertIn("was killed by SIGKILL", error.message)
        self.assertEqual(str(error), "crashed: " + error.message)

    def test_kill_of_workers_from_outside(self):
        pool = self.executor(workers=2, retries=50, quarantine_after=50, **QUIET)
        futures = [pool.submit("pid") for _ in range(2000)]
        killed = set()
        for future in futures[::400]:
            pid = int(future.result(DEADLINE))
            if pid not in killed:
                killed.add(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.assertTrue(all(future.result(DEADLINE) for future in futures))

    def test_what_a_worker_reports(self):
        pool = self.executor(BUSY, protocol="jsonrpc", **QUIET)
        error = pool.submit("failure x", retries=1).exception(DEADLINE)
        self.assertEqual((error.outcome, error.message, error.code), ("failed", "no such page", 404))
        self.assertEqual((error.data, error.attempts), ({"page": "x"}, 2))
        self.assertEqual(str(error), "failed after 2 attempts: no such page")
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(copy), copy.record), (str(error), error.record))

    def test_a_time_limit_of_one_job(self):
        pool = self.executor(**QUIET)
        self.assertEqual(pool.submit("wait " + self.gate, timeout=0.05).exception(DEADLINE).outcome, "timeout")
        self.assertEqual(pool.submit("next").result(DEADLINE), "next")

    def test_a_job_that_the_framing_cannot_carry(self):
        pool = self.executor()
        error = pool.submit("two\nlines").exception(DEADLINE)
        self.assertEqual((error.outcome, error.attempts), ("failed", 0))
        self.assertEqual(pool.submit("next").result(DEADLINE), "next")

    def test_a_job_that_is_too_long_for_the_child(self):
        pool = self.executor(max_job_size=100)
        futures = [pool.submit(job) for job in ("a", "b" * 1000, "c")]
        self.assertEqual(futures[0].result(DEADLINE), "a")
        self.assertEqual(futures[1].exception(DEADLINE).outcome, "failed")
        self.assertEqual(futures[2].result(DEADLINE), "c")


class CallbackTests(ExecutorCase):
    """Callbacks that raise what is no Exception."""

    def test_the_executor_lives_on(self):
        pool = self.executor()
        for error in (SystemExit, KeyboardInterrupt, GeneratorExit):
            with self.subTest(error), self.assertLogs("prefork", "ERROR") as logs:
                futures = [pool.submit("wait " + self.gate) for _ in range(3)]
                futures[0].add_done_callback(raising(error))
                self.open_gate()
                for future in futures:
                    self.assertEqual(future.result(DEADLINE), "wait " + self.gate)
                os.unlink(self.gate)
            self.assertIn("exception calling callback for <Future", logs.output[0])

    def test_all_others_are_failed_when_the_pool_is_lost(self):
        pool = self.executor()
        futures = [pool.submit("wait " + self.gate) for _ in range(20)]
        for future in (futures[0], futures[-1]):
            future.add_done_callback(raising(SystemExit))
        until(futures[0].running)
        with self.assertLogs("prefork", "ERROR"):
            child_of(pool).kill()
            for future in futures:
                self.assertIsInstance(future.exception(DEADLINE), PoolLost)
            pool.shutdown()

    def test_all_others_are_cancelled_at_shutdown(self):
        pool = self.executor(max_in_flight=1)
        futures = [pool.submit("wait " + self.gate) for _ in range(5)]
        until(futures[0].running)
        futures[1].add_done_callback(raising(SystemExit))
        with self.assertLogs("prefork", "ERROR"):
            pool.shutdown(wait=False, cancel_futures=True)
        self.assertTrue(all(future.cancelled() for future in futures[1:]))

    def test_a_future_that_others_have_completed(self):
        pool = self.executor(max_in_flight=1)
        futures = [pool.submit("wait " + self.gate) for _ in range(3)]
        until(futures[0].running)
        futures[1].set_result("by others")
        self.open_gate()
        self.assertEqual(futures[2].result(DEADLINE), "wait " + self.gate)


def raising(error):
    def callback(future):
        raise error

    return callback


class MapTests(ExecutorCase):
    def test_an_endless_iterable_in_order(self):
        pool = self.executor(["cat"], workers=2)
        replies = pool.map(map(str, itertools.count()))
        self.assertEqual(list(itertools.islice(replies, 5000)), [str(number) for number in range(5000)])
        replies.close()

    def test_nothing_is_taken_before_it_is_asked_for_and_not_much_more_then(self):
        pool = self.executor()
        taken = []

        def jobs():
            for number in itertools.count():
                taken.append(number)
                yield str(number) if number == 0 else "wait " + self.gate

        replies = pool.map(jobs(), buffersize=3)
        self.assertEqual(taken, [])
        self.assertEqual(next(replies), "0")
        self.assertLessEqual(len(taken), 3)
        replies.close()

    def test_a_failure_ends_the_iteration_or_stands_in_its_place(self):
        pool = self.executor(**QUIET)
        replies = pool.map(["a", "die", "b"])
        self.assertEqual(next(replies), "a")
        with self.assertRaises(JobFailed):
            next(replies)
        with self.assertRaises(StopIteration):
            next(replies)
        a, error, b = pool.map(["a", "die", "b"], return_exceptions=True)
        self.assertEqual((a, error.outcome, b), ("a", "crashed", "b"))

    def test_time_that_is_over(self):
        pool = self.executor()
        replies = pool.map(["a"] + ["wait " + self.gate] * 20, timeout=0.2)
        with self.assertRaises(concurrent.futures.TimeoutError):
            collections.deque(replies, maxlen=0)
        self.open_gate()
        self.assertEqual(pool.submit("next").result(DEADLINE), "next")

    def test_an_iterable_that_raises(self):
        pool = self.executor()
        with self.assertRaises(ZeroDivisionError):
            list(pool.map(str(1 // (2 - number)) for number in range(5)))


class CancelTests(ExecutorCase):
    def test_what_was_not_sent_is_cancelled(self):
        pool = self.executor()
        futures = [pool.submit("wait " + self.gate) for _ in range(10)]
        until(futures[0].running)
        self.assertFalse(futures[0].cancel())
        self.assertTrue(all(future.cancel() for future in futures[5:]))
        self.open_gate()
        self.assertEqual({future.result(DEADLINE) for future in futures[:5]}, {"wait " + self.gate})
        done, _ = concurrent.futures.wait(futures, DEADLINE)
        self.assertEqual(len(done), 10)
        self.assertTrue(all(future.cancelled() for future in futures[5:]))

    def test_shutdown(self):
        pool = self.executor()
        futures = [pool.submit("wait " + self.gate) for _ in range(10)]
        until(futures[0].running)
        pool.shutdown(wait=False, cancel_futures=True)
        with self.assertRaisesRegex(RuntimeError, "no job can be submitted after shutdown"):
            pool.submit("late")
        self.open_gate()
        concurrent.futures.wait(futures, DEADLINE)
        self.assertGreaterEqual(sum(future.cancelled() for future in futures), 7)
        self.assertEqual(futures[0].result(DEADLINE), "wait " + self.gate)
        child = child_of(pool) if pool._pump._link else None
        pool.shutdown()
        if child is not None:
            self.assertEqual(child.returncode, 0)

    def test_shutdown_waits_for_all_jobs(self):
        with self.executor() as pool:
            futures = [pool.submit(str(number)) for number in range(100)]
        self.assertTrue(all(future.done() for future in futures))

    def test_a_callback_may_submit_and_shut_down_though_no_more_may_wait(self):
        pool = self.executor(max_pending=1, max_in_flight=1)
        seen = []
        is_over = threading.Event()

        def follow(future):
            seen.append(future.result())
            if len(seen) < 20:
                pool.submit(str(len(seen))).add_done_callback(follow)
                self.assertTrue(pool.submit("never sent").cancel())
            else:
                pool.shutdown(wait=True)
                is_over.set()

        pool.submit("0").add_done_callback(follow)
        self.assertTrue(is_over.wait(DEADLINE))
        self.assertEqual(seen, [str(number) for number in range(20)])

    def test_submit_waits_where_no_more_may_wait(self):
        pool = self.executor(max_pending=5, max_in_flight=1)
        submitted = []

        def submit():
            for number in range(20):
                submitted.append(pool.submit("wait " + self.gate))

        thread = threading.Thread(target=submit)
        thread.start()
        until(lambda: len(submitted) == 6)
        self.assertTrue(submitted[5].cancel(), "it has not been sent")
        self.open_gate()
        thread.join(DEADLINE)
        self.assertEqual(sum(future.result(DEADLINE) != "" for future in submitted if not future.cancelled()), 19)


class LossTests(ExecutorCase):
    def assert_lost(self, futures, sent):
        for future in futures:
            self.assertIsInstance(future.exception(DEADLINE), PoolLost)
        self.assertIsInstance(futures[0].exception(), concurrent.futures.BrokenExecutor)
        self.assertGreaterEqual(sum(future.exception().may_have_run for future in futures), sent)
        self.assertIn("this job may have been run or not", str(futures[0].exception()))
        self.assertFalse(futures[-1].exception().may_have_run)

    def test_the_child_is_killed(self):
        pool = self.executor()
        futures = [pool.submit("wait " + self.gate) for _ in range(20)]
        until(futures[0].running)
        child_of(pool).kill()
        self.assert_lost(futures, 1)
        self.assertIn("was killed by SIGKILL", str(futures[0].exception()))
        with self.assertRaisesRegex(PoolLost, "was killed by SIGKILL"):
            pool.submit("late")
        pool.shutdown()

    def test_the_child_does_not_start_its_workers(self):
        pool = self.executor(["/nonexistent/worker"], stderr=os.devnull)
        with self.assertRaisesRegex(PoolLost, "ended with status 69: its workers do not start"):
            pool.submit("a").result(DEADLINE)

    def test_a_defect_of_the_executor_fails_what_it_was_about_to_send(self):
        pool = self.executor()
        child = child_of(pool)
        pool._pump._numbers = None
        with self.assertRaisesRegex(PoolLost, "(?s)a defect of the executor: .*TypeError"):
            pool.submit("a").result(DEADLINE)
        child.wait(DEADLINE)
        with self.assertRaises(PoolLost):
            pool.submit("b")

    def test_a_job_that_comes_while_an_idle_connection_is_closed(self):
        """At each of the moments when the executor is about to look at what is there, also after a failed write."""
        for moment, window in itertools.product((1, 2, 3), (32, 0)):
            with self.subTest((moment, window)), FakeServer() as server, Executor(server.address) as pool:
                self.assertEqual(pool.submit("a").result(DEADLINE), "1")
                pool._pump._window = window
                lock = pool._pump._lock = SubmittingLock(pool, moment)
                server.close_connection()
                until(lambda: lock.future or (pool._pump._link is None and pool._pump._is_asleep))
                future = lock.future or pool.submit("b")
                self.assertEqual(future.result(DEADLINE), "2")

    def test_options_as_words(self):
        pool = self.executor(["cat"], options=["--results", self.folder + "/results", "--retries=1"])
        self.assertEqual(pool.submit("a").result(DEADLINE), "a")
        with open(self.folder + "/results/1/job") as job:
            self.assertEqual(job.read(), "a")
        for option in ("--output=lines", "--input", "--keep-order", "-k", "--"):
            with self.assertRaisesRegex(TypeError, "the executor decides on this"):
                Executor(command=["cat"], options=[option])
        with self.assertRaisesRegex(TypeError, "options must be a list"):
            Executor(command=["cat"], options="--retries=1")
        with self.assertRaisesRegex(TypeError, "--retries=1: the options of the workers are the server's"):
            Executor(self.address, options=["--retries=1"])

    def test_wrong_arguments(self):
        with self.assertRaises(FileNotFoundError):
            Executor(command=["cat"], program="/nonexistent/prefork")
        with self.assertRaisesRegex(TypeError, "either the address of a server, or the command"):
            Executor()
        with self.assertRaisesRegex(TypeError, "workers: the options of the workers are the server's"):
            Executor(self.address, workers=3)
        with self.assertRaisesRegex(TypeError, "output: the executor decides on this"):
            Executor(command=["cat"], output="lines")
        with self.assertRaisesRegex(TypeError, "command must be a list"):
            Executor(command="cat")
        with self.assertRaisesRegex(ValueError, "max_in_flight must be 1 or more"):
            Executor(command=["cat"], max_in_flight=0)
        with self.assertRaisesRegex(ValueError, "an address is"):
            Executor("nowhere")

    def test_the_server_is_killed_and_comes_back(self):
        server = self.serve()
        pool = Executor(self.address)
        self.addCleanup(pool.shutdown)
        self.assertEqual(pool.submit("a").result(DEADLINE), "a")
        futures = [pool.submit("wait " + self.gate) for _ in range(100)]
        until(futures[0].running)
        server.kill()
        self.assert_lost(futures, 1)
        self.assertIn("has closed the connection", str(futures[0].exception()))
        with self.assertRaisesRegex(PoolLost, "no prefork server can be reached"):
            pool.submit("late").result(DEADLINE)
        os.unlink(f"{self.folder}/jobs")
        self.serve()
        self.assertEqual(pool.submit("again").result(DEADLINE), "again")

    def test_a_server_that_ends_in_peace_while_nothing_is_asked(self):
        server = self.serve()
        with Executor(self.address) as pool:
            self.assertEqual(pool.submit("a").result(DEADLINE), "a")
            self.end(server)
            os.unlink(self.gate)
            self.serve()
            self.assertEqual(pool.submit("b").result(DEADLINE), "b")

    def test_no_server(self):
        with self.assertRaisesRegex(PoolLost, "no prefork server can be reached at unix:.*No such file"):
            Executor(self.address)
        with self.assertRaisesRegex(PoolLost, "no prefork server can be reached at tcp:127.0.0.1:1: "):
            Executor("tcp:127.0.0.1:1")

    def test_what_is_no_server_of_ours(self):
        for answer, words in [
            (b"HTTP/1.1 400 Bad Request\r\n", "is no job socket of prefork serve"), (b"", "without a greeting"),
            (b'{"prefork":"9","records":2,"most-unsettled":1}\n', "is no job socket"),
            (b'{"prefork":"9","error":"too many clients","code":75}\n', "does not take us: too many clients")]:
            with self.subTest(answer), socket.create_server(("127.0.0.1", 0)) as listening:
                thread = threading.Thread(target=answer_once, args=(listening, answer))
                thread.start()
                with self.assertRaisesRegex(PoolLost, words):
                    Executor(f"tcp:127.0.0.1:{listening.getsockname()[1]}")
                thread.join()

    def test_a_server_that_lies(self):
        greeting = b'{"prefork":"9","records":1,"most-unsettled":64}\n'
        record = b'{"id":%d,"seq":1,"outcome":"%b","attempts":1,%b}\n'
        for lie in [
            record % (99, b"ok", b'"result":"a"'), b"half {\n", b"[]\n", b"7\n", record % (1, b"failed", b'"error":7'),
            record % (1, b"ok", b'"rest":7')]:
            with self.subTest(lie), socket.create_server(("127.0.0.1", 0)) as listening:
                thread = threading.Thread(target=answer_once, args=(listening, greeting, lie))
                thread.start()
                with Executor(f"tcp:127.0.0.1:{listening.getsockname()[1]}") as pool:
                    with self.assertRaisesRegex(PoolLost, "has sent what is no answer"):
                        pool.submit("a").result(DEADLINE)
                thread.join()


def answer_once(listening, *answers):
    """Each answer after a line of the client."""
    client, _ = listening.accept()
    with client, client.makefile("rb") as lines:
        for answer in answers:
            lines.readline()
            client.sendall(answer)
        if len(answers) > 1:
            lines.read()


class SubmittingLock:
    """The lock of an executor without a connection: the thread that takes it for the nth time finds one job more."""

    def __init__(self, pool, moment):
        self.pool, self.moment, self.lock, self.future = pool, moment, pool._pump._lock, None

    def __enter__(self):
        pump = self.pool._pump
        if threading.current_thread() is pump._thread and pump._link is None and self.moment > 0:
            self.moment -= 1
            if self.moment == 0:
                self.future = self.pool.submit("b")
        self.lock.acquire()

    def __exit__(self, *error):
        self.lock.release()


class FakeServer:
    """Answers each job with the next of `results`, or else with its number, over all connections."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp:127.0.0.1:{self.listening.getsockname()[1]}"
        self.results, self.count, self.client = [], 0, None
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.thread.join(DEADLINE)
        self.listening.close()

    def close_connection(self):
        self.client.shutdown(socket.SHUT_RDWR)

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                self.client, _ = self.listening.accept()
                with self.client, self.client.makefile("rb") as lines:
                    self._answer(lines)

    def _answer(self, lines):
        lines.readline()
        self.client.sendall(b'{"prefork":"9","records":1,"most-unsettled":64}\n')
        for id, _ in enumerate(lines, 1):
            self.count += 1
            result = self.results.pop(0) if self.results else f'"{self.count}"'
            self.client.sendall(b'{"id":%d,"seq":%d,"outcome":"ok","result":%b}\n' % (id, id, result.encode()))


class ServedTests(ExecutorCase):
    def test_over_tcp_and_from_threads(self):
        self.serve(["cat"], "--listen=tcp:127.0.0.1:0", workers=2)
        with Executor(self.address, results="bytes") as pool, concurrent.futures.ThreadPoolExecutor(8) as threads:
            asked = [threads.submit(lambda start=start: list(pool.map(map(str, range(start, start + 200)))))
                     for start in range(0, 1600, 200)]
            for start, future in zip(range(0, 1600, 200), asked):
                self.assertEqual(future.result(DEADLINE), [b"%d" % number for number in range(start, start + 200)])

    def test_a_job_that_is_too_long_for_the_server(self):
        self.serve(["cat"], "--max-job-size=100")
        with Executor(self.address) as pool:
            futures = [pool.submit(job) for job in ("a", "b" * 2000, "c")]
            self.assertEqual((futures[0].result(DEADLINE), futures[2].result(DEADLINE)), ("a", "c"))
            self.assertRegex(str(futures[1].exception(DEADLINE)), "failed: the record of the job is over .* bytes")

    def test_a_server_that_is_told_to_end_answers_what_it_has_accepted(self):
        server = self.serve()
        with Executor(self.address) as pool:
            future = pool.submit("wait " + self.gate)
            until(lambda: os.path.exists(self.gate + ".begun"))
            server.terminate()
            until(lambda: not self.is_served())
            self.open_gate()
            self.assertEqual(future.result(DEADLINE), "wait " + self.gate)
            self.assertEqual(server.wait(DEADLINE), 0)


class ProcessTests(ExecutorCase):
    """Programs with an executor, and how they end."""

    def program(self, text, **more):
        head = (
            "import os, signal, sys, time, warnings\n"
            "warnings.simplefilter('ignore', DeprecationWarning)\n"  # of forks beside threads
            "from prefork import *\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may have it ignored
            f"PATIENT, GATE = {PATIENT!r}, {self.gate!r}\n")
        process = subprocess.Popen(
            [sys.executable, "-c", head + text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(None), **more)
        timer = threading.Timer(DEADLINE, process.kill)
        timer.start()
        self.addCleanup(timer.cancel)
        return process

    def outcome(self, process):
        output, errors = process.communicate(timeout=DEADLINE)
        return output, errors, process.returncode

    def assert_gone(self, pid):
        until(lambda: not is_alive(pid))

    def test_what_was_submitted_is_done_at_the_end_of_the_program(self):
        program = self.program(
            "pool = Executor(command=PATIENT, workers=1)\n"
            "for number in range(100): pool.submit(str(number)).add_done_callback(lambda f: print(f.result()))\n")
        output, errors, status = self.outcome(program)
        self.assertEqual((output.split(), errors, status), ([str(number) for number in range(100)], "", 0))

    def test_one_that_is_dropped_ends_its_child(self):
        program = self.program(
            "pool = Executor(command=PATIENT, workers=1)\n"
            "future, child = pool.submit('a'), pool._pump._link.process\n"
            "del pool\n"
            "print(future.result(), child.wait())\n")
        self.assertEqual(self.outcome(program), ("a 0\n", "", 0))

    def test_interrupts(self):
        """The first lets what was sent be done, the second does not."""
        for count in (1, 2):
            with self.subTest(count):
                program = self.program(
                    "with Executor(command=PATIENT, workers=1) as pool:\n"
                    "    futures = [pool.submit('wait ' + GATE) for _ in range(20)]\n"
                    "    try:\n"
                    "        print(pool._pump._link.process.pid, flush=True)\n"
                    "        time.sleep(1000)\n"
                    "    finally: print('interrupted', flush=True)\n", start_new_session=True)
                pid = int(program.stdout.readline())
                os.killpg(program.pid, signal.SIGINT)
                self.assertEqual(program.stdout.readline(), "interrupted\n")
                if count == 1:
                    self.open_gate()
                else:
                    self.interrupt_until_it_ends(program)
                output, errors, status = self.outcome(program)
                self.assertIn("KeyboardInterrupt", errors)
                self.assertEqual(status, -signal.SIGINT)
                self.assert_gone(pid)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.gate)

    def interrupt_until_it_ends(self, program):
        def is_over():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(0.2)
            return program.returncode is not None

        until(is_over)

    def test_the_child_ends_with_a_program_that_is_killed(self):
        program = self.program(
            "pool = Executor(command=PATIENT, workers=1)\n"
            "future = pool.submit('pid')\n"
            "print(pool._pump._link.process.pid, future.result(), flush=True)\n"
            "future = pool.submit('wait ' + GATE)\n"
            "time.sleep(1000)")
        pids = program.stdout.readline().split()
        program.kill()
        self.open_gate()
        self.outcome(program)
        for pid in pids:
            self.assert_gone(pid)

    def test_a_forked_process_leaves_it_alone(self):
        program = self.program(
            "pool = Executor(command=PATIENT, workers=1)\n"
            "future = pool.submit('wait ' + GATE)\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    try: pool.submit('x')\n"
            "    except PoolLost as error: print(error, flush=True)\n"
            "    pool.shutdown()\n"
            "    with Executor(command=PATIENT, workers=1) as own: print(own.submit('own').result(), flush=True)\n"
            "    print('waits', flush=True)\n"
            "    sys.stdin.read()\n"
            "    sys.exit()\n"
            "while not os.path.exists(GATE): time.sleep(0.01)\n"
            "print(future.result(), flush=True)\n"
            "pool.shutdown()\n"
            "print('ended before the forked process', flush=True)\n"
            "os.waitpid(pid, 0)\n", stdin=subprocess.PIPE)
        lines = [program.stdout.readline() for _ in range(3)]
        self.assertEqual([line.strip()[:13] for line in lines], ["this executor", "own", "waits"])
        self.open_gate()
        self.assertEqual(program.stdout.readline(), f"wait {self.gate}\n")
        self.assertEqual(program.stdout.readline(), "ended before the forked process\n")
        self.assertEqual(self.outcome(program)[1:], ("", 0))


if __name__ == "__main__":
    unittest.main()
