"""What every worker on an SDK does, whatever its language."""
import shutil
import signal
import subprocess
import sys
import unittest

from worker_process import ROOT, WorkerCase, answers, environment

PYTHON = [sys.executable, ROOT + "/Tests/SDK/busy_worker.py"]
NODE = ["node", ROOT + "/Tests/SDK/busy_worker.mjs"]


class Common:
    """Run for each of the classes below."""

    command = PYTHON
    raised = "ValueError: "
    runs_at_once = True

    def test_a_string_comes_back_as_a_string_and_anything_else_as_json(self):
        worker = self.start(self.command)
        self.assertEqual(worker.ask("straße"), {"jsonrpc": "2.0", "id": 1, "result": "STRASSE"})
        self.assertEqual(worker.ask("json x", id=2)["result"], {"job": "x", "list": [1, 2.5, "é"]})
        self.assertEqual(worker.ask("null", id="a"), {"jsonrpc": "2.0", "id": "a", "result": None})
        self.assertEqual(worker.ask("lines", id=4)["result"], "a\nb")
        self.assertEqual(worker.finish()[:2], ([], 0))

    def test_an_exception_fails_its_job_alone_with_its_traceback(self):
        worker = self.start(self.command)
        error = worker.ask("fail no such luck")["error"]
        self.assertEqual((error["code"], error["message"]), (-32000, self.raised + "no such luck"[: self.longest]))
        self.assertIn("busy_worker", error["data"])
        self.assertIn(error["message"], error["data"])
        self.assertNotIn("prefork_worker.py", error["data"])
        self.assertEqual(worker.ask("next")["result"], "NEXT")

    def test_a_failure_has_a_code_and_data_of_its_own(self):
        error = self.start(self.command).ask("failure x")["error"]
        self.assertEqual(error, {"code": 404, "message": "no such page", "data": {"page": "x"}})

    def test_a_result_that_json_cannot_hold_fails_its_job_alone(self):
        worker = self.start(self.command)
        self.assertIn("a job returned bytes", worker.ask("bytes")["error"]["message"])
        self.assertIn("serializ", worker.ask("unfit")["error"]["message"])
        self.assertIn("surrogate", worker.ask("half-pair")["error"]["message"])
        self.assertNotIn("\ud83d", worker.ask("fail-half-pair")["error"]["message"])
        self.assertEqual(worker.ask("next")["result"], "NEXT")

    def test_what_is_printed_goes_to_stderr(self):
        worker = self.start(self.command)
        self.assertEqual(worker.ask("print")["result"], "PRINT")
        messages, status, errors = worker.finish()
        self.assertEqual((messages, status), ([], 0))
        for text in ["setting up", "printed", *self.printed, "the end"]:
            self.assertIn(text + "\n", errors)

    def test_notifications(self):
        worker = self.start(self.command)
        worker.send_job(7, "progress")
        progress = worker.receive()
        self.assertEqual(progress["method"], "progress")
        self.assertEqual(progress["params"], {"id": 7, "done": 1, "total": 4, "message": "loading"})
        self.assertEqual(worker.receive()["id"], 7)
        worker.send_job(8, "log")
        logs = [worker.receive()["params"], worker.receive()["params"]]
        self.assertEqual(
            logs, [{"level": "warning", "message": "it is warm"}, {"level": "error", "message": "it is hot"}])
        self.assertEqual(worker.receive()["id"], 8)
        worker.send_job(9, "retire")
        self.assertEqual(worker.receive(), {"jsonrpc": "2.0", "method": "retire"})
        self.assertEqual(worker.receive()["result"], "RETIRE")

    def test_requests_that_make_no_sense_are_refused(self):
        worker = self.start(self.command)
        worker.send(id=1, method="dance")
        error = worker.receive()["error"]
        self.assertEqual(error["code"], -32601)
        self.assertIn("this worker has", error["message"])
        worker.send(id=2, method="job")
        self.assertEqual((answer := worker.receive())["error"]["code"], -32602)
        self.assertEqual(answer["id"], 2)
        worker.write("half {\n\n  \n")
        self.assertEqual((answer := worker.receive())["error"]["code"], -32700)
        self.assertIsNone(answer["id"])
        worker.write("[]\n")
        self.assertEqual(worker.receive()["error"]["code"], -32600)
        worker.write("{}\n")
        self.assertEqual(worker.receive()["error"]["code"], -32600)
        worker.send(method="something/else")
        worker.send(id=99, result="an answer to nothing")
        self.assertEqual(worker.ask("next")["result"], "NEXT")

    def test_a_method_of_its_own_with_parameters(self):
        worker = self.start(self.command)
        worker.send(id=1, method="area", params=[6, 7])
        self.assertEqual(worker.receive()["result"], 42)
        worker.send(id=2, method="area", params={"job": 5})
        self.assertEqual(worker.receive()["result"], 5)

    def test_jobs_run_at_the_same_time(self):
        worker = self.start(self.at_once)
        for id in range(3):
            worker.send_job(id, "together 3")
        self.assertEqual(sorted(worker.receive()["id"] for _ in range(3)), [0, 1, 2])

    def test_a_cancelled_job_gives_up_and_others_go_on(self):
        worker = self.start(self.at_once)
        worker.send_job(1, "until-cancelled")
        self.assertEqual(worker.receive()["params"]["message"], "waits")
        self.assertEqual(worker.ask("next", id=2)["result"], "NEXT")
        worker.send(method="cancel", params={"id": 1})
        seen = [worker.receive(), worker.receive()]
        answer = next(message for message in seen if "id" in message)
        self.assertEqual((answer["id"], answer["error"]["code"]), (1, -32800))
        self.assertIn("called on cancel", str(seen))
        worker.send(method="cancel", params={"id": 1})  # answered already
        worker.send(method="cancel")
        self.assertEqual(worker.ask("next", id=3)["result"], "NEXT")

    def test_probe_and_reset(self):
        worker = self.start(self.command)
        worker.send(id="probe-1", method="probe")
        self.assertIn("probed", worker.receive()["params"]["message"])
        self.assertEqual(worker.receive(), {"jsonrpc": "2.0", "id": "probe-1", "result": None})
        worker.send(id="reset-1", method="reset")
        self.assertEqual(worker.receive()["id"], "reset-1")
        stained = self.start([*self.command, "stained"])
        stained.send(id="reset-1", method="reset")
        self.assertIn("a stain", stained.receive()["error"]["message"])

    def test_what_was_read_is_answered_at_the_end_of_stdin(self):
        worker = self.start(self.command)
        for id in range(3):
            worker.send_job(id, "sleep 0.1")
        messages, status, _ = worker.finish()
        self.assertEqual(status, 0)
        self.assertEqual([message["id"] for message in messages if "id" in message], [0, 1, 2])

    def test_stop_and_signals_let_the_job_end(self):
        for end in ["stop", signal.SIGTERM, signal.SIGINT]:
            with self.subTest(end):
                worker = self.start(self.command)
                worker.send_job(1, "sleep 0.3")
                self.assertEqual(worker.receive()["params"]["message"], "sleeps")
                if end == "stop":
                    worker.send(method="stop")
                else:
                    worker.process.send_signal(end)
                    self.assertEqual(worker.receive()["method"], "retire")
                self.assertEqual(worker.receive()["result"], "SLEEP 0.3")
                self.assertIsNone(worker.receive(), "it ends, though its stdin does not")
                messages, status, errors = worker.finish()
                self.assertEqual(status, 0)
                self.assertIn("the end\n", errors)

    def test_a_second_signal_kills(self):
        worker = self.start(self.command)
        worker.send_job(1, "sleep 1000")
        self.assertEqual(worker.receive()["params"]["message"], "sleeps")
        worker.process.send_signal(signal.SIGTERM)
        self.assertEqual(worker.receive()["method"], "retire")
        worker.process.send_signal(signal.SIGTERM)
        self.assertEqual(worker.finish()[1], -signal.SIGTERM)

    def test_a_broken_setup_ends_the_worker_before_it_is_ready(self):
        output, errors, status = answers([*self.command, "broken"], "", "jsonrpc")
        self.assertEqual((output, status), ("", 1))
        self.assertIn("no model", errors)

    def test_ready_is_sent_to_the_service_manager(self):
        notifications = self.notification_socket()
        self.start(self.command, NOTIFY_SOCKET=notifications.getsockname())
        self.assertTrue(notifications.recv(100).startswith(b"READY=1"))

    def test_large_jobs(self):
        worker = self.start(self.command)
        text = "é" * 3_000_000
        self.assertEqual(worker.ask(text)["result"], "É" * 3_000_000)

    def test_it_ends_when_nobody_reads_its_answers(self):
        request = b'{"jsonrpc":"2.0","id":1,"method":"job","params":{"job":"a"}}\n'
        pipe = subprocess.PIPE
        with subprocess.Popen(
            self.command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment("jsonrpc")) as worker:
            self.assertIn(b"ready", worker.stdout.readline())
            worker.stdout.close()
            worker.stdin.write(request)
            worker.stdin.flush()
            self.assertEqual(worker.wait(60), 1)

    def test_by_hand_it_answers_lines(self):
        output, errors, status = answers(self.command, "a\n\nprint\njson x\nlines\nlast")
        self.assertEqual((output, status), ('A\n\nPRINT\n{"job":"x","list":[1,2.5,"é"]}\na\nb\nLAST\n', 0))
        self.assertIn("from a child\n", errors)

    def test_by_hand_a_failure_is_an_empty_line_and_a_status(self):
        output, errors, status = answers(self.command, "a\nfail x\nprogress\nlog\n")
        self.assertEqual((output, status), ("A\n\nPROGRESS\nLOG\n", 1))
        for text in [self.raised + "x\n", "progress: 1/4 loading\n", "warning: it is warm\n"]:
            self.assertIn(text, errors)

    def test_lines_have_no_failures_so_that_the_worker_ends(self):
        for job in ["fail x", "bytes", "lines"]:
            output, errors, status = answers(self.command, f"a\n{job}\nb\n", "lines")
            self.assertEqual((output, status), ("A\n", 1), job)
            self.assertIn("Error: ", errors)

    def test_other_protocols_are_refused(self):
        output, errors, status = answers(self.command, "a\n", "netstring")
        self.assertEqual((output, status), ("", 1))
        self.assertIn("cannot speak --protocol netstring; try --protocol jsonrpc", errors)
        _, errors, status = answers(self.command, "Content-Length: 2\r\n\r\n{}", "jsonrpc")
        self.assertEqual(status, 1)
        self.assertIn("cannot speak --framing content-length", errors)


class PythonTests(Common, WorkerCase):
    at_once = [*PYTHON, "threads"]
    longest = 100
    printed = ["printed before the SDK was imported", "from a child", "from a forked process"]

    def test_jobs_run_on_the_main_thread_and_cancel_is_heard_there(self):
        worker = self.start(self.command)
        self.assertEqual(worker.ask("thread")["result"], "MainThread")
        worker.send_job(1, "until-cancelled")
        self.assertEqual(worker.receive()["params"]["message"], "waits")
        worker.send_job(2, "waits for its turn")
        worker.send(method="cancel", params={"id": 2})
        worker.send(method="cancel", params={"id": 1})
        self.assertEqual(worker.receive()["params"]["message"], "called on cancel")
        self.assertEqual(
            [worker.receive()["error"]["message"] for _ in range(2)],
            ["cancelled: RuntimeError: stopped half way", "cancelled before it began"])

    def test_threads_are_not_the_main_thread_but_hooks_are_on_it(self):
        worker = self.start(self.at_once)
        self.assertNotEqual(worker.ask("thread")["result"], "MainThread")
        worker.send(id="probe-1", method="probe")
        self.assertEqual(worker.receive()["params"]["message"], "probed on MainThread")

    def test_an_exit_in_a_job_fails_it(self):
        worker = self.start(self.command)
        self.assertEqual(worker.ask("exit 3")["error"]["message"], "SystemExit: 3")
        self.assertEqual(worker.ask("next")["result"], "NEXT")

    def test_members_are_keyword_arguments(self):
        worker = self.start(self.command)
        worker.send(id=1, method="area", params={"height": 6, "width": 7})
        self.assertEqual(worker.receive()["result"], 42)
        worker.send(id=2, method="area", params={"job": 7, "depth": 1})
        self.assertIn("unexpected keyword argument 'depth'", worker.receive()["error"]["message"])

    def test_lines_carry_what_is_no_utf8(self):
        self.assertEqual(answers(self.command, "a\udcff\n")[0], "A\udcff\n")


class AsyncPythonTests(PythonTests):
    command = at_once = [*PYTHON, "async"]
    test_jobs_run_on_the_main_thread_and_cancel_is_heard_there = None
    test_threads_are_not_the_main_thread_but_hooks_are_on_it = None

    def test_a_cancelled_job_sees_CancelledError(self):
        worker = self.start(self.command)
        worker.send_job(1, "until-cancelled")
        self.assertEqual(worker.receive()["params"]["message"], "waits")
        worker.send(method="cancel", params={"id": 1})
        seen = [worker.receive(), worker.receive()]
        answer = next(message for message in seen if "id" in message)
        self.assertEqual(answer["error"]["message"], "cancelled: asyncio.exceptions.CancelledError")


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class NodeTests(Common, WorkerCase):
    command = at_once = NODE
    raised = "RangeError: "
    longest = 2  # the worker splits at each space
    printed = ["written", "from a child", "from a shell"]

    @unittest.skipUnless(shutil.which("systemd-notify"), "systemd-notify is not installed")
    def test_ready_is_sent_to_the_service_manager(self):
        super().test_ready_is_sent_to_the_service_manager()


if __name__ == "__main__":
    unittest.main()
